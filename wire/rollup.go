package wire

// Rollup is what all runs of a series did in a minute, an hour or longer. Two of them
// add up without error: counters and sums are added, and so are the counts of the
// histogram.
//
// Figures are of the runs of the schedule. A run that a command asked for stands for no
// tick and often follows a failure, so it would bend them: it is counted in asked alone.
type Rollup struct {
	Runs   uint64 `json:"runs"`             // of the schedule, with a result
	OK     uint64 `json:"ok,omitempty"`     // of these
	Failed uint64 `json:"failed,omitempty"` // of these: the target's
	Broken uint64 `json:"broken,omitempty"` // of these: the agent could not measure
	Slow   uint64 `json:"slow,omitempty"`   // of failed: as expected, but slow

	Covered       uint64 `json:"covered,omitempty"`        // ticks that came during a run, and have its outcome
	CoveredOK     uint64 `json:"covered_ok,omitempty"`     // of these, by runs that were ok
	CoveredFailed uint64 `json:"covered_failed,omitempty"` // of these, by runs that failed; the rest was broken
	Skipped       uint64 `json:"skipped,omitempty"`        // ticks that the agent was too busy to measure
	Missed        uint64 `json:"missed,omitempty"`         // ticks while the agent did not run
	Dropped       uint64 `json:"dropped,omitempty"`        // results that were lost
	Late          uint64 `json:"late,omitempty"`           // results that waited over a second to be sent
	Asked         uint64 `json:"asked,omitempty"`          // runs that a command asked for; they are in no other figure

	Latency *Latencies       `json:"latency,omitempty"` // absent where no run has a latency
	Packets *Packets         `json:"packets,omitempty"` // of kinds that have loss
	Phases  map[string]Phase `json:"phases,omitempty"`  // of kinds that have them, by name, such as connect
}

// Latencies are the latencies of runs that were ok, or slow and nothing worse.
type Latencies struct {
	Count   uint64   `json:"count"`                 // runs
	SumNS   uint64   `json:"sum_ns"`                // nanoseconds
	MinNS   uint64   `json:"min_ns"`                // nanoseconds
	MaxNS   uint64   `json:"max_ns"`                // nanoseconds
	Buckets []uint64 `json:"buckets,omitempty"`     // runs in each bucket, from the first that has some to the last
	Offset  int      `json:"offset,omitempty"`      // of the first bucket: bucket i holds what is over 2^(i/32) and at most 2^((i+1)/32) nanoseconds
	Diffs   uint64   `json:"diffs,omitempty"`       // pairs of runs that follow each other
	DiffNS  uint64   `json:"diff_sum_ns,omitempty"` // sum of the absolute differences of their latencies, nanoseconds; by diffs it is the jitter
}

// Packets counts what was sent to a target.
type Packets struct {
	Sent uint64 `json:"sent"` // packets
	Lost uint64 `json:"lost"` // of these, without an answer
}

// Phase is a part of the time of runs.
type Phase struct {
	Count uint64 `json:"count"`  // runs that have it
	SumUS uint64 `json:"sum_us"` // microseconds
}

// HistoryBase says how fine the buckets of Latencies are: 2^5 of them for each doubling,
// which is scale 5 of the exponential histograms of OpenTelemetry and Prometheus.
const HistoryBase = 32
