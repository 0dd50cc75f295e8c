package export

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"netmon/probes/kinds"
)

var update = flag.Bool("update", false, "rewrite the tables of docs/metrics.md")

const metricsDoc = "../docs/metrics.md"

// documented holds a part of docs/metrics.md, between <!-- part --> and <!-- /part -->, to the
// code; -update writes it.
func documented(t *testing.T, part, want string) {
	t.Helper()
	data, err := os.ReadFile(metricsDoc)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+part+" -->\n", "<!-- /"+part+" -->"
	before, rest, ok := strings.Cut(string(data), begin)
	got, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no part %q", metricsDoc, part)
	}
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("%s is not what the code has: go test ./export -run Doc -update. It has\n%s\nwant\n%s", metricsDoc, got, want)
	}
	if err := os.WriteFile(metricsDoc, []byte(before+begin+want+end+after), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestMetricsDoc has every family of results and monitors in docs/metrics.md.
func TestMetricsDoc(t *testing.T) {
	p := newPlan(kinds.All(), NewReader(kinds.All()))
	var b strings.Builder
	b.WriteString("| name | type | labels | kinds | meaning |\n|---|---|---|---|---|\n")
	row := func(f family, labels, of string) {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", f.name, typeName(f.kind), labels, of, f.help)
	}
	for _, f := range p.families {
		var of []string
		values := map[string][]string{}
		for _, part := range f.parts {
			if part.table > 0 {
				of = append(of, kinds.All()[part.table-1].Name)
			}
			for _, at := range part.places {
				name, value, _ := strings.Cut(string(at.extra), "=")
				if at.text >= 0 || at.each {
					name, value = at.label, ""
				}
				if name == "" {
					continue
				}
				if value = strings.Trim(value, `"`); !slices.Contains(values[name], value) {
					values[name] = append(values[name], value)
				}
			}
		}
		kindsText := strings.Join(of, ", ")
		if len(of) == len(kinds.All()) {
			kindsText = "all"
		}
		row(f.family, labelsText(values), kindsText)
	}
	row(failureFamily, labelsText(map[string][]string{failureLabel: nil}), "all")
	row(runsFamily, labelsText(map[string][]string{"outcome": {"ok", "failed", "broken"}}), "all")
	row(latencyFamily, "", "all")
	row(infoFamily, "", "all")
	documented(t, "results", b.String())
}

// meshTable is the table of the families of a scrape, but for those of results.
func meshTable(t *testing.T, text string) string {
	t.Helper()
	p := newPlan(kinds.All(), NewReader(kinds.All()))
	var b strings.Builder
	b.WriteString("| name | type | labels | meaning |\n|---|---|---|---|\n")
	families := parseText(t, []byte(text))
	for _, name := range slices.Sorted(maps.Keys(families)) {
		f := families[name]
		if slices.ContainsFunc(p.families, func(x planned) bool { return x.name == name }) || name == failureFamily.name || name == runsFamily.name || name == latencyFamily.name || name == infoFamily.name {
			continue
		}
		labels := map[string][]string{}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = nil
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name, strings.ToLower(f.GetType().String()), labelsText(labels), f.GetHelp())
	}
	return b.String()
}

func typeName(t Type) string {
	return [...]string{Gauge: "gauge", Counter: "counter", Histogram: "histogram"}[t]
}

// labelsText are labels with their values, where these are few.
func labelsText(values map[string][]string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		text := "`" + name + "`"
		if all := strings.Join(values[name], ", "); all != "" {
			text += ": " + all
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

func TestMeshTable(t *testing.T) {
	w := NewWriter(Text, nil)
	w.Family("netmon_notices_total", "Notices.", Counter)
	w.Sample(Labels{{"result", "sent"}, {"channel", "mail"}}, 1)
	w.Family("probe_success", sharedFamilies[sharedSuccess].help, Gauge)
	w.Sample(nil, 1)
	want := "| name | type | labels | meaning |\n|---|---|---|---|\n| `netmon_notices_total` | counter | `channel`; `result` | Notices. |\n"
	if got := meshTable(t, string(w.Bytes())); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
