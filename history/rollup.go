package history

import (
	"time"

	"netmon/wire"
)

// Skew is how far the clock of an agent may be ahead of the broker's before the time
// at which a result was stored counts, and not the agent's.
const Skew = time.Minute

// Backlog is for how long before the broker stored it a result may have been due, or begun,
// to count: for as long as minutes are kept, which is four times as long as an agent's spool
// keeps results by default. Else an agent could write history of months that are over.
const Backlog = wire.HistoryMinutes

// When says at which time a result counts: when it was due or, where it was asked for or
// has no such time, when it began. Where that is over [Skew] after the broker stored it,
// the agent's clock is wrong: it counts as it was stored, and moved is true.
func When(r *wire.Result, stored time.Time) (at time.Time, moved bool) {
	at = r.Due
	if at.IsZero() || r.Asked != "" {
		at = r.Started
	}
	if at.After(stored.Add(Skew)) {
		return stored, true
	}
	return at, false
}

// Tail is the end of a series, by which the next run knows whether it follows.
type Tail struct {
	Epoch   string
	Run     uint64
	Latency uint64 // ns; 0 is none
}

// Adder adds results to rollups.
type Adder struct {
	// Figures are the phases of a kind's details.
	Figures []Figure
}

// Add counts a result. It counts each once only if the caller sees to that. tail is of its series.
func (a *Adder) Add(into *wire.Rollup, r *wire.Result, tail *Tail) {
	if r.LateNS > 0 {
		into.Late++
	}
	into.Dropped += bounded(r.Dropped)
	if r.Asked != "" {
		into.Asked++
		return
	}
	into.Runs++
	covers := bounded(r.Covers)
	into.Covered += covers
	into.Skipped += bounded(r.Skipped) - min(bounded(r.Skipped), covers)
	into.Missed += bounded(r.Missed)
	switch r.Outcome {
	case wire.OK:
		into.OK++
		into.CoveredOK += covers
	case wire.Failed:
		into.Failed++
		into.CoveredFailed += covers
		if r.Failure == wire.FailSlow {
			into.Slow++
		}
	default:
		into.Broken++
	}
	next := Tail{Epoch: r.Epoch, Run: r.Run}
	if r.LatencyNS != nil && *r.LatencyNS >= 0 && *r.LatencyNS <= maxLatency && (r.Outcome == wire.OK || r.Failure == wire.FailSlow) {
		next.Latency = uint64(*r.LatencyNS)
		if into.Latency == nil {
			into.Latency = new(wire.Latencies)
		}
		AddLatency(into.Latency, next.Latency)
		if tail.Latency > 0 && next.Latency > 0 && r.Run == tail.Run+1 && r.Epoch == tail.Epoch {
			into.Latency.Diffs++
			into.Latency.DiffNS += max(next.Latency, tail.Latency) - min(next.Latency, tail.Latency)
		}
	}
	if r.Run > tail.Run || r.Epoch != tail.Epoch {
		*tail = next
	}
	if r.Loss != nil || len(a.Figures) > 0 && r.Outcome == wire.OK {
		a.details(into, r)
	}
}

const (
	maxLatency = int64(wire.MaxEvery) // of a run that is not absurd
	maxCounter = 1 << 20              // that one result may add
)

// bounded keeps a counter that somebody else wrote within what it can mean.
func bounded(n uint64) uint64 { return min(n, maxCounter) }

// details counts packets and phases.
func (a *Adder) details(into *wire.Rollup, r *wire.Result) {
	var sent, lost uint64
	phases := make([]uint64, len(a.Figures), 16)
	numbers(r.Details, func(name []byte, n uint64) {
		switch string(name) { // no allocation
		case "sent":
			sent = bounded(n)
		case "lost":
			lost = bounded(n)
		}
		for i := range a.Figures {
			if a.Figures[i].Name == string(name) {
				phases[i] = min(n, uint64(maxLatency))
			}
		}
	})
	if r.Loss != nil && sent > 0 {
		if into.Packets == nil {
			into.Packets = new(wire.Packets)
		}
		into.Packets.Sent += sent
		into.Packets.Lost += min(lost, sent)
	}
	if r.Outcome != wire.OK {
		return
	}
	for i, ns := range phases {
		if ns == 0 || a.within(i, phases) {
			continue
		}
		name := a.Figures[i].phase()
		p := into.Phases[name]
		p.Count++
		p.SumUS += (ns + 500) / 1000
		if into.Phases == nil {
			into.Phases = make(map[string]wire.Phase, 4)
		}
		into.Phases[name] = p
	}
}

// within says that another figure that is there holds this one.
func (a *Adder) within(i int, phases []uint64) bool {
	for j := range a.Figures {
		if phases[j] > 0 && a.Figures[j].Name == a.Figures[i].Within {
			return true
		}
	}
	return false
}

// Merge adds what from counted. from is not changed, and shares nothing with into.
func Merge(into *wire.Rollup, from *wire.Rollup) {
	into.Runs += from.Runs
	into.OK += from.OK
	into.Failed += from.Failed
	into.Broken += from.Broken
	into.Slow += from.Slow
	into.Covered += from.Covered
	into.CoveredOK += from.CoveredOK
	into.CoveredFailed += from.CoveredFailed
	into.Skipped += from.Skipped
	into.Missed += from.Missed
	into.Dropped += from.Dropped
	into.Late += from.Late
	into.Asked += from.Asked
	if from.Latency != nil {
		if into.Latency == nil {
			into.Latency = new(wire.Latencies)
		}
		mergeLatencies(into.Latency, from.Latency)
	}
	if from.Packets != nil {
		if into.Packets == nil {
			into.Packets = new(wire.Packets)
		}
		into.Packets.Sent += from.Packets.Sent
		into.Packets.Lost += from.Packets.Lost
	}
	for name, p := range from.Phases {
		if into.Phases == nil {
			into.Phases = make(map[string]wire.Phase, len(from.Phases))
		}
		sum := into.Phases[name]
		into.Phases[name] = wire.Phase{Count: sum.Count + p.Count, SumUS: sum.SumUS + p.SumUS}
	}
}

// Loss is the part of the packets that was lost; false where none was sent.
func Loss(r *wire.Rollup) (part float64, ok bool) {
	if r.Packets == nil || r.Packets.Sent == 0 {
		return 0, false
	}
	return float64(r.Packets.Lost) / float64(r.Packets.Sent), true
}

// Reached is how many ticks found the target good, of those that could measure: runs
// and the ticks that they cover, without broken ones. Skipped and missed ticks are of
// nobody's knowledge and in neither.
func Reached(r *wire.Rollup) (good, of uint64) {
	good = r.OK + r.CoveredOK
	return good, good + r.Failed + r.CoveredFailed
}
