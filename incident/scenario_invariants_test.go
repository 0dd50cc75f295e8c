package incident

import (
	"slices"
	"time"

	"netmon/wire"
)

// invariants checks what holds whatever happens.
func (w *world) invariants() {
	w.t.Helper()
	type pair struct{ channel, incident string }
	last, number := map[pair]told{}, map[pair]int{}
	for i, n := range w.told {
		p := pair{n.Channel, n.Incident}
		before, again := last[p]
		if again && w.deletedSince(n.Channel, number[p], i) {
			again = false // it was another channel
		}
		number[p] = i
		last[p] = n
		inc := n.incident
		if n.N != before.N+1 {
			w.t.Errorf("%s: notice %d after %d", n.Key(), n.N, before.N)
		}
		if n.Of != inc.N || inc.ID != n.Incident {
			w.t.Errorf("%s is of message %d, and decided with %d of %s", n.Key(), n.Of, inc.N, inc.ID)
		}
		if len(inc.Muted) > 0 {
			w.t.Errorf("%s (%s) while it is muted by %v", n.Key(), n.Reason, inc.Muted)
		}
		if inc.State == wire.IncidentMerged {
			w.t.Errorf("%s of a merged incident", n.Key())
		}
		if (inc.State == wire.IncidentResolved) != (n.Reason == wire.ReasonResolved) && n.Reason != wire.ReasonFallback {
			w.t.Errorf("%s is %s, and the incident is %s", n.Key(), n.Reason, inc.State)
		}
		if n.Reason == wire.ReasonResolved && !again {
			w.t.Errorf("%s: the end of what was not told", n.Key())
		}
		if again && (n.Reason == wire.ReasonOpened || n.Reason == wire.ReasonFlapping && before.Reason == wire.ReasonFlapping && inc.Marks.Still <= before.Of) {
			w.t.Errorf("%s: %s after %s", n.Key(), n.Reason, before.Reason)
		}
		if n.Reason == wire.ReasonRepeated && inc.Ack != nil && !worse(inc.Severity, inc.Ack.Severity) {
			w.t.Errorf("%s repeats what is acknowledged", n.Key())
		}
		w.checkPace(before, n, again)
	}
	for p, n := range last {
		inc := w.incident[p.incident]
		c := w.settings["channel "+p.channel]
		if inc.State == wire.IncidentOpen || c == nil || c.(*wire.Channel).Paused || len(inc.Muted) > 0 || inc.Cause.What == wire.CauseAudit {
			continue
		}
		if w.deletedSince(p.channel, number[p], len(w.told)) || w.saved[p.channel].Sub(inc.Resolved) >= owedFor {
			continue
		}
		if n.incident.State != wire.IncidentResolved {
			w.t.Errorf("%s was told of %s, and not of its end", p.channel, p.incident)
		}
	}
}

// deletedSince says whether a channel was deleted between two notices, by their numbers.
func (w *world) deletedSince(channel string, a, b int) bool {
	return slices.ContainsFunc(w.gone[channel], func(at int) bool { return a < at && at <= b })
}

// checkPace says whether a notice came too soon after another one.
func (w *world) checkPace(before, n told, again bool) {
	pause := n.At.Sub(before.At)
	if !again || pause >= w.shortestUpdate() {
		return
	}
	switch n.Reason {
	case wire.ReasonChanged:
		if worse(n.incident.Severity, before.incident.Severity) || n.incident.Marks.Still > before.Of {
			return
		}
	case wire.ReasonRepeated:
		if pause >= w.shortestRepeat() {
			return
		}
	default:
		return
	}
	w.t.Errorf("%s (%s) comes %v after %s", n.Key(), n.Reason, pause, before.Key())
}

func (w *world) shortestUpdate() time.Duration {
	d := wire.DefaultUpdate
	for _, s := range w.settings {
		if r, ok := s.(*wire.NoticeRule); ok && r.Update != 0 {
			d = min(d, r.Update.Std())
		}
	}
	return d
}

func (w *world) shortestRepeat() time.Duration {
	d := 4 * time.Hour
	for _, s := range w.settings {
		if r, ok := s.(*wire.NoticeRule); ok && r.Repeat != 0 {
			d = min(d, r.Repeat.Std())
		}
	}
	return d
}
