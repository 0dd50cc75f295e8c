package agent

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// byController is the author of what follows from saved monitors.
const byController = string(wire.RoleController)

// author is who sent a command, by the broker's word; "" where the broker
// verifies nobody. Only the controller knows all that is saved.
func (a *Agent) author(sender string, c wire.Command) (string, error) {
	if !a.o.Known {
		return "", nil
	}
	by, role, err := wire.Caller(sender)
	switch {
	case err != nil:
		return "", err
	case role == wire.RoleController:
		return byController, nil
	case role != wire.RoleOperator && role != wire.RoleAdmin:
		return "", fmt.Errorf("a %s commands no agent", role)
	case c.Op == wire.OpSync:
		return by, fmt.Errorf("op: sync is the controller's: save monitors, or start and stop them one by one")
	}
	return by, nil
}

const (
	auditRoom  = 256              // changes that wait to be told
	auditTries = 5                // to store one
	auditPause = 2 * time.Second  // between two tries
	auditAck   = 5 * time.Second  // for the stream to answer
	auditGrace = time.Second      // to store the last ones, when the agent ends
	auditNames = 50               // of one change; the number of all is in its detail
	rotateMost = 20 * time.Second // to change the key
)

// tell notes who made the agent do what. What the controller does follows from
// saved monitors, whose authors are known.
func (a *Agent) tell(by string, c wire.Command, r wire.Reply) {
	switch {
	case c.Op == wire.OpList, c.Op == wire.OpInfo, c.Op == "", by == byController, !a.o.Known && c.Store != "":
		return
	}
	e := wire.Audit{At: time.Now().UTC(), By: by, Where: a.o.ID, Did: string(c.Op), OK: r.OK}
	for _, m := range c.Monitors {
		e.What = append(e.What, m.Name)
	}
	e.What = append(e.What, c.Names...)
	switch {
	case c.Op == wire.OpProbe && len(c.Monitors) == 1:
		e.What, e.Detail = nil, c.Monitors[0].Kind+" "+c.Monitors[0].Target
	case len(e.What) > auditNames:
		e.Detail, e.What = fmt.Sprintf("%d monitors, of which these are the first", len(e.What)), e.What[:auditNames]
	}
	if r.Error != nil {
		e.Error = wire.Clip(r.Error.Error(), wire.MaxText)
	}
	e.Detail = wire.Clip(e.Detail, wire.MaxText)
	a.told.Add(context.Background(), e, changed(c, r))
}

// auditLine is a line under an id that nobody guesses: sent again, it is one line.
type auditLine struct {
	wire.Audit
	id string
}

// note takes a line of the audit, to be stored.
func (a *Agent) note(_ context.Context, e wire.Audit) {
	a.log.Info("command", "by", e.By, "op", e.Did, "what", e.What, "detail", e.Detail, "ok", e.OK)
	select {
	case a.audit <- auditLine{e, rand.Text()}:
	default:
		a.log.Warn("audit: too much at once, one change is in this log only", "by", e.By, "op", e.Did)
	}
}

// auditLoop stores what was told, in order, until ctx ends. What was told until
// then it still tries to store.
func (a *Agent) auditLoop(ctx context.Context) {
	var counting sync.WaitGroup
	counting.Go(func() { a.told.Run(ctx) })
	var cut []auditLine // being stored when ctx ended
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case e := <-a.audit:
			if err := a.storeAudit(ctx, e); err != nil && ctx.Err() != nil {
				cut = append(cut, e)
			} else if err != nil {
				a.untold(e, err)
			}
		}
	}
	counting.Wait()
	rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditGrace)
	defer cancel()
	for len(a.audit) > 0 {
		cut = append(cut, <-a.audit)
	}
	for _, e := range cut {
		if err := a.storeAudit(rest, e); err != nil {
			a.untold(e, err)
		}
	}
}

func (a *Agent) untold(e auditLine, err error) {
	a.log.Warn("audit: a change is in this log only", "by", e.By, "did", e.Did, "error", err)
}

func (a *Agent) storeAudit(ctx context.Context, e auditLine) error {
	subject, err := wire.AuditSubject(a.o.ID)
	if err != nil {
		return err
	}
	data, err := e.Encode()
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		nc := a.link.wait(ctx)
		if nc == nil {
			return ctx.Err()
		}
		js, err := jetstream.New(nc)
		if err == nil {
			ack, cancel := context.WithTimeout(ctx, auditAck)
			_, err = js.Publish(ack, subject, data, jetstream.WithMsgID(e.id))
			cancel()
		}
		if err == nil || try == auditTries {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(auditPause):
		}
	}
}

// rotate changes the agent's key. The answer goes out before the connection is
// made anew with it.
func (a *Agent) rotate(reply func(wire.Reply)) {
	nc := a.link.current()
	if a.o.Rotate == nil || nc == nil {
		reply(wire.Refuse(a.o.ID, wire.Error{Code: wire.CodeInvalid, Field: "op", Message: "this agent did not join with a token: it has no key of its own to change"}))
		return
	}
	if !a.rotating.CompareAndSwap(false, true) {
		reply(wire.Refuse(a.o.ID, wire.Error{Code: wire.CodeLimit, Message: "it is changing its key already"}))
		return
	}
	reply(wire.Reply{OK: true, Agent: a.o.ID})
	a.run.wg.Go(func() {
		defer a.rotating.Store(false)
		ctx, cancel := context.WithTimeout(a.runs, rotateMost)
		defer cancel()
		nc.FlushWithContext(ctx)
		if err := a.o.Rotate(ctx, nc); err != nil {
			a.log.Error("the key was not changed", "error", err)
			return
		}
		a.log.Info("the key was changed; the one before is shut out")
	})
}
