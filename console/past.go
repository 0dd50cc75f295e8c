package console

import (
	"context"
	"fmt"
	"sync"
	"time"

	"netmon/console/view"
	"netmon/internal/timetext"
)

// PastOptions say which past is shown.
type PastOptions struct {
	At     time.Time   // where it begins
	Speed  float64     // so many times as fast as time passes; 0: it stands still
	Names  []string    // only these monitors; none is all
	Phases view.Phases // of a run; nil: nobody knows them

	// Progress, when not nil, is called with how many of how many stored verdicts are read,
	// until [Client.Past] returns.
	Progress func(read, of uint64)
}

// Past is the mesh as it was: states by verdict, results as far as they are stored, and
// else sums of history. It reads, and changes nothing. Any number of readers ask it.
type Past struct {
	c *Client
	o PastOptions

	moved chan struct{} // that another time is to be loaded

	mu      sync.Mutex // guards the rest
	mesh    *view.Mesh
	now     time.Time // by the clock of the past, at since
	since   time.Time // our time
	paused  bool
	ended   bool
	events  []pastEvent // those to come, by time
	loaded  time.Time   // events are known until then
	spansOf time.Time   // when history was asked for states last, by the clock of the past
	wanted  time.Time   // where to go; zero: nowhere
	note    string      // what figures rest on
	trouble error
	agents  map[string]bool // that are known, and whether each was there
	labels  map[string]map[string]string
	saved   map[string][]pastSaved // by name, the oldest first
}

// PlayState is how far a past has gone.
type PlayState struct {
	At     time.Time
	Speed  float64 // 0: it stands still unless it is stepped
	Paused bool
	Ended  bool   // it has reached now
	Note   string // what figures rest on; "" is results
	Why    string // why it cannot be read on
}

// TooEarly says that nothing is kept of a time.
type TooEarly struct{ At, Earliest time.Time }

func (e *TooEarly) Error() string {
	if e.Earliest.IsZero() {
		return fmt.Sprintf("nothing is kept of %s, and of no time before now", timetext.Zoned(e.At))
	}
	return fmt.Sprintf("nothing is kept of %s: the earliest that is known is of %s", timetext.Zoned(e.At), timetext.Zoned(e.Earliest))
}

// Past reads the mesh as it was at a time. It continues while Run runs.
func (c *Client) Past(ctx context.Context, o PastOptions) (*Past, error) {
	p := &Past{c: c, o: o, moved: make(chan struct{}, 1), labels: map[string]map[string]string{}}
	if o.Speed == 0 {
		p.paused = true
	}
	earliest, err := c.earliest(ctx)
	if err != nil {
		return nil, err
	}
	if earliest.IsZero() || o.At.Before(earliest) {
		return nil, &TooEarly{o.At, earliest}
	}
	if err := p.readMonitors(ctx); err != nil {
		return nil, err
	}
	if agents, err := c.Agents(ctx); err == nil { // labels are those of now
		for _, a := range agents {
			p.labels[a.Agent] = a.Labels
		}
	}
	err = p.load(ctx, o.At)
	p.o.Progress = nil // a screen is drawn by now
	return p, err
}

// ahead is how much of the past is loaded at once.
func (p *Past) ahead() time.Duration {
	return min(max(time.Duration(p.o.Speed*float64(2*time.Minute)), 10*time.Minute), 6*time.Hour)
}

// Run loads what comes next, and where somebody steps to, until ctx ends.
func (p *Past) Run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.moved:
		case <-tick.C:
		}
		p.mu.Lock()
		to, now, loaded, ended := p.wanted, p.clock(), p.loaded, p.ended
		p.wanted = time.Time{}
		p.mu.Unlock()
		var err error
		switch {
		case !to.IsZero():
			err = p.load(ctx, to)
		case ended, time.Since(loaded) < pastEnds/2: // all there is
		case loaded.Sub(now) < p.ahead()/2:
			err = p.loadMore(ctx, loaded)
		}
		if ctx.Err() == nil {
			p.mu.Lock()
			p.trouble = err
			p.mu.Unlock()
		}
	}
}

// clock is what time it is in the past. It does not go beyond what is loaded, nor beyond now.
func (p *Past) clock() time.Time {
	now := p.now
	if !p.paused {
		now = now.Add(time.Duration(float64(time.Since(p.since)) * p.o.Speed))
	}
	if now.After(p.loaded) {
		now = p.loaded
		p.now, p.since = now, time.Now()
	}
	if p.o.Speed > 1 && !p.paused && time.Since(now) < pastEnds {
		p.ended, p.paused = true, true
		p.now = now
	}
	return now
}

// pastEnds is how near now a replay has reached it: what is newest was stored just before.
const pastEnds = 3 * time.Second

// Snapshot answers a query of a screen as things were.
func (p *Past) Snapshot(q view.Query) view.Snapshot {
	p.mu.Lock()
	now := p.clock()
	p.apply(now)
	mesh := p.mesh
	p.mu.Unlock()
	return mesh.Snapshot(q, now)
}

// Play is how far it has gone.
func (p *Past) Play() PlayState {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := PlayState{At: p.clock(), Speed: p.o.Speed, Paused: p.paused, Ended: p.ended, Note: p.note}
	if p.trouble != nil {
		s.Why = p.trouble.Error()
	}
	return s
}

// Pause has it stand still, or continue.
func (p *Past) Pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.o.Speed == 0 {
		p.o.Speed = 1
	}
	p.now = p.clock()
	p.since = time.Now()
	if !p.ended {
		p.paused = !p.paused
	}
}

// Step goes so far on, or back, at most to now.
func (p *Past) Step(by time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock()
	to := now.Add(by)
	if !p.wanted.IsZero() { // several steps before the first is done
		to = p.wanted.Add(by)
	}
	if real := time.Now(); to.After(real) {
		to = real
	}
	if by < 0 {
		p.ended = false
	}
	if by > 0 && p.wanted.IsZero() && !to.After(p.loaded) {
		p.now, p.since = to, time.Now()
		return
	}
	p.wanted = to
	select {
	case p.moved <- struct{}{}:
	default:
	}
}

// Link and the others make a model of it: what is over needs no connection.
func (p *Past) Link() Link { return Link{} }

// Troubles are none: see [Past.Play].
func (p *Past) Troubles() []Trouble { return nil }

// Ready is closed: a past is there when it is made.
func (p *Past) Ready() <-chan struct{} {
	ready := make(chan struct{})
	close(ready)
	return ready
}
