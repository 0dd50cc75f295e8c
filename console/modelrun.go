package console

import (
	"context"
	"sync"
	"time"

	"netmon/internal/tail"
	"netmon/judge"
	"netmon/wire"
)

const (
	recent     = 5 * time.Minute // of results that a model with a past begins with
	recentMost = 200_000         // of which there must not be more: the last ones do then
	pause      = time.Second     // before what ended is begun again
	clockEach  = time.Second     // how often is looked what time alone has changed
)

// Run keeps the model up with the mesh until ctx ends. A broker that is unreachable, or
// has no mesh yet, is waited for.
func (m *Model) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	first := map[Part]chan struct{}{}
	follow := func(part Part, again bool, do func(ctx context.Context, ready func()) error) {
		read := make(chan struct{})
		first[part] = read
		once := sync.OnceFunc(func() { close(read) })
		if m.o.Parts&part == 0 {
			once()
			return
		}
		all.Go(func() {
			m.keep(ctx, part, again, func(ctx context.Context) error {
				return do(ctx, func() { m.read(part); once() })
			})
		})
	}
	all.Go(func() { m.followClock(ctx) })
	if m.o.Uptimes {
		all.Go(func() { m.followUptimes(ctx) })
	}
	follow(PartMonitors, true, m.followMonitors)
	follow(PartAgents, true, m.followAgents)
	for _, part := range []Part{PartMonitors, PartAgents} { // a result of what is not known yet is of no use
		select {
		case <-first[part]:
		case <-ctx.Done():
			return
		}
	}
	follow(PartVerdicts, false, m.followVerdicts)
	follow(PartIncidents, false, m.followIncidents)
	follow(PartSettings, true, m.followSettings)
	if m.o.Parts&PartResults != 0 && m.o.Past {
		m.readPast(ctx)
	}
	follow(PartResults, false, m.followResults)
}

// keep runs do until ctx ends: again when it ends, with its error as trouble, and,
// if again, whenever the broker is back. What was deleted meanwhile is found so.
func (m *Model) keep(ctx context.Context, part Part, again bool, do func(context.Context) error) {
	linked, stop := m.c.link.subscribe()
	defer stop()
	for ctx.Err() == nil {
		one, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- do(one) }()
		back := false
		for waiting := true; waiting; {
			select {
			case <-linked:
				back = again && m.c.link.is().Lost.IsZero()
				waiting = !back
			case err := <-ended:
				if ctx.Err() == nil {
					m.trouble(part, err)
				}
				waiting = false
			}
		}
		stop()
		if back {
			<-ended
		} else {
			wait(ctx, linked, pause)
		}
	}
}

func wait(ctx context.Context, sooner <-chan struct{}, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-sooner:
	case <-t.C:
	}
}

// followMonitors gives the mesh the saved monitors. Those that are not among the
// first were deleted while nobody reported it.
func (m *Model) followMonitors(ctx context.Context, ready func()) error {
	if m.o.Saved != nil {
		ready()
		<-ctx.Done()
		return nil
	}
	store, err := m.c.Monitors(ctx)
	if err != nil {
		return err
	}
	there, begun := map[string]bool{}, false
	return store.Watch(ctx, few(m.o.Names), func(err error) { m.trouble(PartMonitors, err) }, func() {
		begun = true
		m.mesh.Only(there)
		ready()
	}, func(name string, saved *wire.Saved, problem error) {
		if m.names != nil && !m.names[name] {
			return
		}
		if !begun && (saved != nil || problem != nil) {
			there[name] = true
		}
		now := time.Now()
		m.mesh.Saved(name, saved, problem, now)
		m.judging.apply(func(j *judge.Judge) { judgeSaved(j, name, saved, problem, now) })
		if begun {
			m.signalChange()
		}
	})
}

// followAgents gives the mesh each heartbeat.
func (m *Model) followAgents(ctx context.Context, ready func()) error {
	there, begun := map[string]bool{}, false
	return m.c.FollowAgents(ctx, func(err error) { m.trouble(PartAgents, err) }, func() {
		begun = true
		m.mesh.OnlyAgents(there, time.Now())
		ready()
	}, func(a wire.Alive, seen time.Time) {
		if !begun {
			there[a.Agent] = true
		}
		m.mesh.Heartbeat(a, seen, time.Now())
		m.judging.apply(func(j *judge.Judge) { m.judging.presence(j, a, seen) })
		if begun {
			m.signalChange()
		}
	})
}

// followResults gives the mesh the last result of each monitor on each agent,
// and then of each one as it comes.
func (m *Model) followResults(ctx context.Context, ready func()) error {
	const what = "follow the results"
	t, err := m.openResults(ctx, tail.From{Last: true, Gather: m.o.Gather})
	if err != nil {
		return noMesh(what, err)
	}
	defer t.Stop()
	t.Trouble = troubles(what, func(err error) { m.trouble(PartResults, err) })
	stored, left := newStoredTime(t), t.Left()
	m.mu.Lock()
	m.from = stored.ours
	m.mu.Unlock()
	if left == 0 {
		ready()
	}
	for {
		msg, meta, err := t.Next()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return noMesh(what, err)
		}
		if r, err := wire.DecodeResult(msg.Subject, msg.Data); err == nil {
			m.applyResult(r, stored.measured(meta.Timestamp, &r))
		}
		switch {
		case left == 0:
			m.signalChange()
		case left == 1 || meta.NumPending == 0:
			left = 0
			ready()
		default:
			left--
		}
	}
}

func (m *Model) applyResult(r wire.Result, measured time.Time) {
	if m.names != nil && !m.names[r.Monitor] {
		return
	}
	m.mesh.ResultAt(r, measured, time.Now())
	if m.o.OnResult != nil {
		m.o.OnResult(new(r), measured)
	}
}

func (m *Model) openResults(ctx context.Context, from tail.From) (*tail.Tail, error) {
	subjects, err := Filter{Monitors: few(m.o.Names)}.subjects()
	if err != nil {
		return nil, err
	}
	from.Subjects = subjects
	return tail.Open(ctx, m.c.js, wire.ResultsStream, from)
}

// few are the names, if they are so few that they are asked for by name. Of more,
// all are read.
func few(names []string) []string {
	if len(names) > 20 {
		return nil
	}
	return names
}

// readPast gives the mesh the results of the last minutes, where they are not too
// many. An error costs a shorter past, and nothing else.
func (m *Model) readPast(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	t, err := m.openResults(ctx, tail.From{Since: time.Now().Add(-recent)})
	if err != nil {
		return
	}
	defer t.Stop()
	if t.Left() > recentMost {
		return
	}
	stored := newStoredTime(t)
	_ = readAll(ctx, t, Filter{}, func(r wire.Result, at time.Time) error {
		m.applyResult(r, stored.measured(at, &r))
		return nil
	})
}

// followClock finds what became silent or offline: that nothing comes is news, too.
// It reports the connection as well.
func (m *Model) followClock(ctx context.Context) {
	linked, stop := m.c.link.subscribe()
	defer stop()
	t := time.NewTicker(clockEach)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-linked:
			m.signal()
		case <-t.C:
			now := time.Now()
			if m.c.Connected() && m.troubleOf(PartVerdicts) == nil {
				m.mesh.InContact(now)
			}
			m.mesh.Advance(now)
			m.signalChange()
		}
	}
}
