package export

import (
	"time"

	"netmon/console/view"
	"netmon/judge"
)

// verdictStates are the values of state in netmon_verdict.
var verdictStates = [...]judge.State{judge.Up, judge.Degraded, judge.Down, judge.Unknown, judge.Paused}

// writeVerdicts writes what the judge says of each saved monitor: one sample of netmon_verdict
// for each state, of which one is 1.
func writeVerdicts(w *Writer, rows []view.Row) {
	w.Family("netmon_verdict", "Whether the verdict on a monitor, judged from all its agents, is this state.", Gauge)
	l := Labels{{Name: "monitor"}, {Name: "state"}}
	each := func(do func(r *view.Row)) {
		for i := range rows {
			if r := &rows[i]; !r.Manual && r.Problem == "" {
				l[0].Value = r.Name
				do(r)
			}
		}
	}
	each(func(r *view.Row) {
		for _, state := range verdictStates {
			l[1].Value = state.String()
			w.Sample(l, truth(state == r.State))
		}
	})
	w.Family("netmon_verdict_since_timestamp_seconds", "When the state of a monitor began, in seconds since 1970; absent where that is not known.", Gauge)
	each(func(r *view.Row) {
		if !r.Since.IsZero() {
			w.Sample(l[:1], seconds(r.Since))
		}
	})
	w.Family("netmon_uptime_ratio", "Part of the known time of the window in which a monitor was not down, by its verdicts, 0 to 1.", Gauge)
	l[1] = Label{"window", "24h"}
	each(func(r *view.Row) {
		if r.Uptime.OK {
			w.Sample(l, r.Uptime.V)
		}
	})
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// writeJudge writes whether somebody judges, and whether what the judge says is of now.
func writeJudge(w *Writer, sn view.Snapshot) {
	w.Family("netmon_controller_leading", "Whether a controller leads, which judges: without one there are no verdicts.", Gauge)
	w.Sample(nil, truth(!sn.Here))
	w.Family("netmon_verdicts_frozen", "Whether verdicts stay as they are, as all agents fell silent at once.", Gauge)
	w.Sample(nil, truth(sn.Mesh.Frozen))
}

// seconds is a moment in seconds since 1970, to the microsecond.
func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }
