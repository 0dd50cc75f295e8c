package judge

import (
	"testing"
	"time"

	"netmon/wire"
)

// newSeries is a series of a monitor that runs every 10 s, with these defaults.
func newSeries() *series {
	m := newMonitor("web")
	m.set(wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "tcp", Target: "web.example:80"}}, true)
	return &series{m: m, a: &agent{id: "paris"}, Placed: true}
}

var letters = map[rune]class{'g': good, 'b': bad, 's': slow, 'x': broken}

// TestSeriesStatus: runs are letters, 10 s apart: g is good, b bad, s slow, x broken;
// G is good and asked for.
func TestSeriesStatus(t *testing.T) {
	for _, c := range []struct {
		runs    string
		want    seriesStatus
		suspect bool
		blind   bool
	}{
		{"", fresh, false, false},
		{"g", isGood, false, false},
		{"b", fresh, false, false},
		{"bg", isGood, false, false}, // of a new series the first good one is enough
		{"gb", isGood, false, false},
		{"gbb", isGood, true, false},
		{"gbgb", isGood, true, false},
		{"gbGb", isGood, false, false}, // a good one to make sure clears it
		{"gbggb", isGood, false, false},
		{"gss", isSlow, false, false},
		{"gsb", isSlow, false, false},
		{"gssg", isSlow, false, false},
		{"gssgg", isGood, false, false},
		{"gx", isGood, false, false},
		{"gxx", isGood, false, true},
		{"gxxg", isGood, false, false},
		{"gbxxb", isGood, true, false}, // broken says nothing about the target
	} {
		s := newSeries()
		for i, r := range c.runs {
			at := momentOf(begin.Add(time.Duration(i) * 10 * time.Second))
			k, asked := letters[r], r == 'G'
			if asked {
				k = good
			}
			s.add(at, k, 0, brief{At: at, Class: k, Asked: asked})
		}
		if s.Status != c.want || s.Suspect != c.suspect || s.blind() != c.blind {
			t.Errorf("%q: status %d, suspect %t, blind %t; want %d, %t, %t", c.runs, s.Status, s.Suspect, s.blind(), c.want, c.suspect, c.blind)
		}
	}
}

// TestSeriesOrder: runs count in the order in which they began.
func TestSeriesOrder(t *testing.T) {
	s := newSeries()
	for _, r := range []struct {
		at int
		c  class
	}{{0, good}, {10, good}, {31, bad}, {20, bad}} {
		at := momentOf(begin.Add(time.Duration(r.at) * time.Second))
		s.add(at, r.c, 0, brief{At: at, Class: r.c})
	}
	if !s.Suspect || s.newestAt() != momentOf(begin.Add(31*time.Second)) {
		t.Errorf("%+v", s)
	}
}

func TestSeriesCovers(t *testing.T) {
	s := newSeries()
	add := func(sec int, c class, covers uint64) {
		at := momentOf(begin.Add(time.Duration(sec) * time.Second))
		s.add(at, c, covers, brief{At: at, Class: c})
	}
	add(0, good, 0)
	add(10, bad, 3)
	if s.Suspect {
		t.Error("one result is enough")
	}
	add(50, bad, 1)
	if !s.Suspect || s.trailing(bad) != 3 {
		t.Errorf("suspect %t, %d bad in a row", s.Suspect, s.trailing(bad))
	}
	add(70, good, 1)
	if s.Status != isGood || s.Suspect {
		t.Error("two good ticks are not enough")
	}
}

func TestNumbers(t *testing.T) {
	var n Numbers
	take := func(epoch string, seq, run uint64, newer bool) bool {
		return n.Accept(&wire.Result{Epoch: epoch, Seq: seq, Run: run}, newer)
	}
	for i, c := range []struct {
		epoch    string
		seq, run uint64
		newer    bool
		want     bool
	}{
		{"a", 10, 5, true, true},
		{"a", 10, 5, true, false},  // given twice
		{"a", 30, 8, true, true},   // two between are missing
		{"a", 22, 7, false, true},  // and come later
		{"a", 22, 7, false, false}, // once
		{"a", 15, 6, false, true},
		{"a", 10, 5, false, false},
		{"a", 400, 200, true, true},
		{"a", 30, 8, false, false}, // too long ago to know
		{"a", 500, 1, true, true},  // the monitor was started again
		{"b", 1, 1, true, true},    // another life of the agent
		{"a", 501, 2, false, false},
		{"", 0, 0, true, true}, // without a number
	} {
		if got := take(c.epoch, c.seq, c.run, c.newer); got != c.want {
			t.Errorf("step %d, %s %d: %t", i, c.epoch, c.seq, got)
		}
	}
}
