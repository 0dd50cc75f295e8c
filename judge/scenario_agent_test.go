package judge_test

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"netmon/wire"
)

// agent is a simulated one: it measures by schedule, keeps what it cannot deliver,
// and answers questions.
type agent struct {
	id     string
	labels map[string]string
	absent bool
	heard  map[string]string // its labels, as the broker knows them
	known  bool              // the broker knows of it, and it has not left
	left   time.Duration     // when it left; an agent that comes back at once did not

	running bool
	life    int  // counts starts: what an earlier one planned is void
	linked  bool // its host reaches the broker
	online  bool // it is connected
	cut     bool // it reaches no target
	deaf    bool // it makes no runs that it is asked for
	clock   time.Duration
	lag     time.Duration

	seq    uint64
	series map[string]*series
	finds  map[string]condition // by monitor
	spool  []kept
	queued int           // results on their way
	asks   time.Duration // when all runs that may be asked for at once may be again
	last   time.Duration // when its newest result was stored
}

// series is a monitor on an agent. One run of it continues at a time.
type series struct {
	m      *wire.Saved
	runs   uint64
	due    time.Duration // the last tick
	busy   bool          // a run continues
	asked  string        // the token of that run, if it was asked for
	wanted string        // the token of one that was asked for, and waits
	owed   bool          // a tick came while a run continued that was asked for
	covers uint64        // ticks that came while one of the schedule continued
	lost   uint64        // ticks without a run
}

type kept struct {
	r     *wire.Result
	ended time.Duration
}

func newAgent(s agentSpec) *agent {
	return &agent{id: s.id, labels: s.labels, absent: s.absent, linked: true, series: map[string]*series{}, finds: map[string]condition{}}
}

// transit is what a message takes to the broker.
const transit = 5 * time.Millisecond

func (w *world) start(a *agent) {
	if a.running {
		return
	}
	a.running = true
	a.life++
	life := a.life
	var beat func()
	beat = func() {
		if a.life == life && a.running {
			w.beat(a)
			w.plan(w.now+wire.AliveEvery, beat)
		}
	}
	w.connect(a)
	w.plan(w.now+spread(a.id, "", wire.AliveEvery), beat)
}

// stop ends it where it is: what it was measuring leaves no result.
func (a *agent) stop() {
	a.running, a.online = false, false
	a.series = map[string]*series{}
}

func (w *world) leave(a *agent) {
	if a.online && !w.down {
		w.plan(w.now+transit, func() {
			a.known, a.left = false, w.now
			w.store(fact{alive: &wire.Alive{Agent: a.id, At: began.Add(w.now + a.clock), Leaving: true, Labels: a.labels}})
		})
	}
	a.stop()
}

func (w *world) dropAgent(a *agent) {
	a.known, a.left = false, w.now
	gone := wire.Farewell(a.id, began.Add(w.now))
	w.store(fact{alive: &gone})
}

// connect has it reach the broker, if there is one: it says that it is there, asks
// what to run, and delivers what it kept.
func (w *world) connect(a *agent) {
	if w.down || !a.running || !a.linked {
		return
	}
	a.online = true
	w.beat(a)
	w.plan(w.now+200*time.Millisecond, func() { w.sync(a) })
	keep := a.spool
	a.spool = nil
	slices.SortFunc(keep, func(x, y kept) int { return cmp.Compare(x.r.Seq, y.r.Seq) })
	for i, k := range keep {
		w.deliver(a, k, w.now+time.Duration(i)*200*time.Microsecond)
	}
}

func (w *world) reaches(a *agent) bool {
	a.online = a.online && a.linked && a.running && !w.down
	return a.online
}

// beat sends a heartbeat, which is lost where nobody hears it.
func (w *world) beat(a *agent) {
	if !w.reaches(a) {
		return
	}
	alive := wire.Alive{Agent: a.id, Instance: a.id, At: began.Add(w.now + a.clock), Labels: maps.Clone(a.labels), Monitors: len(a.series), Pending: len(a.spool) + a.queued, Results: a.seq}
	w.plan(w.now+transit, func() {
		a.known, a.heard = true, alive.Labels
		w.store(fact{alive: &alive})
	})
}

// sync brings it what is saved.
func (w *world) sync(a *agent) {
	if !w.reaches(a) {
		return
	}
	for name := range a.series {
		if m := w.saved[name]; m == nil || !m.RunsOn(a.id, a.labels) {
			delete(a.series, name)
		}
	}
	for _, name := range keys(w.saved) {
		m := w.saved[name]
		if !m.RunsOn(a.id, a.labels) {
			continue
		}
		x := a.series[name]
		if x != nil && x.m.Revision == m.Revision {
			continue
		}
		fresh := &series{m: m}
		if x != nil {
			fresh.runs = x.runs
		}
		a.series[name] = fresh
		every := m.Every.Std()
		first := w.now - w.now%every + spread(a.id, name, every)
		if first < w.now {
			first += every
		}
		w.plan(first, func() { w.tick(a, fresh) })
	}
}

// deliver has a result stored at that time, behind those before it.
func (w *world) deliver(a *agent, k kept, at time.Duration) {
	if late := at - k.ended; late > time.Second {
		k.r.LateNS = int64(late)
	}
	a.last = max(at+transit, a.last+time.Microsecond)
	stored := a.last
	a.queued++
	w.plan(stored, func() {
		a.queued--
		if !w.reaches(a) { // lost on the way: it is sent again
			k.r.LateNS = 0
			a.spool = append(a.spool, k)
			return
		}
		measured := began.Add(stored - time.Duration(k.r.LateNS+k.r.ElapsedNS))
		w.store(fact{result: k.r, measured: measured})
	})
}
