package agent

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/identity"
	"netmon/internal/retry"
	"netmon/wire"
)

// byController is the author of what follows from saved monitors.
const byController = string(wire.RoleController)

// author is who signed a command; "" where nobody has to, and of one that only
// reads. What the broker says of the sender does not count: it can be forged.
func (a *Agent) author(data []byte, proof string, c wire.Command) (string, error) {
	if a.o.Trust == nil || !c.Op.Changes() {
		return "", nil
	}
	subject, err := wire.CommandSubject(a.o.ID)
	if err != nil {
		return "", err
	}
	who, err := identity.Receiver{Member: a.o.Trust.Member, Challenges: &a.replays}.
		Sender(proof, subject, data, wire.RoleController, wire.RoleOperator, wire.RoleAdmin)
	if err != nil && proof != "" && a.o.Trust.Number() == 0 {
		err = identity.Refuse(wire.CodeUnknown, errors.New("this agent does not know yet whose commands count: the broker sends that at once; if it does not, its netmon is older than this agent's: update it there"))
	}
	switch {
	case err != nil:
		a.refusing(err)
		return "", err
	case who.Role == wire.RoleController:
		return byController, nil
	case c.Op == wire.OpSync: // only the controller knows all that is saved
		return who.Name, fmt.Errorf("op: only the controller may send sync: save monitors, or start and stop them one by one")
	}
	return who.Name, nil
}

// refusedEvery bounds how often the log reports commands that nobody showed to
// be allowed.
const refusedEvery = time.Minute

// refusing tells the owner of this host that somebody tries to command it.
func (a *Agent) refusing(err error) {
	if errors.Is(err, identity.ErrStale) {
		return // it is signed again in a moment
	}
	now := time.Now()
	if last := a.refusedAt.Load(); last != nil && now.Sub(*last) < refusedEvery {
		return
	}
	a.refusedAt.Store(&now)
	a.log.Warn("refused a command; further refusals may not be logged", "error", err)
}

// trust takes a newer list of those whose commands count. It shows by itself
// who made it.
func (a *Agent) trust(list wire.SignedTrust) wire.Reply {
	if a.o.Trust == nil {
		return wire.Refuse(a.o.ID, wire.Error{Code: wire.CodeInvalid, Field: "op", Message: "this agent did not join with a token: it obeys everybody whom the broker lets in"})
	}
	before, problem := a.o.Trust.Number(), a.o.Trust.Problem()
	err := a.o.Trust.Take(list)
	a.cameOver()
	if n := a.o.Trust.Number(); n != before { // also where it could not be kept
		a.log.Info("received a newer list of those whose commands count", "number", n)
		a.changed()
		if a.o.Trust.Next() != "" {
			a.follow()
		}
	}
	switch {
	case errors.Is(err, identity.ErrNotKept): // the controller brings it again
		if problem == nil {
			a.log.Error("trust", "error", err)
		}
		return wire.Refuse(a.o.ID, wire.Error{Code: wire.CodeInternal, Field: "trust", Message: err.Error()})
	case err != nil:
		a.log.Warn("refused a list of those whose commands count", "error", err)
		return wire.Refuse(a.o.ID, wire.Error{Code: wire.CodeInvalid, Field: "trust", Message: err.Error()})
	case problem != nil:
		a.log.Info("stored the list of those whose commands count", "number", a.o.Trust.Kept())
		a.changed()
	}
	return wire.Reply{OK: true, Agent: a.o.ID}
}

const (
	auditRoom  = 256              // changes that wait to be stored
	auditTries = 5                // to store one
	auditPause = 2 * time.Second  // between two tries
	auditAck   = 5 * time.Second  // for the stream to answer, asked again meanwhile
	auditGrace = time.Second      // to store the last ones, when the agent ends
	auditNames = 50               // of one change; the number of all is in its detail
	rotateMost = 20 * time.Second // to change the key
)

// auditCommand notes who made the agent do what. What the controller does follows from
// saved monitors, whose authors are known.
func (a *Agent) auditCommand(by string, c wire.Command, r wire.Reply) {
	switch {
	case c.Op == wire.OpList, c.Op == wire.OpInfo, c.Op == wire.OpTrust, c.Op == "", by == byController, a.o.Trust == nil && c.Store != "":
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
	a.audits.Add(context.Background(), e, changed(c, r))
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
		a.log.Warn("audit: too many changes at once, this one is in this log only", "by", e.By, "op", e.Did)
	}
}

// auditLoop stores what was noted, in order, until ctx ends. What was noted until
// then it still tries to store.
func (a *Agent) auditLoop(ctx context.Context) {
	var counting sync.WaitGroup
	counting.Go(func() { a.audits.Run(ctx) })
	var cut []auditLine // being stored when ctx ended
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case e := <-a.audit:
			if err := a.storeAudit(ctx, e); err != nil && ctx.Err() != nil {
				cut = append(cut, e)
			} else if err != nil {
				a.auditFailed(e, err)
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
			a.auditFailed(e, err)
		}
	}
}

func (a *Agent) auditFailed(e auditLine, err error) {
	a.log.Warn("audit: this change is in this log only", "by", e.By, "did", e.Did, "error", err)
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
			_, err = retry.Publish(ack, js, &nats.Msg{Subject: subject, Data: data, Header: nats.Header{jetstream.MsgIDHeader: {e.id}}})
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
// recreated with it.
func (a *Agent) rotate(reply func(wire.Reply)) {
	nc := a.link.current()
	if a.o.Rotate == nil || nc == nil {
		reply(wire.Refuse(a.o.ID, wire.Error{Code: wire.CodeInvalid, Field: "op", Message: "this agent did not join with a token: it has no key of its own to change"}))
		return
	}
	if !a.rotating.CompareAndSwap(false, true) {
		reply(wire.Refuse(a.o.ID, wire.Error{Code: wire.CodeLimit, Message: "it is already changing its key"}))
		return
	}
	reply(wire.Reply{OK: true, Agent: a.o.ID})
	a.runner.wg.Go(func() {
		defer a.rotating.Store(false)
		ctx, cancel := context.WithTimeout(a.runs, rotateMost)
		defer cancel()
		nc.FlushWithContext(ctx)
		if err := a.o.Rotate(ctx, nc); err != nil {
			a.log.Error("could not change the key", "error", err)
			return
		}
		a.log.Info("changed the key; the previous one is shut out")
	})
}
