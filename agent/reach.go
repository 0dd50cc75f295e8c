package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/wire"
)

// This file finds where JetStream answers. Results are published, and that works
// wherever the stream's subjects reach; what the stream has is asked for through
// JetStream's API, after a disturbance alone. A leaf node without JetStream passes
// on everything but that API, unless it is asked for under the hub's domain. So
// the API is tried each time the broker is reached, not when it is first needed.

// reach is the subjects' prefix of the API that answers.
type reach struct {
	mu     sync.Mutex // guards what follows
	domain string
}

// subject is that of a request to the API.
func (r *reach) subject(request string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.domain == "" {
		return "$JS.API." + request
	}
	return "$JS." + r.domain + ".API." + request
}

func (r *reach) turn(domain string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.domain = domain
}

// tryAgain is after how long an API that does not answer is tried again.
const tryAgain = 10 * time.Second

// reachLoop tries the API each time the broker is reached, until it answers.
func (a *Agent) reachLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.reached:
		}
		for ctx.Err() == nil {
			nc := a.link.current()
			if nc == nil {
				break // the link's opening asks again
			}
			answers, err := a.tryAPI(ctx, nc)
			if nc.IsConnected() && (answers || err != nil) {
				a.setReachProblem(err)
			}
			if answers {
				break
			}
			select {
			case <-ctx.Done():
			case <-time.After(tryAgain):
			}
		}
	}
}

// tryAPI asks JetStream for something small. Where nobody answers, although the
// heartbeats are stored, that is under another domain or out of reach: the error
// says so. Where they are not stored either, nothing is known yet.
func (a *Agent) tryAPI(ctx context.Context, nc *nats.Conn) (answers bool, err error) {
	err = a.askAPI(ctx, nc)
	if !errors.Is(err, nats.ErrNoResponders) {
		return err == nil, nil // one that is slow is reported elsewhere
	}
	domain, stored := a.domain(ctx, nc)
	switch {
	case !stored:
		return false, nil // there is no stream now: results that wait say so
	case domain != "":
		a.api.turn(domain)
		if err := a.askAPI(ctx, nc); !errors.Is(err, nats.ErrNoResponders) {
			a.log.Info("JetStream is reached through a leaf node", "domain", domain)
			return true, nil
		}
		a.api.turn(a.o.Domain)
		return false, fmt.Errorf("JetStream's API does not answer under the domain %q, which stores the heartbeats: results are sent until the first interruption, and are then queued here", domain)
	}
	return false, errors.New("JetStream's API does not answer here, as behind a leaf node: results are sent until the first interruption, and are then queued here; " +
		"give the NATS server that has JetStream a domain (jetstream { domain: hub }), and the agent finds it, or connect the agent to that server")
}

// askAPI asks for the last result of a monitor that nobody has.
func (a *Agent) askAPI(ctx context.Context, nc *nats.Conn) error {
	subject, err := wire.ResultSubject(a.o.ID, "no-monitor")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	_, err = nc.RequestWithContext(ctx, a.api.subject("DIRECT.GET."+wire.ResultsStream+"."+subject), nil)
	return err
}

// domain is that of the JetStream that stores a heartbeat, "" for none.
func (a *Agent) domain(ctx context.Context, nc *nats.Conn) (domain string, stored bool) {
	beat, err := json.Marshal(a.alive())
	if err != nil {
		return "", false
	}
	subject, err := wire.AliveSubject(a.o.ID)
	if err != nil {
		return "", false
	}
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	m, err := nc.RequestWithContext(ctx, subject, beat)
	if err != nil {
		return "", false
	}
	var ack struct {
		Seq    uint64 `json:"seq"`
		Domain string `json:"domain"`
	}
	err = json.Unmarshal(m.Data, &ack)
	if wire.CheckToken(ack.Domain) != nil { // it becomes part of a subject
		ack.Domain = ""
	}
	return ack.Domain, err == nil && ack.Seq > 0
}

func (a *Agent) setReachProblem(err error) {
	a.mu.Lock()
	was := a.reachProblem
	a.reachProblem = text(err)
	a.mu.Unlock()
	if err != nil && was == "" {
		a.log.Error("reach JetStream", "error", err)
	}
	if was != text(err) {
		a.changed()
	}
}
