package controller

import (
	"fmt"
	"testing"
	"time"

	"netmon/judge"
	"netmon/wire"
)

func TestJudgedTimes(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0).UTC() }
	show := func(list []wire.Judged) (text string) {
		for _, j := range list {
			text += fmt.Sprintf("%d-%d ", j.From.Unix(), j.To.Unix())
		}
		return text
	}
	frozen := func(is bool, since int) judge.Change {
		return judge.Change{Mesh: &wire.MeshVerdict{Frozen: is, Since: at(since)}}
	}
	var j judgedTimes
	if got := j.until(at(5)); len(got) > 0 {
		t.Errorf("before anything happened: %v", got)
	}
	j.heard(at(10))
	j.heard(at(20))
	j.gap(at(30), at(50)) // the broker was away
	j.changed(frozen(true, 60))
	j.heard(at(70))
	j.gap(at(70), at(75))
	if got, want := show(j.until(at(80))), "10-30 50-60 "; got != want {
		t.Errorf("while all are silent: %s, want %s", got, want)
	}
	j.changed(frozen(false, 90))
	list := j.until(at(100))
	if got, want := show(list), "10-30 50-60 90-100 "; got != want {
		t.Errorf("%s, want %s", got, want)
	}

	var next judgedTimes // another leader goes on
	next.resume(list, wire.MeshVerdict{})
	next.heard(at(105))
	if got, want := show(next.until(at(110))), "10-30 50-60 90-110 "; got != want {
		t.Errorf("of the next leader: %s, want %s", got, want)
	}
	next.resume(list[:2], wire.MeshVerdict{Frozen: true})
	next.heard(at(105))
	if got, want := show(next.until(at(110))), "10-30 50-60 "; got != want {
		t.Errorf("of one that begins while all are silent: %s, want %s", got, want)
	}
	for i := range 3 * judgedMost {
		next.gap(at(1000+10*i), at(1005+10*i))
		next.frozen = false
	}
	if got := next.until(at(9000)); len(got) != judgedMost || got[len(got)-1].To != at(9000) {
		t.Errorf("%d times, the last %v", len(got), got[len(got)-1])
	}
}
