package console

import (
	"context"
	"slices"
	"sync"
	"time"

	"netmon/console/view"
	"netmon/internal/tail"
	"netmon/judge"
	"netmon/wire"
)

const (
	judgedMost = 100_000     // stored results that are read in order to judge
	judgeRuns  = 4           // runs of a series that it takes
	feedDelay  = time.Second // after which all that was stored is given until then
)

// judging is a judge of our own, for where no controller leads. It gets what the
// mesh gets.
type judging struct {
	mu       sync.Mutex
	j        *judge.Judge  // nil: a controller judges
	off      time.Duration // how far the broker's clock is ahead of ours
	mesh     *view.Mesh
	onChange func()
}

// apply gives the judge a fact, where there is a judge.
func (g *judging) apply(fact func(*judge.Judge)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.j == nil {
		return
	}
	fact(g.j)
	g.publish()
}

// publish tells the mesh which verdicts changed.
func (g *judging) publish() {
	changes := g.j.Changes()
	g.j.Asks() // nobody here asks agents to measure
	if len(changes) == 0 {
		return
	}
	now := time.Now()
	for _, c := range changes {
		switch {
		case c.Monitor != nil:
			g.mesh.Verdict(*c.Monitor, now)
		case c.Agent != nil:
			g.mesh.AgentVerdict(*c.Agent)
		case c.Mesh != nil:
			g.mesh.MeshVerdict(*c.Mesh)
		}
	}
	g.onChange()
}

func judgeSaved(j *judge.Judge, name string, saved *wire.Saved, problem error, now time.Time) {
	switch {
	case saved != nil:
		j.Monitor(unchecked(*saved), now)
	case problem == nil:
		j.Delete(name, now)
	}
}

// unchecked is a monitor whose verdict waits for no cross-check: nobody here asks agents
// to measure.
func unchecked(m wire.Saved) wire.Saved {
	rule, off := m.Rule(), wire.Crosscheck(0)
	rule.Crosscheck, m.Verdict = &off, &rule
	return m
}

// heard is a stored result, by our clock.
type heard struct {
	wire.Result
	measured, stored time.Time
}

// judgeHere judges by itself, from the results of the recent past and those that come.
func (m *Model) judgeHere(ctx context.Context, ready func()) error {
	if placed, err := m.c.placements(ctx, m.placedBySome()); err == nil { // who led last decided it
		for _, p := range placed {
			m.mesh.Placed(p, time.Now())
		}
	}
	if !m.o.judges() {
		m.mesh.Judged(view.Verdicts{}, time.Now())
		ready()
		<-ctx.Done() // a controller may come to lead
		return nil
	}
	const what = "read results to judge"
	t, err := m.openResults(ctx, tail.From{Last: true, Gather: m.o.Gather})
	if err != nil {
		return noMesh(what, err)
	}
	defer t.Stop()
	t.Trouble = troubles(what, func(err error) { m.trouble(PartVerdicts, err) })
	past, stored := []heard{}, newStoredTime(t)
	keep := func(stored *storedTime) func(wire.Result, time.Time) error {
		return func(r wire.Result, at time.Time) error {
			if m.names == nil || m.names[r.Monitor] {
				r.Details = nil
				past = append(past, hear(stored, r, at))
			}
			return nil
		}
	}
	if err := readAll(ctx, t, Filter{}, keep(stored)); err != nil {
		return err
	}
	if err := m.readToJudge(ctx, keep); err != nil {
		return err
	}
	firm, err := m.measuredBefore(ctx, past)
	if err != nil {
		return err
	}
	defer m.judging.end()
	m.judging.begin(m, past, firm, stored.began.Sub(stored.ours))
	past = nil
	ready()
	var advancing sync.WaitGroup
	defer advancing.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	advancing.Go(func() { m.judging.advance(ctx, m.c.Connected) })
	for {
		msg, meta, err := t.Next()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return noMesh(what, err)
		}
		if r, err := wire.DecodeResult(msg.Subject, msg.Data); err == nil && (m.names == nil || m.names[r.Monitor]) {
			h := hear(stored, r, meta.Timestamp)
			m.judging.apply(func(j *judge.Judge) { j.Result(&h.Result, h.measured, h.stored) })
		}
	}
}

func hear(s *storedTime, r wire.Result, at time.Time) heard {
	stored := s.of(at)
	return heard{r, stored.Add(-r.Elapsed() - max(0, time.Duration(r.LateNS))), stored}
}

// readToJudge reads so far back that there are a few runs of each series, as far as
// these are not too many: of the others the last one has to do.
func (m *Model) readToJudge(ctx context.Context, keep func(*storedTime) func(wire.Result, time.Time) error) error {
	left := uint64(judgedMost)
	for _, w := range windows(m.mesh.Monitors()) {
		subjects, err := Filter{Monitors: few(w.names)}.subjects()
		if err != nil {
			return err
		}
		t, err := tail.Open(ctx, m.c.js, wire.ResultsStream, tail.From{Subjects: subjects, Since: time.Now().Add(-w.back)})
		if err != nil {
			return noMesh("read results to judge", err)
		}
		if n := t.Left(); n <= left {
			left -= n
			err = readAll(ctx, t, Filter{}, keep(newStoredTime(t)))
		}
		t.Stop()
		if err != nil {
			return err
		}
	}
	return nil
}

