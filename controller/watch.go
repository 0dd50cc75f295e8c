package controller

import (
	"maps"
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

// watch finds what is wrong and in no verdict, in what the judge is given:
// certificates that expire soon, and results that were lost. It is pure, and decides by
// the broker's time alone. Most results cost it nothing, those with a certificate a look
// into a map. It is for one goroutine.
type watch struct {
	last  map[string]wire.Trouble  // by subject
	certs map[string]*certificate  // by monitor
	holds map[string]time.Duration // by monitor: so long an earlier certificate counts although results have a later one
	drops map[string]*dropping     // by agent
	out   []wire.Trouble
	next  time.Time // when the time alone may change something
}

// watchEvery is how often the time alone is checked.
const watchEvery = time.Minute

func newWatch() *watch {
	return &watch{last: map[string]wire.Trouble{}, certs: map[string]*certificate{}, holds: map[string]time.Duration{}, drops: map[string]*dropping{}}
}

// restore applies the last trouble of a subject, as it is stored.
func (w *watch) restore(t wire.Trouble) {
	subject, err := wire.TroubleSubject(t.About, t.Name)
	if err != nil {
		return
	}
	w.last[subject] = t
	switch {
	case !t.Wrong:
	case t.About == wire.AboutCertificate:
		w.certs[t.Name] = &certificate{expires: t.Expires, evidence: t.Evidence, reported: certificateLevel(t.Expires, t.At)}
	case t.About == wire.AboutDropped:
		w.drops[t.Name] = &dropping{wrong: true}
	}
}

// observe looks at one fact of the judge's.
func (w *watch) observe(x *fact) {
	switch {
	case x.result != nil:
		if x.result.CertExpires != nil {
			w.certificate(x.result, x.at)
		}
		if x.result.Dropped > 0 {
			w.dropped(x.result.Agent, x.at, lostBefore(x.result), x.result.ID())
		}
	case x.alive != nil:
		w.heartbeat(x.alive, x.at)
	case x.saved != nil:
		w.monitor(x.saved, x.at)
	case x.deleted != "":
		w.noMonitor(x.deleted, "the monitor is deleted", x.at)
	}
}

// advance looks at what follows from the time.
func (w *watch) advance(now time.Time) {
	if now.Before(w.next) {
		return
	}
	w.next = now.Add(watchEvery)
	w.certificatesBy(now)
	w.droppingBy(now)
}

// takeFound removes what is to be written, in this order.
func (w *watch) takeFound() []wire.Trouble {
	list := w.out
	w.out = nil
	return list
}

// add notes a change of a trouble. One that is not after the last is from before a
// restart, and was reported.
func (w *watch) add(t wire.Trouble) {
	subject, err := wire.TroubleSubject(t.About, t.Name)
	last := w.last[subject]
	if err != nil || !t.At.After(last.At) || !t.Wrong && !last.Wrong {
		return
	}
	t.N = last.N + 1
	t.Severity = wire.Severity(t.About)
	if last.Wrong {
		t.Incident = last.Incident
	} else {
		t.Incident = t.ID()
	}
	t.Since = t.At
	if t.Wrong && last.Wrong {
		t.Since = last.Since
	}
	t.At, t.Since, t.Why = t.At.UTC(), t.Since.UTC(), wire.Clip(t.Why, wire.MaxReason)
	w.last[subject] = t
	w.out = append(w.out, t)
}

// sorted are the names of what there is, in order: what follows from the time alone
// follows in the same order after a restart.
func sorted[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

// on names the agent of a result's id, for people.
func on(id string) string {
	if parts := strings.Split(id, "-"); len(parts) > 2 {
		return ", seen from " + strings.Join(parts[:len(parts)-2], "-")
	}
	return ""
}
