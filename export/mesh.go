package export

import (
	"context"
	"sync"
	"time"

	"netmon/console"
	"netmon/console/view"
	"netmon/probes"
	"netmon/wire"
)

// gather is how long results may wait, to be read together.
const gather = 200 * time.Millisecond

// Mesh follows the mesh for scrapers: from its first use on, so that a listener that nobody
// scrapes costs nothing. Counters and histograms count from then.
type Mesh struct {
	kinds   probes.List
	version string
	begin   func(each func(*wire.Result, time.Time)) Model
	stop    context.CancelFunc

	once    sync.Once
	model   Model
	series  *Series
	running sync.WaitGroup

	mu    sync.Mutex // guards the rest
	keep  bool       // the last results
	kept  map[seriesKey]kept
	swept time.Time
}

// kept is the last result of a monitor on one agent.
type kept struct {
	result   *wire.Result
	measured time.Time // by this host's clock
}

// Follow makes a mesh that is followed until it is closed.
func Follow(cl *console.Client, kinds probes.List, version string) *Mesh {
	m := newMesh(kinds, version)
	ctx, stop := context.WithCancel(context.Background())
	m.stop = stop
	m.begin = func(each func(*wire.Result, time.Time)) Model {
		model := cl.Model(console.ModelOptions{Parts: Parts, Totals: true, Uptimes: true, Gather: gather, OnResult: each})
		m.running.Go(func() { model.Run(ctx) })
		return model
	}
	return m
}

func newMesh(kinds probes.List, version string) *Mesh {
	return &Mesh{kinds: kinds, version: version, kept: map[seriesKey]kept{}}
}

// Begin follows the mesh from now on.
func (m *Mesh) Begin() {
	m.once.Do(func() {
		m.series = NewSeries(m.kinds, time.Now())
		m.model = m.begin(m.take)
	})
}

// Close ends the following, and waits for that. Nobody uses the mesh afterwards.
func (m *Mesh) Close() {
	m.stop()
	m.running.Wait()
}

// keepLast has the last results kept, for /probe. It is called before Begin.
func (m *Mesh) keepLast() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keep = true
}

// take takes a result as it is read.
func (m *Mesh) take(r *wire.Result, measured time.Time) {
	m.series.Result(r, measured)
	m.mu.Lock()
	defer m.mu.Unlock()
	key := seriesKey{r.Agent, r.Monitor}
	if was, ok := m.kept[key]; !m.keep || ok && was.measured.After(measured) || !ok && len(m.kept) >= mostSeries {
		return
	}
	last := *r
	m.kept[key] = kept{&last, measured}
}

// last is the last result of a monitor on an agent.
func (m *Mesh) last(monitor, agent string) (kept, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := m.kept[seriesKey{agent, monitor}]
	return k, ok
}

// known is the model, which was given a while after the first use to read what is stored, where
// the broker is there.
func (m *Mesh) known(ctx context.Context) Model {
	m.Begin()
	within := readyWithin
	if !m.model.Link().Lost.IsZero() {
		within = 0
	}
	t := time.NewTimer(within)
	defer t.Stop()
	select {
	case <-m.model.Ready():
	case <-t.C:
	case <-ctx.Done():
	}
	m.place()
	return m.model
}

// place tells the series which monitors and agents there are.
func (m *Mesh) place() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.series.Monitors(m.model.Monitors())
	agents := m.model.Agents()
	there := make([]Present, len(agents))
	for i := range agents {
		there[i] = Present{ID: agents[i].Agent, Labels: agents[i].Labels, Online: agents[i].Online}
	}
	m.series.Agents(there)
	if !m.keep || time.Since(m.swept) < time.Minute {
		return
	}
	m.swept = time.Now()
	for key, k := range m.kept { // what nobody measures any more
		if m.swept.Sub(k.measured) > remembered {
			delete(m.kept, key)
		}
	}
}

// unreadable says why a part is not known at this moment, "" where it is. What was known before
// the broker went away holds for a moment: it may only restart.
func unreadable(m Model, part console.Part, now time.Time) string {
	link := m.Link()
	var why string
	for _, t := range m.Troubles() {
		if t.Part == part {
			why = console.Printable(t.String())
		}
	}
	read := true
	select {
	case <-m.Ready():
	default:
		read = false
	}
	switch away := !link.Lost.IsZero(); {
	case away && (!read || now.Sub(link.Lost) >= view.Contact):
		return "the broker is unreachable"
	case why != "":
		return why
	case !read:
		return "what is stored was not read yet"
	}
	return ""
}
