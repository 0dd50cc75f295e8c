package console

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"netmon/console/view"
	"netmon/wire"
)

// Part is one of the things that a model follows.
type Part uint8

// The parts. Figures, and the states of monitors that were started by hand, need all but
// the settings, which are followed only where they are asked for.
const (
	PartMonitors  Part = 1 << iota // what is saved
	PartAgents                     // who is there
	PartVerdicts                   // what the judge says
	PartResults                    // what is measured
	PartIncidents                  // what is wrong, and who was notified
	PartSettings                   // channels, rules, windows, groups, silences and acknowledgements
	// PartStates are those that the states of saved monitors need.
	PartStates = PartMonitors | PartAgents | PartVerdicts
	allParts   = PartStates | PartResults | PartIncidents
)

// String is the part in the words of "… cannot be read".
func (p Part) String() string {
	switch p {
	case PartMonitors:
		return "the saved monitors"
	case PartAgents:
		return "the agents"
	case PartVerdicts:
		return "the verdicts"
	case PartIncidents:
		return "the incidents"
	case PartSettings:
		return "the settings"
	}
	return "results"
}

// ModelOptions are what a model follows.
type ModelOptions struct {
	Parts  Part     // 0 is all but the settings
	Names  []string // only these monitors, and their results; none is all
	Groups []string // names of these are those of groups: that nothing is known of one yet is not a mistake
	Past   bool     // begin with the results of the last minutes, for figures
	// Saved, when not nil, are the monitors: they are not read.
	Saved       []wire.Saved
	KeepResults bool // so that a status has the last result on each agent
	// Phases, when not nil, says the phases of a run for whoever looks at one monitor.
	Phases view.Phases
	// Totals has states counted alone: there is nothing for each pair of a monitor and
	// an agent, and where no controller leads nobody judges.
	Totals bool
	// Uptimes has the uptime of the last 24 h of each monitor read from history, now and
	// then, in the background.
	Uptimes bool
	// Gather is how long results, verdicts and incidents may wait, to be read together: that
	// costs less than to read each as it comes.
	Gather time.Duration
	// OnResult, when not nil, is given each result that the model takes, one after the other
	// and in the stream's order, with when it was measured by this host's clock: first the last one of each monitor
	// on each agent, which may come again when the broker was away. It holds up the reading.
	OnResult func(r *wire.Result, measured time.Time)
}

// judges says whether states are judged where no controller leads.
func (o ModelOptions) judges() bool { return o.Parts&PartStates == PartStates && !o.Totals }

// Model is what is known about the mesh, kept up with it while Run runs. Any number of
// readers ask it, each as often as it likes: no question waits for the broker, and
// nobody who does not read holds it up.
//
// It follows each part by itself. What cannot be read is reported by Troubles, and read
// again until it can be; what is known stays, goes stale, and becomes unknown.
type Model struct {
	c     *Client
	o     ModelOptions
	names map[string]bool // of o.Names; nil is all
	mesh  *view.Mesh

	signals
	known atomic.Uint64 // changes of mesh that were signalled
	once  bool          // see Load
	ready chan struct{} // closed when all parts were read once
	tried chan struct{} // closed when uptimes were asked for once

	mu       sync.Mutex // guards the rest
	unread   Part       // parts that were not read so far
	troubles map[Part]error
	from     time.Time // see readFrom
	lists    lists
	settings settings

	judging judging
}

// Trouble is why a part cannot be read although the broker is there.
type Trouble struct {
	Part Part
	Err  error
}

func (t Trouble) String() string { return t.Part.String() + " cannot be read: " + t.Err.Error() }

// Model makes a model that knows nothing until it runs, or is loaded.
func (c *Client) Model(o ModelOptions) *Model {
	now := time.Now()
	if o.Parts == 0 {
		o.Parts = allParts
	}
	m := &Model{c: c, o: o, mesh: view.New(now), ready: make(chan struct{}), tried: make(chan struct{}), unread: o.Parts, troubles: map[Part]error{}, from: now}
	if !o.judges() {
		m.mesh = view.NewBare(now)
	}
	if o.KeepResults {
		m.mesh.KeepResults()
	}
	m.mesh.SetPhases(o.Phases)
	for _, s := range o.Saved {
		m.o.Names = append(m.o.Names, s.Name)
		m.mesh.Saved(s.Name, &s, nil, now)
	}
	if len(m.o.Names) > 0 {
		m.names = map[string]bool{}
		for _, name := range m.o.Names {
			m.names[name] = true
		}
	}
	return m
}

// Ready is closed when the model knows what was stored when it began.
func (m *Model) Ready() <-chan struct{} { return m.ready }

// Await waits until the model is ready. Its error says what cannot be read, or is
// that of ctx. The model has to run meanwhile.
func (m *Model) Await(ctx context.Context) error {
	changed, stop := m.Subscribe()
	defer stop()
	for {
		if t := m.Troubles(); len(t) > 0 {
			return t[0].Err
		}
		select {
		case <-m.ready:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// Load learns what is stored now, and follows nothing. It is called once, in place
// of Run, and does not wait for a broker that is unreachable.
func (m *Model) Load(ctx context.Context) error {
	m.once = true
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { m.Run(ctx) })
	err := m.Await(ctx)
	stop()
	running.Wait()
	return err
}

// Subscribe returns a channel that gets a signal after monitors, agents, states, the
// connection or troubles have changed, until stop is called. Several changes may be
// one signal. Figures and ages change without one.
func (m *Model) Subscribe() (changed <-chan struct{}, stop func()) { return m.subscribe() }

// signalChange signals what the mesh learned.
func (m *Model) signalChange() {
	if n := m.mesh.Changes(); m.known.Load() != n {
		m.known.Store(n)
		m.signal()
	}
}

// Troubles are what cannot be read at this moment.
func (m *Model) Troubles() []Trouble {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Trouble
	for part, err := range m.troubles {
		out = append(out, Trouble{part, err})
	}
	slices.SortFunc(out, func(a, b Trouble) int { return int(a.Part) - int(b.Part) })
	return out
}

// trouble notes why a part cannot be read, nil that it can be. While the broker is
// away that is all there is to say: see [Client.Link].
func (m *Model) trouble(part Part, err error) {
	if err != nil && !m.once && !m.c.Connected() {
		return
	}
	m.mu.Lock()
	was := m.troubles[part]
	if err == nil {
		delete(m.troubles, part)
	} else {
		m.troubles[part] = err
	}
	m.mu.Unlock()
	if (was == nil) != (err == nil) || was != nil && was.Error() != err.Error() {
		m.signal()
	}
}

func (m *Model) troubleOf(part Part) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.troubles[part]
}

// read notes that a part was read as it stands.
func (m *Model) read(part Part) {
	m.trouble(part, nil)
	m.mu.Lock()
	if m.unread&part != 0 {
		if m.unread &^= part; m.unread == 0 {
			close(m.ready)
		}
	}
	m.mu.Unlock()
	m.signal()
}

// readFrom is when the reading of the results began.
func (m *Model) readFrom() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.from
}
