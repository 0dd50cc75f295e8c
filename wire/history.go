package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Names of what history travels by.
const (
	HistoryStream  = "HISTORY"     // hours that are over: history.*.*
	AllHistory     = "history.*.*" // what that stream takes
	HistorySubject = "history.get" // HistoryQuery, answered by HistoryReply
	historyPrefix  = "history."
)

// Bounds of history.
const (
	MaxHistoryHour  = 32 << 10                  // bytes of a HistoryHour
	MaxHistoryQuery = 64 << 10                  // bytes of a HistoryQuery
	MaxHistoryNames = 1000                      // monitors, or agents, of one query
	MaxHistoryRows  = 5000                      // rows, or spans, of one reply
	MaxHistoryReply = MaxMessage - 64<<10       // bytes of a HistoryReply
	MaxHistoryPhase = 16                        // phases of a rollup
	MaxHistorySpan  = 10 * 366 * 24 * time.Hour // from the beginning to the end of a query
	HistoryMinutes  = 30 * 24 * time.Hour       // for how long minutes are kept
	HistoryHours    = 2 * 365 * 24 * time.Hour  // for how long hours and verdicts are kept
)

// HistoryHour is an hour of one series that is over, on history.<monitor>.<agent>: its
// whole value. A result that comes late makes another message with a higher revision,
// and of an hour the highest counts.
type HistoryHour struct {
	Monitor  string    `json:"monitor"`  // the second token of the subject
	Agent    string    `json:"agent"`    // the third token of the subject
	Kind     string    `json:"kind"`     // of the monitor
	Hour     time.Time `json:"hour"`     // its beginning, UTC
	Revision uint64    `json:"revision"` // sequence in the stream RESULTS of the last result that is counted: the same for every controller
	First    uint64    `json:"first"`    // and of the first
	Rollup   Rollup    `json:"rollup"`   // what is counted
}

// HistoryWhat says what a query asks for.
type HistoryWhat string

const (
	HistoryRollups  HistoryWhat = "rollups"  // what was measured
	HistoryVerdicts HistoryWhat = "verdicts" // what it meant
)

// HistoryQuery is a request on history.get.
type HistoryQuery struct {
	What     HistoryWhat `json:"what"`               // rollups or verdicts
	Monitors []string    `json:"monitors,omitempty"` // default: all
	Agents   []string    `json:"agents,omitempty"`   // rollups: default all
	From     time.Time   `json:"from"`               // the first row begins here; cut to the minute, or to the hour where hours are read
	To       time.Time   `json:"to"`                 // and the last ends before, or here
	Step     Duration    `json:"step,omitempty"`     // rollups: the length of a row, whole minutes; from an hour on whole hours. Absent: such that a series has at most Points rows
	Points   int         `json:"points,omitempty"`   // rollups, without Step: default 500
	Together bool        `json:"together,omitempty"` // rollups: the agents of a monitor are one series
	Brief    bool        `json:"brief,omitempty"`    // rollups: without buckets and phases
	Limit    int         `json:"limit,omitempty"`    // at most so many rows or spans; default and most 5000
	After    string      `json:"after,omitempty"`    // next of the reply before
}

// HistoryReply is the answer.
type HistoryReply struct {
	OK      bool            `json:"ok"`               // it is all there up to Next
	Error   *Error          `json:"error,omitempty"`  // why not
	Step    Duration        `json:"step,omitempty"`   // rollups: the length of a row
	Series  []HistorySeries `json:"series,omitempty"` // rollups, by monitor and agent
	Spans   []HistorySpan   `json:"spans,omitempty"`  // verdicts, by monitor and time
	Gaps    []HistoryGap    `json:"gaps,omitempty"`   // rollups: results that history lacks, as far as is known
	Since   time.Time       `json:"since,omitzero"`   // the oldest that is known, UTC: what was before is not known, and not nothing
	Minutes time.Time       `json:"minutes,omitzero"` // the oldest of which minutes are known, UTC
	Through time.Time       `json:"through,omitzero"` // results that were stored by then are counted, UTC
	Next    string          `json:"next,omitempty"`   // give this as after to continue
	Again   Duration        `json:"again,omitempty"`  // with an error limit: after so long the same question may be answered
}

// HistorySeries is the rows of one series.
type HistorySeries struct {
	Monitor string       `json:"monitor"`         // its name
	Agent   string       `json:"agent,omitempty"` // absent when together
	Kind    string       `json:"kind,omitempty"`  // of the monitor
	Rows    []HistoryRow `json:"rows"`            // by time; a row that is not there has no result
}

// HistoryRow is a rollup of a part of the time.
type HistoryRow struct {
	At  time.Time `json:"at"`            // its beginning, UTC
	For Duration  `json:"for,omitempty"` // how long it is, where only the hour is known and Step is shorter
	Rollup
}

