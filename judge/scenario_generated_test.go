package judge_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"netmon/internal/need"
	"netmon/internal/race"
)

// Full counts are for make proof.
var (
	scenarios = flag.Int("scenarios", playedByDefault(), "play so many generated scenarios, 10000 for a proof")
	seed      = flag.Uint64("seed", 0, "play the generated scenario of this seed alone, and show it")
)

// TestScenarios_Generated plays generated ones, of the seeds from 1 on.
func TestScenarios_Generated(t *testing.T) {
	need.Time(t)
	if *seed > 0 {
		text := generate(*seed)
		t.Log("\n" + text)
		total := new(totals)
		playGenerated(t, *seed, total)
		return
	}
	total := new(totals)
	for n := range *scenarios {
		playGenerated(t, uint64(n+1), total)
		if total.failed >= 5 {
			t.Fatalf("%d scenarios of %d failed", total.failed, n+1)
		}
	}
	t.Logf("%d scenarios, %d failed, %v of simulated time: %d results, %d asked for, %d verdicts, %d checks", *scenarios, total.failed, total.simulated, total.results, total.asked, total.verdicts, total.checks)
}

type totals struct {
	failed, results, asked, verdicts, checks int
	simulated                                time.Duration
}

func playGenerated(t *testing.T, n uint64, total *totals) {
	name := fmt.Sprintf("seed %d", n)
	list, err := parse(name, generate(n))
	if err != nil {
		t.Fatal(err)
	}
	s := list[0]
	w, wrong := run(s, n)
	wrong = append(wrong, invariants(w)...)
	if err := replays(w, rand.New(rand.NewPCG(n, 3))); err != nil {
		wrong = append(wrong, err)
	}
	total.results += w.results
	total.asked += len(w.asked)
	total.verdicts += len(w.said)
	total.checks += len(s.checks)
	total.simulated += s.until
	if len(wrong) == 0 {
		return
	}
	total.failed++
	t.Errorf("%s fails: go test ./judge -run Scenarios_Generated -v -seed %d", name, n)
	for i, err := range wrong {
		if i == 4 {
			t.Logf("… and %d more", len(wrong)-i)
			break
		}
		t.Error(err)
	}
	if *seed > 0 {
		w.dump(t, 200)
	}
}

// The race detector makes scenarios eight times as dear, and they have one goroutine.
func playedByDefault() int {
	if race.Enabled {
		return 200
	}
	return 500
}
