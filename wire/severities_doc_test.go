package wire

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestSeveritiesDoc holds the table of severities of docs/alerts.md: go test ./wire -update.
func TestSeveritiesDoc(t *testing.T) {
	const path = "../docs/alerts.md"
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("<!-- severities -->\n| severity | when | wait | repeat |\n|---|---|---|---|\n")
	for _, s := range Severities {
		repeat := Duration(s.Repeat).String()
		if s.Repeat == 0 {
			repeat = "never"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", s.Severity, s.Meaning, Duration(s.Wait), repeat)
	}
	b.WriteString("<!-- /severities -->")
	table := regexp.MustCompile(`(?s)<!-- severities -->.*?<!-- /severities -->`)
	if !table.Match(doc) {
		t.Fatalf("%s has no place for the table of severities", path)
	}
	want := table.ReplaceAllLiteral(doc, []byte(b.String()))
	if string(want) == string(doc) {
		return
	}
	if !*update {
		t.Fatalf("%s: the table of severities is not that of the code: go test ./wire -update", path)
	}
	if err := os.WriteFile(path, want, 0o644); err != nil {
		t.Fatal(err)
	}
}