// window is how far back results of some monitors are read.
type window struct {
	back  time.Duration
	names []string
}

// windows puts together the monitors that are measured about equally often, the most
// frequent first.
func windows(monitors []wire.Saved) (list []window) {
	limits := []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 12 * time.Hour, judgeRuns*wire.MaxEvery + time.Hour}
	list = make([]window, len(limits))
	for _, m := range monitors {
		def := m.Monitor.WithDefaults()
		back := judgeRuns*def.Every.Std() + def.Timeout.Std() + 15*time.Second
		i := slices.IndexFunc(limits, func(limit time.Duration) bool { return back <= limit })
		list[max(i, 0)].back = max(list[max(i, 0)].back, back)
		list[max(i, 0)].names = append(list[max(i, 0)].names, m.Name)
	}
	return slices.DeleteFunc(list, func(w window) bool { return len(w.names) == 0 })
}

// measuredBefore looks up since which revisions monitors measure what they measure
// now, of those that were measured before their last change.
func (m *Model) measuredBefore(ctx context.Context, past []heard) (map[string]uint64, error) {
	oldest := map[string]uint64{}
	for i := range past {
		r := &past[i].Result
		if is, ok := oldest[r.Monitor]; r.Revision > 0 && (!ok || r.Revision < is) {
			oldest[r.Monitor] = r.Revision
		}
	}
	var changed []string
	for _, s := range m.mesh.Monitors() {
		if is, ok := oldest[s.Name]; ok && is < s.Revision && len(changed) < lookedBack {
			changed = append(changed, s.Name)
		}
	}
	return m.since(ctx, changed)
}

// presence passes on a heartbeat that was stored then, by our clock.
func (g *judging) presence(j *judge.Judge, a wire.Alive, at time.Time) {
	if !a.At.IsZero() {
		a.At = a.At.Add(-g.off) // the judge compares it with the time of storing
	}
	j.Presence(a, at)
}

// begin makes a judge that knows what the mesh knows, and these results. firm are older
// revisions of monitors that measured the same; off is how far the broker's clock is
// ahead of ours.
func (g *judging) begin(m *Model, past []heard, firm map[string]uint64, off time.Duration) {
	slices.SortStableFunc(past, func(a, b heard) int { return a.stored.Compare(b.stored) })
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.off = off
	j, at := judge.New(), now
	if len(past) > 0 && past[0].measured.Before(at) {
		at = past[0].measured
	}
	saved, agents := m.mesh.Monitors(), m.mesh.Agents(now)
	for _, s := range saved {
		if since := firm[s.Name]; since > 0 && since < s.Revision {
			before := unchecked(s)
			before.Revision = since
			j.Monitor(before, at)
		}
		j.Monitor(unchecked(s), at)
	}
	beats := map[string]time.Time{}
	of := map[string]wire.Alive{}
	for _, a := range agents {
		of[a.Agent] = a.Alive
	}
	for i := range past {
		r := &past[i]
		// Of heartbeats only the last are kept. Whose results came was there then.
		if a, ok := of[r.Agent]; ok && !a.Leaving && r.stored.Sub(beats[r.Agent]) > wire.AliveEvery {
			beats[r.Agent] = r.stored
			a.At = r.stored.Add(off)
			g.presence(j, a, r.stored)
		}
		j.Result(&r.Result, r.measured, r.stored)
	}
	slices.SortFunc(agents, func(a, b Agent) int { return a.Seen.Compare(b.Seen) })
	for _, a := range agents {
		g.presence(j, a.Alive, a.Seen)
	}
	j.Advance(now)
	all := view.Verdicts{Here: true}
	for _, c := range j.Changes() {
		if c.Mesh != nil {
			all.Mesh = *c.Mesh
		}
	}
	j.Asks()
	for _, s := range saved {
		if v, ok := j.Verdict(s.Name); ok {
			all.Monitors = append(all.Monitors, v)
		}
	}
	for _, a := range agents {
		if v, ok := j.AgentVerdict(a.Agent); ok && v.N > 0 {
			all.Agents = append(all.Agents, v)
		}
	}
	g.j, g.mesh, g.onChange = j, m.mesh, m.signalChange
	m.mesh.Judged(all, now)
}

func (g *judging) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.j = nil
}

// advance tells the judge how late it is, until ctx ends. While the broker is unreachable
// nobody can be heard, and that says nothing about anybody.
func (g *judging) advance(ctx context.Context, connected func() bool) {
	tick := time.NewTicker(clockEach)
	defer tick.Stop()
	var lost time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			until := now.Add(-feedDelay)
			switch there := connected(); {
			case !there && lost.IsZero():
				lost = until
			case !there:
			case lost.IsZero():
				g.apply(func(j *judge.Judge) { j.Advance(until) })
			default:
				from := lost
				lost = time.Time{}
				g.apply(func(j *judge.Judge) { j.Gap(from, now) })
			}
		}
	}
}
