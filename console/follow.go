package console

import (
	"context"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/internal/tail"
	"netmon/wire"
)

// Filter chooses results. The zero value chooses all from now on.
type Filter struct {
	Monitors []string
	Agents   []string
	Outcomes []wire.Outcome // none is all of them; FollowMessages does not look at it
	Since    time.Time      // from then on; zero is now
	Last     bool           // begin with the last result of each monitor on each agent
	// Odd, when not nil, is called with messages on the results' subjects that are not results.
	Odd func(error)
	// Progress, when not nil, is called with how many of how many stored results were read.
	Progress func(read, of uint64)
	// Trouble, when not nil, is called with why results that are followed cannot be
	// read although the broker is there, and nil when they can be again.
	Trouble func(error)
}

// subjects is nil for all: the broker then looks at no subject, which at 10,000
// results a second is a tenth of what a console costs it.
func (f Filter) subjects() ([]string, error) {
	agents, monitors := f.Agents, f.Monitors
	if len(agents)+len(monitors) == 0 {
		return nil, nil
	}
	if len(agents) == 0 {
		agents = []string{""}
	}
	if len(monitors) == 0 {
		monitors = []string{""}
	}
	var out []string
	for _, a := range agents {
		for _, m := range monitors {
			s, err := wire.ResultsOf(a, m)
			if err != nil {
				return nil, err
			}
			out = append(out, s)
		}
	}
	return out, nil
}

// Has says whether the filter chooses results that ended so.
func (f Filter) Has(o wire.Outcome) bool {
	return len(f.Outcomes) == 0 || slices.Contains(f.Outcomes, o)
}

func (f Filter) odd(err error) {
	if f.Odd != nil {
		f.Odd(err)
	}
}

// Follow calls handle with each result that the filter chooses, in the order in
// which the stream stored them, until ctx ends, handle returns an error, or the
// stream cannot be read. Nothing is left out: a broker that restarts is waited
// for, and a console that was slow continues where it was.
func (c *Client) Follow(ctx context.Context, f Filter, ready func(), handle func(wire.Result) error) error {
	return c.FollowMessages(ctx, f, ready, func(m *nats.Msg, _ bool) error {
		r, err := wire.DecodeResult(m.Subject, m.Data)
		if err != nil {
			f.odd(err)
			return nil
		}
		if !f.Has(r.Outcome) {
			return nil
		}
		return handle(r)
	})
}

// FollowMessages is Follow for who passes results on: handle is given what was
// stored, and looks itself whether it is a result. more says that the next one
// is here already, so that output can be gathered.
func (c *Client) FollowMessages(ctx context.Context, f Filter, ready func(), handle func(m *nats.Msg, more bool) error) error {
	subjects, err := f.subjects()
	if err != nil {
		return err
	}
	t, err := tail.Open(ctx, c.js, wire.ResultsStream, tail.From{Subjects: subjects, New: !f.Last && f.Since.IsZero(), Last: f.Last, Since: f.Since})
	if err != nil {
		return noMesh("follow the results", err)
	}
	defer t.Stop()
	t.Trouble = troubles("follow the results", f.Trouble)
	if ready != nil {
		ready()
	}
	for {
		m, _, err := t.Next()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return noMesh("follow the results", err)
		}
		if err := handle(m, t.More()); err != nil {
			return err
		}
	}
}
