package judge_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"netmon/judge"
	"netmon/wire"
)

// began is when every scenario begins, by the broker's clock.
var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is a mesh in simulated time around one judge: agents that run monitors by
// their schedules, links that carry what they find, and a broker that stores it.
type world struct {
	now     time.Duration // since began
	queue   queue
	counted int
	rng     *rand.Rand

	judge    *judge.Judge
	shards   map[int]judge.Shard // of its checkpoint, the newest of each part
	told     []fact              // what the judge was given, in order
	said     []said              // what it said, in order
	held     []said              // what it held at some times between
	asked    []asking            // what it asked for, in order
	agents   []*agent
	saved    map[string]*wire.Saved
	revision uint64
	down     bool          // the broker is, for the agents and for whoever feeds the judge
	since    time.Duration // that it is
	resumed  time.Duration // when it was there again

	waiting []*check // for the first bad result of a monitor
	late    []error  // of checks, in the order of their times
	results int
	stuck   error
}

// said is a verdict, and when the judge came out with it.
type said struct {
	at time.Duration
	judge.Change
	told   int         // facts that the judge had been given
	saved  *wire.Saved // the monitor, as it was saved then
	placed []string    // the agents on which it was placed then
	still  []string    // and those that had just left
	held   bool        // nothing was said: that is what was held then
}

type asking struct {
	at time.Duration
	judge.Ask
	placed []string // the agents on which its monitor was placed then
}

func (w *world) plan(at time.Duration, do func()) { w.planned(at, false, do) }

func (w *world) planned(at time.Duration, check bool, do func()) {
	w.counted++
	w.queue.push(event{max(at, w.now), check, w.counted, do})
}

// run plays a scenario. What does not hold is returned, in the order of time.
func run(s *scenario, seed uint64) (*world, []error) {
	w := &world{judge: judge.New(), shards: map[int]judge.Shard{}, saved: map[string]*wire.Saved{}, rng: rand.New(rand.NewPCG(seed, 1))}
	for _, spec := range s.agents {
		w.agents = append(w.agents, newAgent(spec))
	}
	for _, a := range w.agents {
		if !a.absent {
			w.start(a)
		}
	}
	for _, x := range s.steps {
		w.plan(x.at, func() { x.do(w) })
	}
	for i := range s.checks {
		switch c := &s.checks[i]; {
		case c.of != "":
			w.waiting = append(w.waiting, c)
		case !c.end:
			w.planned(c.at, true, func() { w.hold(s, c) })
		}
	}
	const looks = 20
	for i := range time.Duration(looks) {
		w.planned(s.until*i/looks, true, w.recordVerdicts)
	}
	w.until(s.until)
	for _, c := range w.waiting {
		w.late = append(w.late, fmt.Errorf("%s:%d: %s: there was no bad result of %s", s.file, c.line, c.text, c.of))
	}
	for i := range s.checks {
		if s.checks[i].end {
			w.hold(s, &s.checks[i])
		}
	}
	if w.stuck != nil {
		w.late = append(w.late, w.stuck)
	}
	return w, w.late
}

func (w *world) hold(s *scenario, c *check) {
	if err := c.hold(w); err != nil {
		w.late = append(w.late, fmt.Errorf("%s:%d: %s: %w", s.file, c.line, c.text, err))
	}
}

// until does all that is due until then, the judge's timers between.
func (w *world) until(end time.Duration) {
	var same int
	var last time.Time
	for w.stuck == nil {
		next := end + 1
		if len(w.queue) > 0 {
			next = w.queue[0].at
		}
		if timer := w.judge.Next(); !timer.IsZero() && timer.Sub(began) < min(next, end+1, w.noticed()) {
			if same++; timer.After(last) {
				same, last = 0, timer
			}
			if same > 100 {
				w.stuck = fmt.Errorf("Next is %v again and again after Advance to it", timer.Sub(began))
				return
			}
			w.now = max(w.now, timer.Sub(began))
			w.judge.Advance(timer)
			w.listen()
			continue
		}
		if next > end {
			break
		}
		e := w.queue.pop()
		w.now = e.at
		e.do()
	}
	w.now = end
	if w.down {
		return
	}
	w.judge.Advance(began.Add(end))
	w.listen()
}

// store gives the judge a fact that is stored now.
func (w *world) store(f fact) {
	f.at = began.Add(w.now)
	w.told = append(w.told, f)
	f.apply(w.judge)
	w.listen()
	if r := f.result; r != nil {
		w.results++
		if len(w.waiting) > 0 && r.Outcome == wire.Failed {
			w.answerWaiting(r.Monitor)
		}
	}
}

func (w *world) answerWaiting(monitor string) {
	var rest []*check
	for _, c := range w.waiting {
		if c.of != monitor || w.now < c.at {
			rest = append(rest, c)
			continue
		}
		w.planned(w.now+c.after, true, func() { w.late = append(w.late, wrapped(c, w)...) })
	}
	w.waiting = rest
}

func wrapped(c *check, w *world) []error {
	if err := c.hold(w); err != nil {
		return []error{fmt.Errorf("line %d: %s: %w", c.line, c.text, err)}
	}
	return nil
}

func (w *world) saidNow(c judge.Change) said {
	x := said{at: w.now, Change: c, told: len(w.told)}
	if c.Monitor != nil {
		x.saved = w.saved[c.Monitor.Monitor]
		x.placed, x.still = w.placed(c.Monitor.Monitor)
	}
	return x
}

// recordVerdicts notes the verdicts on all monitors that hold now.
func (w *world) recordVerdicts() {
	if w.down {
		return
	}
	for _, name := range keys(w.saved) {
		if v, ok := w.judge.Verdict(name); ok {
			x := w.saidNow(judge.Change{Monitor: &v})
			x.held = true
			w.held = append(w.held, x)
		}
	}
}

// listen takes what the judge says, and brings its questions to the agents.
func (w *world) listen() {
	for _, c := range w.judge.Changes() {
		w.said = append(w.said, w.saidNow(c))
	}
	for _, q := range w.judge.Asks() {
		placed, still := w.placed(q.Monitor)
		w.asked = append(w.asked, asking{w.now, q, append(placed, still...)})
		at := max(w.now, q.At.Sub(began))
		w.plan(at+15*time.Millisecond, func() { w.ask(q) })
	}
}

// placed are the agents that have been heard, have not left, and run the monitor or
// would; and beside them those that may count: they left just now, or are named in it.
func (w *world) placed(monitor string) (now, still []string) {
	m := w.saved[monitor]
	for _, a := range w.agents {
		switch {
		case m == nil || !m.IsPlacedOn(a.id, a.heard):
		case slices.Contains(m.Agents, a.id) && !a.known:
			still = append(still, a.id)
		case a.heard == nil:
		case a.known:
			now = append(now, a.id)
		case w.now-max(a.left, w.resumed) <= wire.OfflineAfter+time.Second:
			still = append(still, a.id)
		}
	}
	return now, still
}

func keys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// dump shows what was said of what matters, for a failure.
func (w *world) dump(t *testing.T, most int) {
	t.Helper()
	for i, x := range w.said {
		if i == most {
			t.Logf("… and %d more", len(w.said)-most)
			return
		}
		t.Log(x)
	}
}