// HistorySpan is a time in which a monitor had one state. Time in no span is not known,
// and no state is known from before the first.
type HistorySpan struct {
	Monitor string       `json:"monitor"`         // its name
	State   VerdictState `json:"state"`           // up, degraded, down, unknown or paused
	Since   time.Time    `json:"since"`           // its beginning, UTC
	Until   time.Time    `json:"until"`           // its end, UTC; that of the last one is as far as is known
	Open    bool         `json:"open,omitempty"`  // it is not over
	New     bool         `json:"new,omitempty"`   // nothing is known of the monitor from before: it is the first state, or the monitor was deleted and made again
	Gone    time.Time    `json:"gone,omitzero"`   // when the monitor was deleted, in this state, UTC
	Muted   bool         `json:"muted,omitempty"` // notices were muted by a window: planned maintenance
	Blame   BlameClass   `json:"blame,omitempty"` // absent while it is up or paused
}

// HistoryGap says that results were gone from the stream RESULTS before the controller that
// answers had read them, and that no hour counts them which another controller published:
// what it says of that time is of the others.
type HistoryGap struct {
	From    time.Time `json:"from"`    // when the last one before them was stored, UTC
	To      time.Time `json:"to"`      // when the first one after them was stored, UTC
	Results uint64    `json:"results"` // how many
}

// HistoryHourSubject is where the closed hours of a series go.
func HistoryHourSubject(monitor, agent string) (string, error) {
	return two(historyPrefix, "monitor name", monitor, "agent id", agent)
}

// DecodeHistoryHour reads an hour that came on subject.
func DecodeHistoryHour(subject string, data []byte) (HistoryHour, error) {
	var h HistoryHour
	if err := decodeAs("the hour", subject, data, MaxHistoryHour, &h); err != nil {
		return HistoryHour{}, err
	}
	if err := belongs(subject, h.Monitor, func(m string) (string, error) { return HistoryHourSubject(m, h.Agent) }); err != nil {
		return HistoryHour{}, err
	}
	if err := h.Check(); err != nil {
		return HistoryHour{}, fmt.Errorf("decode the hour on %s: %w", subject, err)
	}
	return h, nil
}

// Check says what is wrong with an hour: one that says of itself what cannot be would
// spoil what others add to it.
func (h *HistoryHour) Check() error {
	var p Problems
	if h.Hour.IsZero() || h.Hour.Year() < 2000 || h.Hour.Year() > 9999 || !h.Hour.Equal(h.Hour.Truncate(time.Hour)) {
		p.Addf("hour", "want the beginning of an hour, got %q", h.Hour.Format(time.RFC3339Nano))
	}
	if h.Revision == 0 || h.First == 0 || h.First > h.Revision {
		p.Addf("revision", "want 1 or more, and first at most as much, got %d and first %d", h.Revision, h.First)
	}
	if len(h.Kind) > MaxKind {
		p.Addf("kind", "is %d bytes long: want at most %d", len(h.Kind), MaxKind)
	}
	p.Add("rollup", h.Rollup.Check())
	return p.Err()
}

// Bounds of what is counted: sums of two years of the fastest monitors fit.
const (
	maxRollupCount  = 1 << 40
	maxBucketOffset = 63 * HistoryBase // of uint64 nanoseconds
)

// Check says what is wrong with a rollup.
func (r *Rollup) Check() error {
	var p Problems
	for _, c := range []struct {
		name string
		n    uint64
	}{{"runs", r.Runs}, {"covered", r.Covered}, {"skipped", r.Skipped}, {"missed", r.Missed}, {"dropped", r.Dropped}, {"late", r.Late}, {"asked", r.Asked}} {
		if c.n > maxRollupCount {
			p.Addf(c.name, "want at most %d, got %d", uint64(maxRollupCount), c.n)
		}
	}
	if r.OK > r.Runs || r.Failed > r.Runs || r.Broken > r.Runs || r.OK+r.Failed+r.Broken != r.Runs {
		p.Addf("runs", "want the sum of ok, failed and broken, got %d of %d, %d and %d", r.Runs, r.OK, r.Failed, r.Broken)
	}
	if r.Slow > r.Failed {
		p.Addf("slow", "want at most failed, got %d of %d", r.Slow, r.Failed)
	}
	if r.CoveredOK > r.Covered || r.CoveredFailed > r.Covered || r.CoveredOK+r.CoveredFailed > r.Covered {
		p.Addf("covered", "want at least covered_ok and covered_failed, got %d of %d and %d", r.Covered, r.CoveredOK, r.CoveredFailed)
	}
	if r.Packets != nil && (r.Packets.Lost > r.Packets.Sent || r.Packets.Sent > maxRollupCount) {
		p.Addf("packets", "want at most %d sent, and lost of these, got %d lost of %d", uint64(maxRollupCount), r.Packets.Lost, r.Packets.Sent)
	}
	if r.Latency != nil {
		p.Add("latency", r.Latency.check())
	}
	if len(r.Phases) > MaxHistoryPhase {
		p.Addf("phases", "has %d phases: want at most %d", len(r.Phases), MaxHistoryPhase)
		return p.Err()
	}
	for name, phase := range r.Phases {
		if err := CheckToken(name); err != nil {
			p.Add("phases", err)
		}
		if phase.Count == 0 || phase.Count > maxRollupCount || phase.SumUS > 1<<62 {
			p.Addf("phases", "%.64q: want a count of 1 or more, got %d and %d µs", name, phase.Count, phase.SumUS)
		}
	}
	return p.Err()
}

