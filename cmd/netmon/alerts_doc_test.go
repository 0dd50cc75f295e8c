package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"netmon/console/monitorfile"
	"netmon/notify"
)

// TestAlertsDoc_Recipes reads every example of docs/alerts.md as apply does, and looks
// for a recipe of each kind of channel: a few lines that say where the secret comes
// from, and a few that are copied.
func TestAlertsDoc_Recipes(t *testing.T) {
	doc, err := os.ReadFile("../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	for _, b := range block.FindAllStringSubmatch(string(doc), -1) {
		if _, err := monitorfile.Parse("docs/alerts.md", []byte(b[1]), checks()); err != nil {
			t.Errorf("%s: %v", b[1], err)
		}
	}
	for _, kind := range notify.Kinds() {
		_, rest, ok := strings.Cut(string(doc), "\n### "+kind.Name+"\n\n")
		if !ok {
			t.Errorf("no recipe for %s: want a heading ### %s", kind.Name, kind.Name)
			continue
		}
		recipe, _, _ := strings.Cut(rest, "\n#")
		text, _, _ := strings.Cut(recipe, "```yaml")
		b := block.FindStringSubmatch(recipe)
		if b == nil {
			t.Errorf("the recipe for %s has no example", kind.Name)
			continue
		}
		all, err := monitorfile.Parse("docs/alerts.md", []byte(b[1]), checks())
		if err != nil || len(all.Settings) == 0 {
			t.Errorf("the example for %s: %v", kind.Name, err)
			continue
		}
		if !strings.Contains(b[1], "kind: "+kind.Name+",") {
			t.Errorf("the example for %s is of another kind: %s", kind.Name, b[1])
		}
		if n, m := strings.Count(strings.TrimSpace(text), "\n")+1, strings.Count(b[1], "\n"); n > 5 || m > 5 {
			t.Errorf("the recipe for %s has %d lines and an example of %d: want at most 5", kind.Name, n, m)
		}
	}
}
