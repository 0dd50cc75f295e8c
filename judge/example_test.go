package judge_test

import (
	"fmt"
	"time"

	"netmon/judge"
	"netmon/wire"
)

// A judge is given facts in the order in which they were stored, and asked what
// follows from them.
func Example() {
	at := time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
	j := judge.New()
	web := wire.Monitor{Name: "web", Kind: "tcp", Target: "192.0.2.1:80", Every: wire.Duration(10 * time.Second), Revision: 1}
	j.Monitor(wire.Saved{Monitor: web}, at)
	j.Presence(wire.Alive{Agent: "paris", Instance: "1", Started: at, At: at, Monitors: 1, Kinds: []string{"tcp"}}, at)
	j.Advance(at)
	fmt.Println(at.Format(time.TimeOnly), len(j.Changes()) > 0) // unknown, until something was measured

	for run, outcome := range []wire.Outcome{wire.OK, wire.OK, wire.Failed, wire.Failed, wire.Failed} {
		at = at.Add(10 * time.Second)
		r := wire.Result{Agent: "paris", Monitor: "web", Kind: "tcp", Target: web.Target, Revision: 1,
			Epoch: "A", Seq: uint64(run + 1), Run: uint64(run + 1), Due: at, Started: at, Outcome: outcome}
		if outcome == wire.Failed {
			r.Failure = wire.FailRefused
		}
		j.Result(&r, at, at)
		j.Advance(at)
		for _, change := range j.Changes() {
			if v := change.Monitor; v != nil {
				fmt.Println(at.Format(time.TimeOnly), v.Monitor, v.State)
			}
		}
		for _, ask := range j.Asks() { // runs that it wants, to be sure
			fmt.Println(at.Format(time.TimeOnly), "run", ask.Monitor, "on", ask.Agent)
		}
	}
	// Output:
	// 10:00:00 true
	// 10:00:10 web up
	// 10:00:30 run web on paris
	// 10:00:40 web down
}
