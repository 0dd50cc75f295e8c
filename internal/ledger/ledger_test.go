package ledger

import (
	"strings"
	"testing"

	"netmon/wire"
)

func result(monitor string, seq, run, dropped uint64) wire.Result {
	return wire.Result{Agent: "paris", Epoch: "e", Monitor: monitor, Seq: seq, Run: run, Dropped: dropped}
}

// asked is a result of a run that was asked for: it is numbered like any other.
func asked(r wire.Result) wire.Result {
	r.Asked = "K3D7"
	return r
}

func TestLedger(t *testing.T) {
	for name, c := range map[string]struct {
		results []wire.Result
		want    string // part of the only fault; "" means none
	}{
		"complete":        {[]wire.Result{result("a", 1, 1, 0), result("b", 3, 1, 0), result("a", 2, 2, 0)}, ""},
		"stated gap":      {[]wire.Result{result("a", 1, 1, 0), result("a", 3, 3, 1)}, ""},
		"asked for":       {[]wire.Result{result("a", 1, 1, 0), asked(result("a", 2, 2, 0)), result("a", 3, 3, 0)}, ""},
		"asked for, lost": {[]wire.Result{result("a", 1, 1, 0), asked(result("a", 3, 3, 1))}, ""},
		"twice":           {[]wire.Result{result("a", 1, 1, 0), result("b", 1, 1, 0), result("b", 2, 2, 0)}, "stored twice"},
		"unstated gap":    {[]wire.Result{result("a", 1, 1, 0), result("a", 3, 3, 0)}, "run 3 of a comes after run 1"},
		"wrong order":     {[]wire.Result{result("a", 2, 2, 1), result("b", 1, 1, 0), result("b", 3, 3, 0)}, "run 3 of b"},
		"end is missing":  {[]wire.Result{result("a", 1, 1, 0)}, "numbered 3 results: 1 are stored"},
		"gap at the end":  {[]wire.Result{result("a", 1, 1, 0), result("a", 2, 2, 0)}, "numbered 3 results: 2 are stored"},
		"nothing at all":  {nil, "numbered 3 results: 0 are stored"},
		"begins too late": {[]wire.Result{result("a", 2, 2, 0), result("a", 3, 3, 0)}, "run 2 of a comes after run 0"},
	} {
		t.Run(name, func(t *testing.T) {
			l := &Ledger{}
			for _, r := range c.results {
				l.add(r, false)
			}
			l.Sent("paris", "e", 3, 0)
			all := strings.Join(l.Faults, "\n")
			if c.want == "" && all != "" || !strings.Contains(all, c.want) {
				t.Errorf("faults %q, want %q", all, c.want)
			}
		})
	}
}
