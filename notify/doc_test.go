package notify

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestAlertsDoc_Kinds checks the table of settings in docs/alerts.md against the kinds.
func TestAlertsDoc_Kinds(t *testing.T) {
	const path, begin, end = "../docs/alerts.md", "<!-- kinds -->\n", "<!-- /kinds -->"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("| kind | setting | is | default | what it is |\n|---|---|---|---|---|\n")
	row := func(kind string, fields []Field) {
		for _, f := range fields {
			def := ""
			if f.Default != "" {
				def = "`" + f.Default + "`"
			}
			fmt.Fprintf(&b, "| %s | `%s` | %s | %s | %s |\n", kind, f.Name, f.Type, def, strings.ReplaceAll(f.Help, "|", `\|`))
			kind = ""
		}
	}
	row("every kind", commonFields())
	for _, k := range Kinds() {
		row(k.Name, k.Fields())
	}
	head, rest, ok := strings.Cut(string(data), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s lacks the marks %s and %s", path, begin, end)
	}
	want := head + begin + b.String() + end + tail
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(data) {
		t.Errorf("%s is not what the kinds are: go test ./notify -run AlertsDoc -update", path)
	}
}
