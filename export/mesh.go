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

const (
	gather    = 200 * time.Millisecond // results may wait so long, to be read together
	placeEach = time.Second            // how often is looked who is there, while results come
)

// Mesh follows the mesh for scrapers: from its first use on, so that a listener that nobody
// scrapes costs nothing. Counters and histograms count from then.
type Mesh struct {
	kinds   probes.List
	version string
	begin   func(each func(*wire.Result, time.Time)) Model
	stop    context.CancelFunc
	words   bool // the series keep those of the last results, for /probe; set before Begin

	once    sync.Once
	begun   chan struct{} // closed when there are a model and series
	model   Model
	series  *Series
	running sync.WaitGroup

	mu     sync.Mutex // guards placed
	placed time.Time  // when the series were told who is there
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
	return &Mesh{kinds: kinds, version: version, begun: make(chan struct{})}
}

// Begin follows the mesh from now on.
func (m *Mesh) Begin() {
	m.once.Do(func() {
		m.series = NewSeries(m.kinds, time.Now())
		m.series.words = m.words
		m.model = m.begin(m.take)
		close(m.begun)
	})
}

// Close ends the following, and waits for that. Nobody uses the mesh afterwards.
func (m *Mesh) Close() {
	m.stop()
	m.running.Wait()
}

// take takes a result as it is read, which ended at this time by this host's clock. A model reads
// results when it has read monitors and agents.
func (m *Mesh) take(r *wire.Result, ended time.Time) {
	<-m.begun
	m.place(placeEach)
	m.series.Result(r, began(r, ended))
}

// began is when a run began that ended at this time, by the same clock.
func began(r *wire.Result, ended time.Time) time.Time {
	return ended.Add(-min(max(0, r.Elapsed()), wire.MaxEvery))
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
		m.place(0)
	case <-t.C:
	case <-ctx.Done():
	}
	return m.model
}

// place tells the series which monitors and agents there are, where both can be read and that was
// not done just now.
func (m *Mesh) place(again time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if now.Sub(m.placed) < again {
		return
	}
	for _, t := range m.model.Troubles() {
		if t.Part == console.PartMonitors || t.Part == console.PartAgents {
			return
		}
	}
	m.placed = now
	m.series.Monitors(m.model.Monitors())
	agents := m.model.Agents()
	there := make([]Present, len(agents))
	for i := range agents {
		there[i] = Present{ID: agents[i].Agent, Labels: agents[i].Labels, Online: agents[i].Online}
	}
	m.series.Agents(there)
	m.series.Evict(now)
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
