package console

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/tail"
	"netmon/wire"
)

// Kinds of what verdicts are on.
const (
	OnMonitor = "monitor"
	OnAgent   = "agent"
	OnBroker  = "broker"
)

// VerdictChange is one verdict, on whatever it is, and how long it held.
type VerdictChange struct {
	Kind     string    `json:"kind"`           // monitor, agent or broker
	Name     string    `json:"name"`           // of the monitor or the agent; broker
	State    string    `json:"state"`          // up, degraded, down, unknown or paused; of an agent able, aside or away; of the broker heard or frozen
	Was      string    `json:"was,omitempty"`  // before since
	Since    time.Time `json:"since"`          // when the state began
	Until    time.Time `json:"until,omitzero"` // when the next one began; absent: it holds
	LastedNS int64     `json:"lasted_ns"`      // until then, or so far
	At       time.Time `json:"at"`             // when it was decided
	N        uint64    `json:"n"`              // counts the verdicts on it
	Why      string    `json:"why,omitempty"`  // in one sentence

	Blame    *wire.Blame         `json:"blame,omitempty"`
	Incident string              `json:"incident,omitempty"`
	Flapping bool                `json:"flapping,omitempty"`
	Frozen   bool                `json:"frozen,omitempty"` // the broker was unreachable
	Quorum   *wire.VerdictQuorum `json:"quorum,omitempty"`
	Evidence []wire.Evidence     `json:"evidence,omitempty"`
	Cross    *wire.CrossCheck    `json:"cross,omitempty"`
	Monitors int                 `json:"monitors,omitempty"` // judged without the agent
	Revision uint64              `json:"revision,omitempty"` // of the saved monitor
}

// Title is what it is on, for people: a monitor is called by its name alone.
func (x VerdictChange) Title() string {
	if x.Kind == OnAgent {
		return OnAgent + " " + x.Name
	}
	return x.Name
}

// VerdictFilter chooses verdicts. The zero value chooses all changes of states.
type VerdictFilter struct {
	Monitors, Agents []string // only on these; none at all is on everything
	From, To         time.Time
	All              bool // also those that say who sees what again, in the same state
}

func (f VerdictFilter) subjects() ([]string, error) {
	if len(f.Monitors)+len(f.Agents) == 0 {
		return []string{wire.AllVerdicts}, nil
	}
	var out []string
	for _, name := range f.Monitors {
		s, err := wire.VerdictSubject(name)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	for _, id := range f.Agents {
		s, err := wire.AgentVerdictSubject(id)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// verdictsMost is how many stored verdicts are read to say how long each held. Of
// more, those of the time that was asked for are.
const verdictsMost = 100_000

// Verdicts are the stored verdicts of the filter, the newest last.
func (c *Client) Verdicts(ctx context.Context, f VerdictFilter) ([]VerdictChange, error) {
	t, err := c.openVerdicts(ctx, f, tail.From{})
	if err == nil && t.Left() > verdictsMost {
		t.Stop()
		t, err = c.openVerdicts(ctx, f, tail.From{Since: f.From})
	}
	if err != nil {
		return nil, err
	}
	defer t.Stop()
	var list []VerdictChange
	known := newChanges(f.All)
	for left := t.Left(); left > 0; left-- {
		m, meta, err := t.Next()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, noMesh("read the verdicts", err)
		}
		if x, was := known.next(m); x != nil {
			if was != nil {
				list[was.index].Until = x.Since
			}
			known.last[m.Subject].index = len(list)
			list = append(list, *x)
		}
		if meta.NumPending == 0 {
			break
		}
	}
	now, out := time.Now(), list[:0]
	for _, x := range list {
		if x.At.Before(f.From) || !f.To.IsZero() && x.At.After(f.To) {
			continue
		}
		end := x.Until
		if end.IsZero() {
			end = now
		}
		x.LastedNS = int64(max(0, end.Sub(x.Since)))
		out = append(out, x)
	}
	return out, nil
}

// FollowVerdicts calls handle with each verdict of the filter that comes, until ctx ends
// or handle fails.
func (c *Client) FollowVerdicts(ctx context.Context, f VerdictFilter, trouble func(error), handle func(VerdictChange) error) error {
	t, err := c.openVerdicts(ctx, f, tail.From{Last: true})
	if err != nil {
		return err
	}
	defer t.Stop()
	t.Trouble = troubles("follow the verdicts", trouble)
	known := newChanges(f.All)
	for left := t.Left(); ; {
		m, meta, err := t.Next()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return noMesh("follow the verdicts", err)
		}
		x, _ := known.next(m)
		if left > 0 { // it was there: what comes is recognised by what differs from it
			if left--; meta.NumPending == 0 {
				left = 0
			}
			continue
		}
		if x == nil {
			continue
		}
		x.LastedNS = int64(max(0, time.Since(x.Since)))
		if err := handle(*x); err != nil {
			return err
		}
	}
}

func (c *Client) openVerdicts(ctx context.Context, f VerdictFilter, from tail.From) (*tail.Tail, error) {
	var err error
	if from.Subjects, err = f.subjects(); err != nil {
		return nil, err
	}
	if _, err = c.open(ctx, wire.VerdictsStream); err == nil { // which says at once what we may not do
		var t *tail.Tail
		if t, err = tail.Open(ctx, c.js, wire.VerdictsStream, from); err == nil {
			return t, nil
		}
	}
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("%w: there are no verdicts: the controller of this mesh keeps none: update it", ErrNotFound)
	}
	return nil, noMesh("read the verdicts", err)
}

