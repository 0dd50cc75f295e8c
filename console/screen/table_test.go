package screen

import (
	"strings"
	"testing"
	"time"

	"netmon/console/view"
	"netmon/wire"
)

// TestTable_NamesBeforeStrips draws long names on ever narrower screens: the strip of
// runs gets shorter, then figures leave, and the name stays whole as long as it fits.
func TestTable_NamesBeforeStrips(t *testing.T) {
	const name = "a-name-of-as-many-as-forty-characters-ok"
	v := view.New(t0)
	m := wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: "10.0.0.1:22", Every: wire.Duration(time.Second), Revision: 1}}
	v.Saved(name, &m, nil, t0)
	v.Heartbeat(wire.Alive{Agent: "paris", At: t0}, t0, t0)
	now := t0.Add(100 * time.Second)
	for n := range uint64(100) {
		v.Result(wire.Result{Agent: "paris", Monitor: name, Kind: "tcp", Target: "h", Epoch: "E", Run: n, Revision: 1, Started: t0.Add(time.Duration(n) * time.Second), Outcome: wire.OK}, now)
	}
	strip := 1 << 10
	for w := 160; w >= len(name)+4; w-- {
		u := New("", nil)
		got, _ := draw(v, &u, now, w, 24, Styles{})
		row := strings.Split(got, "\n")[lineOf(t, got, "▸")]
		if !strings.Contains(row, name) {
			t.Errorf("%d wide: %s", w, row)
		}
		n := strings.Count(row, "●") - 1 // the state's
		if n > max(strip, goodRuns) {
			t.Errorf("%d wide: the strip grew from %d to %d: %s", w, strip, n, row)
		}
		strip = n
	}
}

// TestTable_ShowsWhyWhereThereIsAny gives the place of reasons to figures where nothing is wrong.
func TestTable_ShowsWhyWhereThereIsAny(t *testing.T) {
	v, now := office()
	for filter, want := range map[string]bool{"web": true, "old-db": false} {
		u := New("", nil)
		u.Filter = filter
		got, _ := draw(v, &u, now, 100, 24, Styles{})
		if strings.Contains(got, "WHY") != want {
			t.Errorf("%s: WHY is there: %v\n%s", filter, !want, got)
		}
	}
}
