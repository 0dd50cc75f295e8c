package doctor

import (
	"testing"

	"netmon/wire"
)

func TestSkipText(t *testing.T) {
	m := func(name string, skipped, runs uint64) wire.MonitorReply {
		return wire.MonitorReply{Name: name, Skipped: skipped, Runs: runs}
	}
	for want, all := range map[string][]wire.MonitorReply{
		"ticks were skipped: web 3 of 10":                                           {m("web", 3, 7)},
		"ticks were skipped: c 9 of 10, d 4 of 8, a 2 of 4, and of 2 more monitors": {m("a", 2, 2), m("b", 1, 1), m("c", 9, 1), m("d", 4, 4), m("e", 1, 5)},
	} {
		if got := skipText(all); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
