package view

import (
	"encoding/json"
	"slices"
	"time"

	"netmon/judge"
	"netmon/wire"
)

// Window is how many runs of a monitor on an agent figures are made of.
const Window = 100

const (
	spare       = 12 // the window moves when so many more have come
	tick        = 10 * time.Millisecond
	keptFails   = 6    // failures with their reasons, of each series
	keptDetails = 4096 // bytes of details that are worth keeping
	noLoss      = 255
	lossScale   = 250
)

// sample is one run in 12 bytes: there are ten million of them in a large mesh.
type sample struct {
	at    uint32  // when it started, ticks since the mesh's base
	lat   float32 // nanoseconds; negative is not measured
	run   uint16  // low bits of the run's number
	loss  uint8   // lossScale is all; noLoss is not measured
	flags uint8   // the State; gapBefore; epochParity; coversAfter; lostBefore; askedFor
}

const (
	stateBits   = 0x07
	gapBefore   = 0x08 // the agent says that results just before it were lost
	epochParity = 0x10 // differs between neighbours when the numbering started over
	coversAfter = 0x20 // ticks came while it waited for its target: they have its outcome
	lostBefore  = 0x40 // ticks before it came while the agent was too busy, or did not run: of these nothing is known
	askedFor    = 0x80 // it stands for no tick: somebody asked for it
)

func (s sample) state() judge.State { return judge.State(s.flags & stateBits) }

// series is one monitor on one agent.
type series struct {
	m       *monitor
	a       *agent
	wanted  bool        // it should run there; only then it is counted
	state   judge.State // as m.count has it
	share   Share       // of the agent in the verdict on m
	inWheel bool
	parity  uint8
	heard   uint32 // when the newest result was measured, in ticks
	epoch   string
	run     uint64
	// revision is the monitor's, in the newest result.
	revision uint64
	samples  []sample // by time; the last Window of them count
	last     last     // of the newest by time
	fails    []Failure
}

// last is what is kept from the newest run beside its sample.
type last struct {
	summary, address string
	failure          wire.Failure
	err              string
	details          json.RawMessage
	certExpires      time.Time
	due              time.Time
	covers           uint64
}

// add takes a result that started at this tick by the agent's clock. It says whether it is the
// newest, and whether it is new at all.
func (s *series) add(r *wire.Result, at uint32) (newest, added bool) {
	x := sample{at: at, lat: -1, run: uint16(r.Run), loss: noLoss, flags: uint8(judge.OfResult(r))} // #nosec G115 -- the low bits
	if r.LatencyNS != nil && *r.LatencyNS >= 0 {
		x.lat = float32(*r.LatencyNS)
	}
	if r.Loss != nil {
		x.loss = uint8(min(max(*r.Loss, 0), 1)*lossScale + 0.5)
		if x.loss == 0 && *r.Loss > 0 {
			x.loss = 1 // some loss is never none
		}
	}
	if r.Dropped > 0 {
		x.flags |= gapBefore
	}
	if r.Covers > 0 {
		x.flags |= coversAfter
	}
	if r.Skipped > r.Covers || r.Missed > 0 {
		x.flags |= lostBefore
	}
	if r.Asked != "" {
		x.flags |= askedFor
	}
	n := len(s.samples)
	newest = n == 0 || at > s.samples[n-1].at || at == s.samples[n-1].at && (r.Epoch != s.epoch || r.Run > s.run)
	if newest {
		if r.Epoch != s.epoch && n > 0 {
			s.parity ^= epochParity
		}
		x.flags |= s.parity
		s.epoch, s.run, s.revision = r.Epoch, r.Run, r.Revision
		s.push(n, x)
		return true, true
	}
	parity := s.parity
	if r.Epoch != s.epoch {
		parity ^= epochParity
	}
	x.flags |= parity
	i, _ := slices.BinarySearchFunc(s.samples, at, func(o sample, at uint32) int { return int(int64(o.at) - int64(at)) })
	for ; i < n && s.samples[i].at == at; i++ {
		if o := s.samples[i]; o.run == x.run && o.flags&epochParity == parity {
			return false, false // seen before
		}
	}
	if n >= Window && i <= n-Window {
		return false, false // older than the window
	}
	s.push(i, x)
	return false, true
}

// push puts x at place i and lets the window move.
func (s *series) push(i int, x sample) {
	if n := len(s.samples); n == cap(s.samples) {
		if n == Window+spare {
			drop := n - Window + 1
			copy(s.samples, s.samples[drop:])
			s.samples, i = s.samples[:n-drop], max(0, i-drop)
		} else {
			grown := make([]sample, n, min(max(4, 2*n), Window+spare))
			copy(grown, s.samples)
			s.samples = grown
		}
	}
	s.samples = slices.Insert(s.samples, i, x)
}

