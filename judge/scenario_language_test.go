package judge_test

import (
	"strings"
	"testing"
)

// TestScenarios_Mistakes: who writes a scenario learns each mistake, and its line.
func TestScenarios_Mistakes(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"agents paris", `x.txt:1: want scenario TITLE first, got "agents paris"`},
		{"scenario a\nagent paris", `x.txt:2: want agents, monitor, at, by, within, from, never, changes, verdicts, asks or until, got "agent"`},
		{"scenario a\nmonitor web evry 10s", `x.txt:2: want every, timeout, kind, target, quorum, down, up, crosscheck, depends, on, except or paused, got "evry"`},
		{"scenario a\nmonitor web every 10", `x.txt:2: want a time such as 90s or 1h30m, got "10"`},
		{"scenario a\nmonitor web every", `x.txt:2: want a time such as 90s at the end of the line`},
		{"scenario a\nmonitor web down 3/2", `x.txt:2: want BAD/RUNS such as 2/3, of at most 20 runs, got "3/2"`},
		{"scenario a\nmonitor web quorum most", `x.txt:2: want majority, any, all, a number such as 2, a percentage such as 60%, or {distinct: LABEL, n: NUMBER}, got "most"`},
		{"scenario a\nmonitor web\nat 1s wbe refused", `x.txt:3: no monitor "wbe" is declared above`},
		{"scenario a\nagents paris\nmonitor web\nat 1s web refused from pairs", `x.txt:4: no agent "pairs" is declared above`},
		{"scenario a\nagents paris\nmonitor web\nat 1s web broken", `x.txt:4: want ok or a failure of subjects.md, such as refused or timeout, got "broken"`},
		{"scenario a\nagents paris\nmonitor web\nat 1s web refused sometimes", `x.txt:4: want in, flapping, once, everywhere, from, for or a percentage such as 1%, got "sometimes"`},
		{"scenario a\nagents paris\nat 1s agent paris dies", `x.txt:3: want cut, isolated, back, stops, leaves, forgotten, starts, clock, lags, ignores or labels, got "dies"`},
		{"scenario a\nmonitor web\nby 1s web is dead", `x.txt:3: want up or degraded or down or unknown or paused or nothing, got "dead"`},
		{"scenario a\nmonitor web\nby 1s web is down, taget", `x.txt:3: want a blame class, sure, not, flapping, frozen, names, need, since, saying, down, slow, up, blind, silent or aside, got "taget"`},
		{"scenario a\nmonitor web\nnever web down till 5s", `x.txt:3: want the end of the line, got "till"`},
		{"scenario a\nmonitor web\nchanges web some", `x.txt:3: want a number, got "some"`},
		{"scenario a\nat 1s broker dies\nmonitor web evry", "x.txt:2: want down or up, got \"dies\"\nx.txt:3: want every"},
	} {
		_, err := parse("x.txt", c.text)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
	}
}

// TestScenarios_Notice: a scenario that does not hold fails. Each of these says something
// wrong of a world in which nothing ever happens but a good run now and then.
func TestScenarios_Notice(t *testing.T) {
	const world = "scenario a\nagents paris\nmonitor web every 10s\n"
	for _, line := range []string{
		"by 60s web is down",
		"by 60s web is up, sure",
		"by 60s web is up, down paris",
		"by 60s web is up, need 2",
		"by 60s web is up, since 30s",
		"by 60s web is up, flapping",
		"by 60s web is up, frozen",
		"by 60s web is up, saying nonsense",
		"by 60s agent paris is aside",
		"by 60s mesh is frozen",
		"within 3s of the first bad result of web after 10s web is up",
		"from 20s to 60s web stays down",
		"from 0s to 60s web stays up", // not from the beginning on
		"never web up",
		"never web up from 20s to 30s",
		"changes web 1",
		"verdicts web 2",
		"asks web 1",
	} {
		list, err := parse("x.txt", world+line+"\nuntil 90s")
		if err != nil {
			t.Fatal(err)
		}
		if _, wrong := run(list[0], 1); len(wrong) == 0 {
			t.Errorf("%q holds where it should not", line)
		}
	}
}

// TestScenarios_Generate: a seed is one scenario, and another one another.
func TestScenarios_Generate(t *testing.T) {
	first, again, other := generate(7), generate(7), generate(8)
	if first != again {
		t.Error("the same seed generates two scenarios")
	}
	if first == other {
		t.Error("two seeds generate the same scenario")
	}
}
