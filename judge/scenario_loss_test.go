package judge_test

import (
	"fmt"
	"testing"
	"time"

	"netmon/wire"
)

// TestScenarios_Loss loses one run in a hundred at random: no verdict changes. The
// full count, an hour of 1,000 monitors, is for make proof.
func TestScenarios_Loss(t *testing.T) {
	monitors, lasts := 100, 20*time.Minute
	if *scenarios >= 10_000 {
		monitors, lasts = 1000, time.Hour
	}
	for _, c := range []struct {
		agents  string
		failure wire.Failure
	}{
		{"paris(region=eu) rome(region=eu) tokyo(region=ap)", wire.FailTimeout},
		{"paris(region=eu) rome(region=eu) tokyo(region=ap)", wire.FailRefused},
		{"paris rome", wire.FailTimeout},
	} {
		list, err := parse("loss", fmt.Sprintf(`scenario loss
			agents %s
			monitor m1..m%d every 10s timeout 5s
			at 0s all %s 1%% of runs
			until %v
			never all down
			changes all none
			changes mesh none`, c.agents, monitors, c.failure, lasts))
		if err != nil {
			t.Fatal(err)
		}
		w, wrong := run(list[0], 1)
		for _, err := range wrong {
			t.Error(err)
		}
		t.Logf("%d monitors on %s, 1%% %s, %v: %d results, %d asked for, %d verdicts", monitors, c.agents, c.failure, lasts, w.results, len(w.asked), len(w.said))
	}
}

// TestScenarios_LossOfOne is the figure for a sole agent, which nobody contradicts.
func TestScenarios_LossOfOne(t *testing.T) {
	monitors := 100
	if *scenarios >= 10_000 {
		monitors = 1000
	}
	list, err := parse("loss", fmt.Sprintf(`scenario loss of one
		agents paris
		monitor m1..m%d every 10s timeout 5s
		at 0s all timeout 1%% of runs
		until 1h`, monitors))
	if err != nil {
		t.Fatal(err)
	}
	w, _ := run(list[0], 1)
	downs := 0
	for _, x := range w.said {
		if x.Monitor != nil && x.Monitor.State == wire.VerdictDown {
			downs++
		}
	}
	t.Logf("%d monitors on one agent, 1%% timeouts, an hour: %d results, %d times down for nothing", monitors, w.results, downs)
	if downs > monitors/20 {
		t.Errorf("%d of %d monitors were down for nothing", downs, monitors)
	}
}
