package main

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"netmon/console/monitorfile"
	"netmon/probes"
	"netmon/probes/kinds"
)

// TestMonitorsDoc keeps the tables of docs/monitors.md as the code has them, wants an
// example of each kind there, and has netmon check every example.
func TestMonitorsDoc(t *testing.T) {
	const path = "../../docs/monitors.md"
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(file)
	fields := map[string]string{}
	schema := monitorsSchema()
	monitor := schema["definitions"].(map[string]any)["monitor"].(map[string]any)["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(monitor)) {
		fields[name] = fmt.Sprint(monitor[name].(map[string]any)["description"])
	}
	text = block(t, text, "fields", fieldTable(fields, []string{"name", "kind", "target", "every", "timeout", "agents", "except", "paused", "depends_on", "tags", "verdict", "slo", "options"}))
	verdict := map[string]string{}
	for name, f := range monitor["verdict"].(map[string]any)["properties"].(map[string]any) {
		verdict["verdict."+name] = fmt.Sprint(f.(map[string]any)["description"])
	}
	slo := map[string]string{}
	for name, f := range monitor["slo"].(map[string]any)["properties"].(map[string]any) {
		slo["slo."+name] = fmt.Sprint(f.(map[string]any)["description"])
	}
	text = block(t, text, "slo", fieldTable(slo, []string{"slo.objective", "slo.window"}))
	text = block(t, text, "verdict", fieldTable(verdict, []string{"verdict.quorum", "verdict.down", "verdict.up", "verdict.crosscheck"}))
	text = block(t, text, "common", optionsTable(probes.CommonOptions()))
	for _, k := range kinds.All() {
		text = section(t, text, k)
	}
	if text != string(file) {
		if !*update {
			t.Fatal("docs/monitors.md differs from the code: go test ./cmd/netmon -run MonitorsDoc -update")
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(text, -1) {
		if _, err := monitorfile.Parse("docs/monitors.md", []byte(b[1]), checks()); err != nil {
			t.Errorf("%s\n%v", b[1], err)
		}
	}
}

// section keeps what is made from the code of a kind's section, and wants an example in it.
func section(t *testing.T, text string, k probes.Kind) string {
	t.Helper()
	head, after := "\n## "+k.Name+"\n", "\n## Complete it in an editor\n"
	if !strings.Contains(text, head) {
		text = strings.Replace(text, after, fmt.Sprintf("%s\n<!-- %s -->\n<!-- /%s -->\n%s", head, k.Name, k.Name, after), 1)
	}
	_, own, _ := strings.Cut(text, head)
	own, _, _ = strings.Cut(own, "\n## ")
	if !regexp.MustCompile("(?s)```yaml\nmonitors:\n.*\\bkind: " + k.Name + "\n").MatchString(own) {
		t.Errorf("docs/monitors.md has no example of %s: write one there, under ## %s", k.Name, k.Name)
	}
	options := slices.DeleteFunc(slices.Clone(k.Options), func(f probes.Field) bool {
		return slices.ContainsFunc(probes.CommonOptions(), func(c probes.Field) bool { return c.Path == f.Path })
	})
	least := ""
	if k.MinEvery > 0 {
		least = fmt.Sprintf(" Shortest interval: %v.", k.MinEvery)
	}
	return block(t, text, k.Name, fmt.Sprintf("%s %s. Target: `%s`, such as `%s`.%s\n\n%s", k.Name, k.Doc, k.Target, k.Example, least, optionsTable(options)))
}

func fieldTable(about map[string]string, order []string) string {
	var b strings.Builder
	b.WriteString("| field | what it says |\n|---|---|\n")
	for _, name := range order {
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, about[name])
		delete(about, name)
	}
	for _, name := range slices.Sorted(maps.Keys(about)) { // none is forgotten
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, about[name])
	}
	return b.String()
}

func optionsTable(fields []probes.Field) string {
	var b strings.Builder
	b.WriteString("| option | type | default | meaning |\n|---|---|---|---|\n")
	for _, f := range fields {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Path, f.Type, f.Default, strings.ReplaceAll(f.Help, "|", `\|`))
	}
	return b.String()
}

// block puts a text between the markers of that name.
func block(t *testing.T, doc, name, text string) string {
	t.Helper()
	open, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
	before, rest, ok1 := strings.Cut(doc, open)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("the document lacks the markers of %s", name)
	}
	return before + open + text + end + after
}
