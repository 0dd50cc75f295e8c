package netmon_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"netmon"
)

// TestReadme_Screen shows the live screen as console/screen draws it.
func TestReadme_Screen(t *testing.T) {
	text := readFile(t, "README.md")
	block := regexp.MustCompile("(?s)(<!-- screen: (.*?) -->\n```text\n)(.*?)(```\n<!-- /screen -->)").FindStringSubmatch(text)
	if block == nil {
		t.Fatal("README.md has no screen")
	}
	var want strings.Builder
	for line := range strings.Lines(readFile(t, block[2])) {
		if line = strings.TrimRight(line, " \n"); line == "" {
			break // the empty part of the screen
		}
		want.WriteString(line + "\n")
	}
	if block[3] == want.String() {
		return
	}
	if !*update {
		t.Fatal("README.md shows another screen than " + block[2] + ": go test . -run Readme -update")
	}
	if err := os.WriteFile("README.md", []byte(strings.Replace(text, block[0], block[1]+want.String()+block[4], 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestReadme_Length keeps it what a newcomer reads in one go.
func TestReadme_Length(t *testing.T) {
	if n := strings.Count(readFile(t, "README.md"), "\n"); n >= 200 {
		t.Errorf("README.md has %d lines, want under 200: what is longer goes to docs/", n)
	}
}

// TestReadme_LinksDocuments: all that netmon docs prints is linked.
func TestReadme_LinksDocuments(t *testing.T) {
	text := readFile(t, "README.md")
	for _, d := range netmon.Documents() {
		if d.Name != "readme" && !strings.Contains(text, "]("+d.Path+")") {
			t.Errorf("README.md does not link %s", d.Path)
		}
	}
}

// TestReadme_Incidents: the list that it shows has the columns of the one that is made
// from the code.
func TestReadme_Incidents(t *testing.T) {
	head := func(doc string) string {
		_, rest, ok := strings.Cut(readFile(t, doc), "<!-- incidents -->\n```text\n")
		line, _, _ := strings.Cut(rest, "\n")
		if !ok {
			t.Fatalf("%s shows no incidents", doc)
		}
		return strings.Join(strings.Fields(line), " ")
	}
	if got, want := head("README.md"), head("docs/alerts.md"); got != want {
		t.Errorf("README.md shows incidents under %q, want %q", got, want)
	}
}
