package controller

import (
	"slices"
	"time"

	"netmon/judge"
	"netmon/wire"
)

// judgedMost is how many times a checkpoint has. Of older ones nobody says whether
// verdicts held, unless somebody noted it.
const judgedMost = 100

// judgedTimes are the times in which verdicts hold: not while nothing could be stored, nor
// while all agents were silent at once.
type judgedTimes struct {
	over   []wire.Judged // that are over, in order
	since  time.Time     // when the one began that is not over; zero while nothing holds
	frozen bool
}

// resume continues with what a checkpoint says.
func (t *judgedTimes) resume(list []wire.Judged, mesh wire.MeshVerdict) {
	t.over, t.since, t.frozen = slices.Clone(list), time.Time{}, mesh.Frozen
	if n := len(list); n > 0 && !t.frozen {
		t.over, t.since = t.over[:n-1], list[n-1].From
	}
}

// heard notes that something happened.
func (t *judgedTimes) heard(at time.Time) {
	if t.since.IsZero() && !t.frozen {
		t.since = at
	}
}

// gap notes a time of which nothing is known.
func (t *judgedTimes) gap(from, until time.Time) {
	if t.end(from); !t.frozen {
		t.since = until
	}
}

// changed notes a verdict on the mesh.
func (t *judgedTimes) changed(c judge.Change) {
	switch {
	case c.Mesh == nil:
	case c.Mesh.Frozen:
		t.end(c.Mesh.Since)
		t.frozen = true
	default:
		t.frozen, t.since = false, c.Mesh.Since
	}
}

func (t *judgedTimes) end(at time.Time) {
	if !t.since.IsZero() && at.After(t.since) {
		t.over = append(t.over[max(0, len(t.over)+2-judgedMost):], wire.Judged{From: t.since, To: at})
	}
	t.since = time.Time{}
}

// until are the times until now.
func (t *judgedTimes) until(now time.Time) []wire.Judged {
	list := slices.Clone(t.over)
	if !t.since.IsZero() && now.After(t.since) {
		list = append(list, wire.Judged{From: t.since, To: now})
	}
	return list
}
