package wire

import (
	"reflect"
	"time"
)

// historySamples holds one of each message about history.
func historySamples() map[string]any {
	hour := time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC)
	rollup := Rollup{
		Runs: 354, OK: 351, Failed: 2, Broken: 1, Slow: 1, Covered: 4, CoveredOK: 1, CoveredFailed: 3, Skipped: 2, Missed: 1, Dropped: 1, Late: 12, Asked: 3,
		Latency: &Latencies{Count: 352, SumNS: 352_704_000, MinNS: 990_000, MaxNS: 1_040_000, Offset: 637, Buckets: []uint64{4, 310, 38}, Diffs: 349, DiffNS: 3_490_000},
		Packets: &Packets{Sent: 1416, Lost: 9}, Phases: map[string]Phase{"connect": {Count: 351, SumUS: 351_000}},
	}
	brief := rollup
	latency := *rollup.Latency
	latency.Buckets, latency.Offset = nil, 0
	brief.Latency, brief.Phases = &latency, nil
	bad := Error{Code: CodeInvalid, Field: "step", Message: `want whole minutes up to 1h, or whole hours, got "90s"`}
	return map[string]any{
		"history-hour":    HistoryHour{Monitor: "web", Agent: "paris", Kind: "https", Hour: hour, Revision: 188_412, First: 185_031, Rollup: rollup},
		"history-query":   HistoryQuery{What: HistoryRollups, Monitors: []string{"web"}, Agents: []string{"paris"}, From: hour, To: hour.Add(24 * time.Hour), Step: Duration(time.Hour), Together: true, Brief: true, Limit: 100, After: "web.paris.1795518000"},
		"history-auto":    HistoryQuery{What: HistoryRollups, Monitors: []string{"web"}, From: hour, To: hour.Add(7 * 24 * time.Hour), Points: 80},
		"history-reply":   HistoryReply{OK: true, Step: Duration(time.Minute), Series: []HistorySeries{{Monitor: "web", Agent: "paris", Kind: "https", Rows: []HistoryRow{{At: hour, For: Duration(time.Hour), Rollup: rollup}, {At: hour.Add(time.Hour), Rollup: brief}}}}, Gaps: []HistoryGap{{From: hour, To: hour.Add(time.Minute), Results: 41}}, Since: hour, Minutes: hour, Through: hour.Add(2 * time.Hour), Next: "web.paris.1795521600"},
		"history-refused": HistoryReply{Error: &bad},
		"history-later":   HistoryReply{Error: &Error{Code: CodeLimit, Message: "your questions about history took more than their share of the CPU: ask again in 4s, and for less at once"}, Again: Duration(4 * time.Second)},
		"history-spans":   HistoryReply{OK: true, Spans: []HistorySpan{{Monitor: "web", State: VerdictDown, Since: hour, Until: hour.Add(time.Minute), Muted: true, Blame: BlameTarget, New: true}, {Monitor: "web", State: VerdictUp, Since: hour.Add(time.Minute), Until: hour.Add(time.Hour), Open: true}, {Monitor: "wiki", State: VerdictUp, Since: hour, Until: hour.Add(time.Minute), Gone: hour.Add(2 * time.Minute)}}, Since: hour, Through: hour.Add(time.Hour)},
	}
}

func historyMessages() []reflect.Type {
	return []reflect.Type{
		reflect.TypeFor[HistoryQuery](), reflect.TypeFor[HistoryReply](), reflect.TypeFor[HistorySeries](), reflect.TypeFor[HistoryRow](), reflect.TypeFor[Rollup](), reflect.TypeFor[Latencies](), reflect.TypeFor[Packets](), reflect.TypeFor[Phase](),
		reflect.TypeFor[HistorySpan](), reflect.TypeFor[HistoryGap](), reflect.TypeFor[HistoryHour](),
	}
}