// window is the runs that figures are made of.
func (s *series) window() []sample {
	return s.samples[max(0, len(s.samples)-Window):]
}

// deadline is the tick after which silence means that nothing is known.
func (s *series) deadline() uint32 { return s.heard + s.m.silence }

// missing is how many runs before w[i] and after the previous one are not known.
func (s *series) missing(w []sample, i int) int {
	p, c, n := w[i-1], w[i], 0
	if p.flags&epochParity == c.flags&epochParity {
		if d := c.run - p.run; d > 1 && d < 1<<15 {
			n = int(d) - 1
		}
	}
	if c.flags&gapBefore != 0 {
		n = max(n, 1)
	}
	if c.flags&lostBefore != 0 {
		if p := tickBefore(w, i); p.flags&coversAfter == 0 {
			n = max(n, 1, s.ticksBetween(p, c))
		}
	}
	limit := s.m.silence
	if p.at < s.m.changed {
		limit = max(limit, s.m.silenceBefore)
	}
	if c.at > p.at && c.at-p.at > limit {
		n = max(n, 1, int((c.at-p.at)/max(1, s.m.every))-1)
	}
	return n
}

// ticksBetween is how many ticks there are between two neighbours.
func (s *series) ticksBetween(p, c sample) int {
	every := max(1, s.m.every)
	return max(0, int((c.at-p.at+every/2)/every)-1)
}

// covered is how many ticks after w[i] have its outcome, as they came while it waited.
func (s *series) covered(w []sample, i int) int {
	if w[i].flags&coversAfter == 0 {
		return 0
	}
	for j := i + 1; j < len(w); j++ {
		if w[j].at < w[j-1].at || s.missing(w, j) > 0 {
			return 0
		}
		if w[j].flags&askedFor == 0 || j == len(w)-1 {
			return s.ticksBetween(w[i], w[j])
		}
	}
	return 0
}

// tickBefore is the last run before w[i] that was not asked for.
func tickBefore(w []sample, i int) sample {
	for i--; i > 0 && w[i].flags&askedFor != 0; i-- {
	}
	return w[i]
}

// strip is the last n runs, the newest last, with a place for each that is not
// known. It may be shorter: before the first run there is nothing.
func (s *series) strip(n int, now uint32) []judge.State {
	out := make([]judge.State, 0, n)
	w := s.window()
	if len(w) == 0 {
		return out
	}
	silent, covered := 0, 0
	if now > s.deadline() && !s.m.paused() {
		silent = max(1, int((now-w[len(w)-1].at)/max(1, s.m.every)))
	}
	for i := len(w) - 1; ; i-- {
		for ; silent > 0 && len(out) < n; silent-- {
			out = append(out, judge.Unknown)
		}
		for ; covered > 0 && len(out) < n; covered-- {
			out = append(out, w[i].state())
		}
		if i < 0 || len(out) == n {
			break
		}
		out = append(out, w[i].state())
		if i > 0 {
			silent, covered = s.missing(w, i), s.covered(w, i-1)
		}
	}
	slices.Reverse(out)
	return out
}

// tally gathers what figures of one or several series are made of.
type tally struct {
	lats      []float32
	up, known float64 // ticks
	loss      float64
	losses    int
}

// count adds the window of s. A run stands for the time until the next one, or
// for one interval where it is not known what came then; the time that is left
// is neither up nor down.
func (t *tally) count(s *series, now uint32) {
	w := s.window()
	for i, x := range w {
		if x.lat >= 0 {
			t.lats = append(t.lats, x.lat)
		}
		if x.loss != noLoss {
			runs := 1 + s.covered(w, i)
			t.loss += float64(x.loss) / lossScale * float64(runs)
			t.losses += runs
		}
		if x.state() == judge.Unknown {
			continue
		}
		span := s.m.every
		switch {
		case i+1 < len(w):
			if s.missing(w, i+1) == 0 {
				span = w[i+1].at - x.at
			}
		default: // so far
			span = min(span, max(now, x.at)-x.at)
		}
		t.known += float64(span)
		if x.state() != judge.Down {
			t.up += float64(span)
		}
	}
}

// figures are the tally's; it is used up.
func (t *tally) figures() Figures {
	var f Figures
	if n := len(t.lats); n > 0 {
		slices.Sort(t.lats)
		f.P50, f.P95 = measured(float64(t.lats[(n-1)/2])), measured(float64(t.lats[(n*95+99)/100-1]))
	}
	if t.losses > 0 {
		f.Loss = measured(t.loss / float64(t.losses))
	}
	if t.known > 0 {
		f.Good = measured(t.up / t.known)
	}
	return f
}
