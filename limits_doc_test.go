package netmon_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"netmon/agent"
	"netmon/agent/spool"
	"netmon/broker"
	"netmon/console"
	"netmon/console/monitorfile"
	"netmon/history/feed"
	"netmon/internal/historyask"
	"netmon/internal/safeyaml"
	"netmon/probes/kinds"
	"netmon/wire"
)

var update = flag.Bool("update", false, "rewrite the tables of docs/limits.md")

// TestLimitsDoc keeps the tables of docs/limits.md as the code has them.
func TestLimitsDoc(t *testing.T) {
	const path = "docs/limits.md"
	made := readFile(t, path)
	files := append(append(safeyaml.Limits[:len(safeyaml.Limits):len(safeyaml.Limits)], monitorfile.Limits...),
		wire.Limit{What: "a saved configuration", Most: console.MaxSet, Unit: "bytes", Beyond: "not saved; not read"},
		wire.Limit{What: "an agent's state file", Most: agent.MaxState, Unit: "bytes", Beyond: "set aside; the agent says so and starts with nothing running"},
		wire.Limit{What: "a record of the spool", Most: spool.MaxRecord, Unit: "bytes", Beyond: "taken for a torn one"})
	for name, list := range map[string][]wire.Limit{"messages": wire.Limits, "probes": kinds.All().Limits(), "files": files, "history": append(feed.Limits[:len(feed.Limits):len(feed.Limits)], historyask.Limits...), "broker": broker.DefaultClientLimits().Rows()} {
		open, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
		before, rest, ok1 := strings.Cut(made, open)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok1 || !ok2 {
			t.Fatalf("%s lacks the markers %q and %q", path, open, end)
		}
		var table strings.Builder
		table.WriteString("| what | at most | beyond it |\n|---|---|---|\n")
		for _, l := range list {
			if l.What == "" || l.Most <= 0 || l.Unit == "" || l.Beyond == "" {
				t.Errorf("%s: %+v is not complete", name, l)
			}
			fmt.Fprintf(&table, "| %s | %s %s | %s |\n", l.What, thousands(l.Most), l.Unit, l.Beyond)
		}
		made = before + open + table.String() + end + after
	}
	if made == readFile(t, path) {
		return
	}
	if !*update {
		t.Fatalf("%s differs from the code; rewrite its tables with go test . -run LimitsDoc -update", path)
	}
	if err := os.WriteFile(path, []byte(made), 0o644); err != nil {
		t.Fatal(err)
	}
}

// thousands writes a number in groups of three digits.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