// changes finds among verdicts those that begin another state.
type changes struct {
	all  bool
	last map[string]*lastChange // by subject
}

type lastChange struct {
	VerdictChange
	index int // in the list of changes
}

func newChanges(all bool) changes { return changes{all: all, last: map[string]*lastChange{}} }

// next is the change that a message reports, nil for none, and the previous one of the
// same subject.
func (c changes) next(m *nats.Msg) (x *VerdictChange, was *lastChange) {
	x = changeOf(m)
	if x == nil {
		return nil, nil
	}
	was = c.last[m.Subject]
	if was != nil {
		if x.Was == "" && was.State != x.State {
			x.Was = was.State
		}
		if !c.all && was.State == x.State && was.Since.Equal(x.Since) {
			return nil, nil
		}
	}
	c.last[m.Subject] = &lastChange{VerdictChange: *x}
	return x, was
}

// changeOf reads a verdict; nil is one of a newer judge.
func changeOf(m *nats.Msg) *VerdictChange {
	switch {
	case wire.IsMonitorVerdict(m.Subject):
		if v, err := wire.DecodeVerdict(m.Subject, m.Data); err == nil {
			return &VerdictChange{Kind: OnMonitor, Name: v.Monitor, State: string(v.State), Was: string(v.Was), Since: v.Since, At: v.At, N: v.N, Why: v.Why, Blame: v.Blame, Incident: v.Incident,
				Flapping: v.Flapping, Frozen: v.Frozen, Quorum: &v.Quorum, Evidence: v.Evidence, Cross: v.Cross, Revision: v.Revision}
		}
	case wire.IsAgentVerdict(m.Subject):
		if v, err := wire.DecodeAgentVerdict(m.Subject, m.Data); err == nil {
			return &VerdictChange{Kind: OnAgent, Name: v.Agent, State: string(v.Status), Since: v.Since, At: v.At, N: v.N, Why: v.Why, Blame: v.Blame, Incident: v.Incident, Monitors: v.Monitors}
		}
	case m.Subject == wire.MeshVerdictSubject:
		if v, err := wire.DecodeMeshVerdict(m.Subject, m.Data); err == nil {
			state := "heard"
			if v.Frozen {
				state = "frozen"
			}
			return &VerdictChange{Kind: OnBroker, Name: OnBroker, State: state, Since: v.Since, At: v.At, N: v.N, Why: v.Why}
		}
	}
	return nil
}

// VerdictAt is the verdict on a monitor that held at a moment, and false where there
// was none that is still kept.
func (c *Client) VerdictAt(ctx context.Context, monitor string, at time.Time) (v wire.Verdict, ok bool, err error) {
	err = c.eachVerdict(ctx, monitor, func(x wire.Verdict) {
		if !x.At.After(at) {
			v, ok = x, true
		}
	})
	return v, ok, err
}

// eachVerdict calls handle with each verdict on a monitor that is kept, the oldest first.
func (c *Client) eachVerdict(ctx context.Context, monitor string, handle func(wire.Verdict)) error {
	t, err := c.openVerdicts(ctx, VerdictFilter{Monitors: []string{monitor}}, tail.From{})
	if err != nil {
		return err
	}
	defer t.Stop()
	for left := t.Left(); left > 0; left-- {
		m, meta, err := t.Next()
		if err != nil {
			return noMesh("read the verdicts on "+monitor, err)
		}
		if x, err := wire.DecodeVerdict(m.Subject, m.Data); err == nil {
			handle(x)
		}
		if meta.NumPending == 0 {
			break
		}
	}
	return nil
}
