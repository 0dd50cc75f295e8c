package output

import (
	"os"
	"strings"
	"testing"
	"time"

	"netmon/console"
	"netmon/judge/replay"
	"netmon/wire"
)

// TestBacktest_Text is also the example of docs/verdicts.md.
func TestBacktest_Text(t *testing.T) {
	at := func(h, m, s int) time.Time { return time.Date(2026, 11, 28, h, m, s, 0, time.Local) }
	span := func(state wire.VerdictState, from time.Time, long time.Duration, why string) replay.Span {
		return replay.Span{State: state, From: from, Decided: from.Add(12 * time.Second), To: from.Add(long), Why: why}
	}
	first := at(0, 0, 3)
	b := console.Backtest{From: at(0, 0, 0), To: at(12, 0, 0), First: &first, Results: 38880, Asked: console.BacktestAsked{Saved: 4, Tried: 6, Measured: 4},
		Saved: replay.Figures{Verdicts: 4, Down: 184, Degraded: 61, Up: 3*12*3600 - 245}, Tried: replay.Figures{Verdicts: 4, Down: 245, Up: 3*12*3600 - 245},
		Monitors: []replay.Comparison{
			{Monitor: "db"}, {Monitor: "dns"},
			{Monitor: "web", Saved: replay.Figures{Verdicts: 4, Down: 184, Degraded: 61, Up: 12*3600 - 245}, Tried: replay.Figures{Verdicts: 4, Down: 245, Up: 12*3600 - 245},
				New: []replay.Span{span(wire.VerdictDown, at(10, 4, 12), 61*time.Second, "refused from 1 of 3 agents")}, Gone: []replay.Span{span(wire.VerdictDegraded, at(10, 4, 12), 61*time.Second, "paris is refused, oslo and tokyo are fine")},
				Same: 1, Moved: []replay.Moved{{Span: span(wire.VerdictDown, at(11, 31, 40), 184*time.Second, "timeout from 3 of 3 agents"), Later: -8}}}}}
	const want = `2026-11-28 00:00:00 UTC to 2026-11-28 12:00:00 UTC, 38880 results

MONITOR  RULES  VERDICTS  DOWN  DEGRADED  UNKNOWN  UP
web      saved  4         3m4s  1m1s      -        11h55m55s
         tried  4         4m5s  -         -        11h55m55s
all 3    saved  4         3m4s  1m1s      -        35h55m55s
         tried  4         4m5s  -         -        35h55m55s

web
  + 2026-11-28 10:04:12 UTC  down 1m1s: refused from 1 of 3 agents
  - 2026-11-28 10:04:12 UTC  degraded 1m1s: paris is refused, oslo and tokyo are fine
  ~ 2026-11-28 11:31:40 UTC  down 3m4s: timeout from 3 of 3 agents, 8s sooner

2 of 3 monitors would be judged the same

1 new, 1 gone, 1 the same, 1 of these sooner
`
	const said = "to make sure, the saved rules would have requested 4 runs and these 6; 4 were measured: the others are missing, and might have decided sooner, or otherwise\n"
	var out, talk strings.Builder
	if err := Backtest(&out, &talk, b, false); err != nil {
		t.Fatal(err)
	}
	if out.String() != want || talk.String() != said {
		t.Errorf("%s%s\nwant\n%s%s", out.String(), talk.String(), want, said)
	}
	doc, err := os.ReadFile("../../docs/verdicts.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(doc), want+said) {
		t.Errorf("docs/verdicts.md has another example than\n%s%s", want, said)
	}
	out.Reset()
	if err := Backtest(&out, &talk, b, true); err != nil || !strings.Contains(out.String(), "\ndns      saved  0 ") {
		t.Errorf("all of them: %v\n%s", err, out.String())
	}
}

func TestLasted(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "-", 20 * time.Millisecond: "20ms", 61 * time.Second: "1m1s", time.Minute: "1m", 2 * time.Hour: "2h", time.Hour + time.Second: "1h0m1s", 90 * time.Minute: "1h30m"} {
		if got := lasted(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
