package incident

import (
	"fmt"
	"testing"
	"time"

	"netmon/wire"
)

func TestCount(t *testing.T) {
	verdict := func(name string, state wire.VerdictState, n uint64, after time.Duration, id string) Change {
		return Change{Verdict: &wire.Verdict{Monitor: name, State: state, N: n, Since: zero.Add(after), At: zero.Add(after), Incident: id, Why: "refused"}}
	}
	p := Past{
		Settings: []wire.Setting{
			&wire.Channel{Name: "hook", Kind: "webhook"}, &wire.Channel{Name: "mail", Kind: "mail"}, &wire.Channel{Name: "chat", Kind: "slack"},
			&wire.NoticeRule{Name: "shop", Match: wire.Match{Monitors: []string{"web"}}, To: []string{"hook"}, Escalate: []wire.Escalation{{After: wire.Duration(time.Hour), To: []string{"mail"}}}},
		},
		Monitors: []wire.Saved{{Monitor: wire.Monitor{Name: "web", Kind: "tcp", Target: "a:1"}}, {Monitor: wire.Monitor{Name: "db", Kind: "tcp", Target: "b:1"}}},
		Changes: []Change{
			verdict("web", wire.VerdictUp, 1, -time.Hour, ""), verdict("db", wire.VerdictDown, 1, -time.Minute, "db-1"),
			verdict("web", wire.VerdictDown, 2, time.Minute, "web-1"), verdict("web", wire.VerdictUp, 3, 65*time.Second, ""),
			verdict("web", wire.VerdictDown, 4, 10*time.Minute, "web-2"), verdict("web", wire.VerdictUp, 5, 9*time.Hour, ""),
			{Agent: &wire.AgentVerdict{Agent: "paris", Status: wire.AgentAway, N: 1, Since: zero, At: zero.Add(9 * time.Hour)}},
			{Mesh: &wire.MeshVerdict{N: 1, At: zero.Add(9 * time.Hour)}}, {Trouble: &wire.Trouble{About: wire.AboutDisk, Name: "srv", N: 1, At: zero.Add(9 * time.Hour)}},
		},
		From: zero, To: zero.Add(10 * time.Hour),
	}
	got := fmt.Sprint(Count(p))
	want := "[{chat map[] 0 0} {hook map[opened:1 repeated:2 resolved:1] 4 1} {mail map[escalated:1 repeated:1 resolved:1] 3 1}]"
	if got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if again := fmt.Sprint(Count(p)); again != got {
		t.Errorf("again it is %s", again)
	}
	if out := Count(Past{}); len(out) != 0 {
		t.Errorf("%v", out)
	}
}
