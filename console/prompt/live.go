package prompt

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"netmon/console"
	"netmon/wire"
)

// Snapshot is the mesh as it was known a moment ago.
type Snapshot struct {
	Monitors []wire.Saved // by name
	Agents   []console.Agent
	Broker   string    // as the prompt shows it
	Address  string    // of it
	Lost     time.Time // since when the broker is away; zero: it is there
	Never    bool      // and it was not there so far
}

// Online counts the agents that are there.
func (s Snapshot) Online() int {
	n := 0
	for _, a := range s.Agents {
		if console.OnlineAt(a.Alive, a.Seen, time.Now()) {
			n++
		}
	}
	return n
}

// Names are what can be completed from this snapshot.
func (s Snapshot) Names() Names {
	n := Names{Targets: map[string][]string{}}
	for _, m := range s.Monitors {
		n.Monitors = append(n.Monitors, m.Name)
		n.Targets[m.Kind] = append(n.Targets[m.Kind], m.Target)
	}
	for _, a := range s.Agents {
		n.Agents = append(n.Agents, a.Agent)
		for k, v := range a.Labels {
			if l := k + "=" + v; !slices.Contains(n.Labels, l) {
				n.Labels = append(n.Labels, l)
			}
		}
	}
	return n
}

const (
	fresh      = 5 * time.Second // how old the times in a list of agents may be
	remembered = 24 * time.Hour  // as long as heartbeats are kept
)

// Live follows what is saved, who is there, and whether the broker is. Asking
// it never waits for anybody.
type Live struct {
	mu       sync.Mutex
	monitors map[string]wire.Saved
	list     []wire.Saved // of monitors, by name; nil after a change
	agents   map[string]console.Agent
	here     []console.Agent // of agents, by id; nil after one came or went
	hereAt   time.Time       // when that was made
	broker   string
	address  string
	lost     time.Time
	never    bool
	back     chan struct{} // the broker is there again: what is saved is read anew
}

// NewLive makes one that knows nothing yet.
func NewLive() *Live {
	return &Live{monitors: map[string]wire.Saved{}, agents: map[string]console.Agent{}, back: make(chan struct{}, 1)}
}

// At says that the prompt is at this broker now, of which nothing is known but
// whether it is there.
func (l *Live) At(broker, address string, there bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.monitors)
	clear(l.agents)
	l.list, l.here, l.broker, l.address, l.lost, l.never = nil, nil, broker, address, time.Time{}, true
	l.connectedLocked(there)
}

// Connected says whether the broker is there now.
func (l *Live) Connected(yes bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.connectedLocked(yes)
}

func (l *Live) connectedLocked(yes bool) {
	switch {
	case yes:
		if !l.lost.IsZero() {
			signal(l.back)
		}
		l.lost, l.never = time.Time{}, false
	case l.lost.IsZero():
		l.lost = time.Now()
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Snapshot is what is known now.
func (l *Live) Snapshot() Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.list == nil && len(l.monitors) > 0 {
		for _, name := range slices.Sorted(maps.Keys(l.monitors)) {
			l.list = append(l.list, l.monitors[name])
		}
	}
	if now := time.Now(); l.here == nil || now.Sub(l.hereAt) > fresh {
		l.here, l.hereAt = make([]console.Agent, 0, len(l.agents)), now
		for id, a := range l.agents {
			if now.Sub(a.Seen) > remembered {
				delete(l.agents, id)
				continue
			}
			a.Online = console.OnlineAt(a.Alive, a.Seen, now)
			l.here = append(l.here, a)
		}
		slices.SortFunc(l.here, func(a, b console.Agent) int { return strings.Compare(a.Agent, b.Agent) })
	}
	return Snapshot{Monitors: l.list, Agents: l.here, Broker: l.broker, Address: l.address, Lost: l.lost, Never: l.never && !l.lost.IsZero()}
}

// Load asks for everything once and waits for the answer.
func (l *Live) Load(ctx context.Context, cl *console.Client) error {
	store, err := cl.Monitors(ctx)
	if err != nil {
		return err
	}
	monitors, err := store.List(ctx)
	if err != nil {
		return err
	}
	agents, err := cl.Agents(ctx)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.monitors)
	for _, m := range monitors {
		l.monitors[m.Name] = m
	}
	l.list, l.here = nil, nil
	clear(l.agents)
	for _, a := range agents {
		l.agents[a.Agent] = a
	}
	return nil
}

// Run follows the mesh until ctx ends.
func (l *Live) Run(ctx context.Context, cl *console.Client) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { l.followMonitors(ctx, cl) })
	for ctx.Err() == nil {
		l.followAgents(ctx, cl)
		select { // there is no mesh yet
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// followAgents takes the agents that there are and every heartbeat. Those that
// are not among the first went while nobody told.
func (l *Live) followAgents(ctx context.Context, cl *console.Client) {
	seen := map[string]bool{}
	begun := false
	_ = cl.FollowAgents(ctx, func() {
		begun = true
		l.mu.Lock()
		defer l.mu.Unlock()
		maps.DeleteFunc(l.agents, func(id string, _ console.Agent) bool { return !seen[id] })
		l.here = nil
	}, func(a wire.Alive, at time.Time) {
		if !begun {
			seen[a.Agent] = true
		}
		l.heard(a, at)
	})
}

// heard takes a heartbeat. The list is made anew only where it would differ: there
// may be a thousand heartbeats a second.
func (l *Live) heard(a wire.Alive, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was, known := l.agents[a.Agent]
	if a.Gone {
		delete(l.agents, a.Agent)
	} else {
		l.agents[a.Agent] = console.Agent{Alive: a, Seen: at}
	}
	if known == a.Gone || was.Leaving != a.Leaving || at.Sub(was.Seen) > wire.OfflineAfter || !maps.Equal(was.Labels, a.Labels) {
		l.here = nil
	}
}

func (l *Live) followMonitors(ctx context.Context, cl *console.Client) {
	for ctx.Err() == nil {
		watching, stop := context.WithCancel(ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			l.watch(watching, cl)
		}()
		select {
		case <-l.back:
			stop()
			<-ended
			continue
		case <-ended:
		}
		stop()
		select {
		case <-ctx.Done():
		case <-l.back:
		case <-time.After(2 * time.Second):
		}
	}
}

// watch takes what is saved and each change of it. What was deleted while
// nobody told goes, too.
func (l *Live) watch(ctx context.Context, cl *console.Client) {
	store, err := cl.Monitors(ctx)
	if err != nil {
		return
	}
	seen := map[string]bool{}
	begun := false
	_ = store.Watch(ctx, func() { begun = true; l.only(seen) }, func(name string, m *wire.Saved, _ error) {
		if !begun {
			seen[name] = true
		}
		l.take(name, m)
	})
}

func (l *Live) only(names map[string]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.monitors, func(name string, _ wire.Saved) bool { return !names[name] })
	l.list = nil
}

func (l *Live) take(name string, m *wire.Saved) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = nil
	if m == nil {
		delete(l.monitors, name)
		return
	}
	l.monitors[name] = *m
}
