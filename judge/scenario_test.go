package judge_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"

	"netmon/internal/need"
)

// TestScenarios plays the texts of testdata/scenarios. With -v it lists them.
func TestScenarios(t *testing.T) {
	need.Time(t)
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "scenario\tagents\tmonitors\ttime\tresults\tasked for\tverdicts\tchecks")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		list, err := parse(filepath.Base(file), string(data))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, s := range list {
			name := strings.TrimSuffix(s.file, ".txt") + ": " + s.title
			t.Run(name, func(t *testing.T) {
				w := play(t, s)
				fmt.Fprintf(table, "%s\t%d\t%d\t%v\t%d\t%d\t%d\t%d\n", name, len(s.agents), len(s.monitors), s.until, w.results, len(w.asked), len(w.said), len(s.checks))
			})
		}
	}
	table.Flush()
	t.Logf("\n%s", &text)
}

func play(t *testing.T, s *scenario) *world {
	w, wrong := run(s, 1)
	wrong = append(wrong, invariants(w)...)
	if err := replays(w, rand.New(rand.NewPCG(1, 2))); err != nil {
		wrong = append(wrong, err)
	}
	switch {
	case s.pending != "" && len(wrong) == 0:
		t.Errorf("it holds: take the line pending out of it")
	case s.pending != "":
		t.Skipf("pending: %s: %d things do not hold, such as %v", s.pending, len(wrong), wrong[0])
	}
	for _, err := range wrong {
		t.Error(err)
	}
	if t.Failed() {
		w.dump(t, 60)
	}
	return w
}
