package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/internal/retry"
	"netmon/internal/tail"
	"netmon/wire"
)

// ErrDenied says that the broker knows who we are, and does not let us do this.
var ErrDenied = errors.New("not allowed")

// denials ends what waits for an answer that a refused request never gets:
// NATS reports a refusal beside the request.
type denials struct {
	mu      sync.Mutex
	waiting map[int]func(error)
	next    int
}

// record takes an error that the connection reports.
func (d *denials) record(err error) {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, end := range d.waiting {
		end(refusal(err))
	}
}

// refusal says what NATS's word means that we may not send or read something.
func refusal(err error) error {
	what := err.Error()
	if i := strings.Index(what, " for "); i >= 0 {
		what = what[i+len(" for "):]
	}
	return fmt.Errorf("%w: your role does not include it (%s): an admin sees roles with netmon access ls", ErrDenied, what)
}

// during returns a context that ends, with the refusal as its cause, when the
// broker refuses something meanwhile.
func (d *denials) during(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waiting == nil {
		d.waiting = map[int]func(error){}
	}
	id := d.next
	d.next++
	d.waiting[id] = cancel
	return ctx, func() {
		d.mu.Lock()
		delete(d.waiting, id)
		d.mu.Unlock()
		cancel(nil)
	}
}

// denied is the refusal that ended ctx, or err.
func denied(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, ErrDenied) {
		return cause
	}
	return err
}

// request asks and waits, or says at once that we may not.
func (c *Client) request(ctx context.Context, m *nats.Msg) (*nats.Msg, error) {
	ctx, done := c.denials.during(ctx)
	defer done()
	msg, err := c.nc.RequestMsgWithContext(ctx, m)
	return msg, denied(ctx, err)
}

// settling is how long a broker that has just started may be without the part
// that answers for access.
const settling = 5 * time.Second

// Access asks the broker about who may come in. Only admins get an answer.
func (c *Client) Access(ctx context.Context, cmd wire.AccessCommand) (wire.AccessReply, error) {
	data, err := json.Marshal(cmd)
	if err != nil {
		return wire.AccessReply{}, err
	}
	// It is asked once, as a token that is made twice is two. What a stream has to do
	// with it, agents forget, the service repeats itself for as long, past an election.
	ctx, cancel := context.WithTimeout(ctx, retry.Patience)
	defer cancel()
	msg, err := c.access.Do(ctx, wire.AccessAdminSubject, data)
	// One that knows us answers soon after it is ready.
	for begun := time.Now(); c.nc.Opts.UserJWT != nil && errors.Is(err, nats.ErrNoResponders) && time.Since(begun) < settling; {
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
		msg, err = c.access.Do(ctx, wire.AccessAdminSubject, data)
	}
	if errors.Is(err, nats.ErrNoResponders) {
		return wire.AccessReply{}, errors.New("this broker has no identities: it listens on this host only, or was started without them; " +
			"once it listens beyond this host, it makes keys and certificates (docs/security.md)")
	}
	if err != nil {
		return wire.AccessReply{}, noMesh("access", err)
	}
	var r wire.AccessReply
	if err := json.Unmarshal(msg.Data, &r); err != nil {
		return r, fmt.Errorf("access: the broker's answer cannot be read: %w", err)
	}
	if r.Error != nil {
		return r, r.Error
	}
	return r, nil
}

// Identities lists who may come in, by name.
func (c *Client) Identities(ctx context.Context) (all []wire.Identity, err error) {
	for after := ""; ; {
		r, err := c.Access(ctx, wire.AccessCommand{Op: wire.AccessList, After: after})
		if err != nil {
			return nil, err
		}
		all = append(all, r.Identities...)
		if r.Next == "" || r.Next <= after {
			return all, nil
		}
		after = r.Next
	}
}

// Conn is the connection, for what is not about the mesh.
func (c *Client) Conn() *nats.Conn { return c.nc }

// Audit hands over who changed what since a moment, in order, then follows
// until ctx ends, or, without follow, returns.
func (c *Client) Audit(ctx context.Context, since time.Time, follow bool, each func(wire.Audit)) error {
	ctx, done := c.denials.during(ctx)
	defer done()
	t, err := tail.Open(ctx, c.js, wire.AuditStream, tail.From{Since: since})
	if err != nil {
		return noMesh("read the audit", denied(ctx, err))
	}
	defer t.Stop()
	if t.Left() == 0 && !follow {
		return nil
	}
	for {
		m, meta, err := t.Next()
		if ctx.Err() != nil {
			return denied(ctx, ctx.Err())
		}
		if err != nil {
			return noMesh("read the audit", err)
		}
		e, err := wire.DecodeAudit(m.Subject, m.Data)
		if err != nil { // somebody else's message
			e = wire.Audit{Where: "unknown", Error: err.Error()}
		}
		each(e)
		if !follow && meta.NumPending == 0 {
			return nil
		}
	}
}

// Authority asks about the mesh's authority, or has it changed. Only admins get an answer.
func (c *Client) Authority(ctx context.Context, cmd wire.AccessCommand) (wire.AuthorityState, error) {
	r, err := c.Access(ctx, cmd)
	if err != nil {
		return wire.AuthorityState{}, err
	}
	if r.Authority == nil {
		return wire.AuthorityState{}, errors.New("this broker cannot change its authority: update netmon there")
	}
	if cmd.Op != wire.AccessAuthority {
		c.following.again()
	}
	return *r.Authority, nil
}