func (l *Latencies) check() error {
	var p Problems
	if l.Count == 0 || l.Count > maxRollupCount || l.SumNS > 1<<63 || l.MinNS > l.MaxNS || l.MaxNS > 1<<62 || l.Diffs > l.Count || l.DiffNS > 1<<63 {
		p.Addf("", "want a count, and min_ns at most max_ns, got %d, %d and %d", l.Count, l.MinNS, l.MaxNS)
	}
	if len(l.Buckets) == 0 { // a brief one
		return p.Err()
	}
	if l.Offset < -1 || l.Offset+len(l.Buckets) > maxBucketOffset {
		p.Addf("offset", "want -1 to %d with the buckets, got %d and %d buckets", maxBucketOffset, l.Offset, len(l.Buckets))
		return p.Err()
	}
	sum := uint64(0)
	for _, n := range l.Buckets {
		if n > l.Count {
			sum = l.Count + 1
			break
		}
		sum += n
	}
	if sum != l.Count {
		p.Addf("buckets", "want count in all, %d", l.Count)
	}
	return p.Err()
}

// DecodeHistoryQuery reads a request, strictly: a misspelt field would be another question.
func DecodeHistoryQuery(data []byte) (HistoryQuery, error) {
	var q HistoryQuery
	if err := tooLong("the query", data, MaxHistoryQuery); err != nil {
		return q, err
	}
	if err := DecodeStrict(data, &q); err != nil {
		return HistoryQuery{}, err
	}
	return q, q.Validate()
}

// Validate says what is wrong with a query, all at once.
func (q *HistoryQuery) Validate() error {
	var p Problems
	if q.What != HistoryRollups && q.What != HistoryVerdicts {
		p.Addf("what", "want rollups or verdicts, got %q", Clip(string(q.What), MaxToken))
	}
	for _, names := range []struct {
		field string
		list  []string
	}{{"monitors", q.Monitors}, {"agents", q.Agents}} {
		if len(names.list) > MaxHistoryNames {
			p.Addf(names.field, "has %d entries: want at most %d", len(names.list), MaxHistoryNames)
			continue
		}
		for i, name := range names.list {
			p.Add(fmt.Sprintf("%s[%d]", names.field, i), CheckElement(name))
		}
	}
	switch {
	case q.From.IsZero():
		p.Add("from", errors.New("is missing: want a time such as 2026-11-28T10:00:00Z"))
	case q.To.IsZero():
		p.Add("to", errors.New("is missing: want a time such as 2026-11-28T10:00:00Z"))
	case !q.From.Before(q.To):
		p.Addf("to", "want a time after from, %s, got %s", q.From.Format(time.RFC3339), q.To.Format(time.RFC3339))
	case q.To.Sub(q.From) > MaxHistorySpan:
		p.Addf("from", "want at most 10 years before to, got %s", q.From.Format(time.RFC3339))
	}
	switch step := q.Step.Std(); {
	case step == 0:
	case step < time.Minute || step%time.Minute != 0 || step > time.Hour && step%time.Hour != 0 || step > MaxHistorySpan:
		p.Addf("step", "want whole minutes up to 1h, or whole hours, got %q", q.Step)
	}
	if q.Points < 0 || q.Points > MaxHistoryRows {
		p.Addf("points", "want 1 to %d, got %d", MaxHistoryRows, q.Points)
	}
	if q.Limit < 0 || q.Limit > MaxHistoryRows {
		p.Addf("limit", "want 1 to %d, got %d", MaxHistoryRows, q.Limit)
	}
	if len(q.After) > 4*MaxToken {
		p.Addf("after", "want the next of a reply, got %d bytes", len(q.After))
	}
	return p.Err()
}

// Encode writes a reply as it is sent.
func (r *HistoryReply) Encode() []byte {
	data, err := json.Marshal(r)
	if err == nil && len(data) <= MaxHistoryReply {
		return data
	}
	why := Error{Code: CodeInternal, Message: fmt.Sprintf("the reply would be %d bytes long, and a message has at most %d: ask for less at once", len(data), MaxHistoryReply)}
	if err != nil {
		why.Message = "the reply could not be written: " + err.Error()
	}
	data, _ = json.Marshal(HistoryReply{Error: &why})
	return data
}

// DecodeHistoryReply reads an answer.
func DecodeHistoryReply(data []byte) (HistoryReply, error) {
	var r HistoryReply
	if err := tooLong("the reply", data, MaxMessage); err != nil {
		return HistoryReply{}, err
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return HistoryReply{}, fmt.Errorf("not a reply about history: %w", err)
	}
	for i := range r.Series {
		for j := range r.Series[i].Rows {
			if err := r.Series[i].Rows[j].Check(); err != nil {
				return HistoryReply{}, fmt.Errorf("the reply: series[%d].rows[%d]: %w", i, j, err)
			}
		}
	}
	return r, nil
}
