package netmon_test

import (
	"fmt"
	"go/build"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestGlossary has each word of docs/glossary.md in its place, told in one
// sentence, and those that a reader meets first among them.
func TestGlossary(t *testing.T) {
	const file = "docs/glossary.md"
	if !strings.Contains(readFile(t, "README.md"), "]("+file+")") {
		t.Errorf("README.md does not link %s", file)
	}
	var words []string
	anchors := map[string]bool{}
	text, _, _ := strings.Cut(readFile(t, file), "\n# Retired words\n")
	for _, section := range strings.Split(text, "\n## ")[1:] {
		word, text, _ := strings.Cut(section, "\n\n")
		words = append(words, word)
		anchors[strings.ReplaceAll(word, " ", "-")] = true
		text = strings.TrimSpace(text)
		if !strings.HasSuffix(text, ".") || strings.Contains(text, ". ") || strings.Contains(text, "\n\n") {
			t.Errorf("%s: %s: want one sentence, got %q", file, word, text)
		}
	}
	if !slices.IsSorted(words) {
		t.Errorf("%s is not in alphabetical order: %v", file, words)
	}
	for want := range strings.SplitSeq("agent blame broker channel configuration console context controller cross-check incident kind mesh monitor notice placement policy probe quorum result rule run series silence verdict window", " ") {
		if !slices.Contains(words, want) {
			t.Errorf("%s lacks %q", file, want)
		}
	}
	for _, m := range regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllStringSubmatch(readFile(t, file), -1) {
		if !anchors[m[1]] {
			t.Errorf("%s links to #%s: there is no such word", file, m[1])
		}
	}
}

// TestADRs_Index has every record in docs/adr/README.md, by its own title, and
// every number accounted for.
func TestADRs_Index(t *testing.T) {
	const index = "docs/adr/README.md"
	entries, err := os.ReadDir("docs/adr")
	if err != nil {
		t.Fatal(err)
	}
	var want []string // how rows begin, by number
	titles := map[int]string{}
	last := 0
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name()[:min(4, len(e.Name()))])
		if err != nil {
			if e.Name() != path.Base(index) {
				t.Errorf("docs/adr/%s: want a name like 0001-short-name.md", e.Name())
			}
			continue
		}
		head, _, _ := strings.Cut(readFile(t, "docs/adr/"+e.Name()), "\n")
		title, ok := strings.CutPrefix(head, fmt.Sprintf("# %d. ", n))
		if !ok || titles[n] != "" {
			t.Errorf("docs/adr/%s begins with %q: want \"# %d. \" and a title, and no other record of that number", e.Name(), head, n)
		}
		titles[n] = fmt.Sprintf("| %d | [%s](%s) | ", n, title, e.Name())
		last = max(last, n)
	}
	for n := 1; n <= last; n++ {
		if titles[n] == "" {
			titles[n] = fmt.Sprintf("| %d | *not used* | ", n)
		}
		want = append(want, titles[n])
	}
	var got []string
	for line := range strings.Lines(readFile(t, index)) {
		if m := regexp.MustCompile(`^\| \d+ \|.*`).FindString(line); m != "" {
			got = append(got, m)
		}
	}
	for i, row := range want {
		switch {
		case i >= len(got):
			t.Errorf("%s lacks the row\n%s… |", index, row)
		case !strings.HasPrefix(got[i], row) || len(got[i]) < len(row)+10:
			t.Errorf("%s: row %d is\n%s\nwant\n%sits decision in one line |", index, i+1, got[i], row)
		}
	}
	if len(got) > len(want) {
		t.Errorf("%s has rows of records that are not there: %v", index, got[len(want):])
	}
}

// TestChangelog_Form holds CHANGELOG.md to the form of keepachangelog.com, and
// the program's version to a heading there.
func TestChangelog_Form(t *testing.T) {
	log := readFile(t, "CHANGELOG.md")
	release := regexp.MustCompile(`^\[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d{2}-\d{2})$`)
	groups := []string{"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
	type version struct {
		number [3]int
		date   string
	}
	var before *version
	for i, section := range strings.Split(log, "\n## ")[1:] {
		head, body, _ := strings.Cut(section, "\n")
		if i == 0 && head != "[Unreleased]" {
			t.Errorf("the first heading is %q, want [Unreleased]", head)
		}
		if i > 0 {
			m := release.FindStringSubmatch(head)
			if m == nil {
				t.Errorf("heading %q: want [1.2.3] - 2026-01-31", head)
				continue
			}
			v := &version{date: m[4]}
			for k := range v.number {
				v.number[k], _ = strconv.Atoi(m[k+1])
			}
			if before != nil && (slices.Compare(v.number[:], before.number[:]) >= 0 || v.date > before.date) {
				t.Errorf("%s does not come before what stands above it", head)
			}
			before = v
		}
		var seen []string
		for _, group := range strings.Split(body, "\n### ")[1:] {
			name, items, _ := strings.Cut(group, "\n")
			if !slices.Contains(groups, name) || slices.Contains(seen, name) {
				t.Errorf("%s has the heading %q: want each of %v once", head, name, groups)
			}
			seen = append(seen, name)
			if !strings.HasPrefix(items, "\n- ") {
				t.Errorf("%s, %s: want a list", head, name)
			}
		}
	}
	m := regexp.MustCompile(`(?m)^var version = "(.+)"$`).FindStringSubmatch(readFile(t, "cmd/netmon/main.go"))
	if m == nil {
		t.Fatal("cmd/netmon/main.go has no version")
	}
	if !strings.Contains(log, "\n## ["+m[1]+"] - ") {
		t.Errorf("CHANGELOG.md has no heading for the program's version, %s", m[1])
	}
}

// TestPackages_SayWhatTheyAre wants a doc comment of every package, and of those
// that other programs may use an example that runs.
func TestPackages_SayWhatTheyAre(t *testing.T) {
	for _, dir := range packages(t) {
		pkg, err := build.ImportDir(dir, 0)
		if err != nil {
			continue // no files for this system
		}
		if pkg.Name != "main" && len(pkg.GoFiles) > 0 && !strings.HasPrefix(pkg.Doc, "Package "+pkg.Name+" ") || pkg.Name == "main" && pkg.Doc == "" {
			t.Errorf("package %s: want a comment that begins with \"Package %s\", got %q", dir, pkg.Name, pkg.Doc)
		}
	}
	for _, dir := range []string{"wire", "judge", "identity", "console", "notify", "agent", "broker"} {
		text := readFile(t, dir+"/example_test.go")
		if !strings.Contains(text, "\nfunc Example") || !strings.Contains(text, "\t// Output:\n") && !strings.Contains(text, "\t// Output: ") {
			t.Errorf("%s/example_test.go has no example that runs", dir)
		}
	}
}
