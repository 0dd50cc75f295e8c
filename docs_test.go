package netmon_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestDocs_LinksLeadSomewhere follows the relative links of the documents.
func TestDocs_LinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:\s]+)(#[^)]*)?\)`)
	for _, doc := range []string{"README.md", "subjects.md", "CHANGELOG.md", "probes/README.md", "docs/reliability.md", "docs/commands.md", "docs/policy.md", "docs/limits.md", "docs/files.md"} {
		dir := ""
		if i := strings.LastIndex(doc, "/"); i >= 0 {
			dir = doc[:i+1]
		}
		for _, m := range link.FindAllStringSubmatch(readFile(t, doc), -1) {
			if _, err := os.Stat(dir + m[1]); err != nil {
				t.Errorf("%s links to %s: %v", doc, m[1], err)
			}
		}
	}
}

// TestDocs_CIRunsTheCommandsOfTheReadme keeps the two commands and .ci/run together.
func TestDocs_CIRunsTheCommandsOfTheReadme(t *testing.T) {
	readme, ci := readFile(t, "README.md"), readFile(t, ".ci/run")
	for _, command := range []string{"go run ./cmd/netmon up examples/quickstart.yaml", "go test ./..."} {
		if !strings.Contains(readme, command) {
			t.Errorf("README.md does not have %q", command)
		}
	}
	if !strings.Contains(ci, "\ngo test ") {
		t.Error(".ci/run does not run the README's test command")
	}
}

// TestDocs_PromisesAreProved looks for the tests and the faults that
// docs/reliability.md names.
func TestDocs_PromisesAreProved(t *testing.T) {
	var tests strings.Builder
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "_test.go") {
			tests.WriteString(readFile(t, path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	doc := readFile(t, "docs/reliability.md")
	for _, m := range regexp.MustCompile("`((?:Test|Benchmark)[A-Za-z0-9_]+)`").FindAllStringSubmatch(doc, -1) {
		if !strings.Contains(tests.String(), "func "+m[1]+"(") {
			t.Errorf("docs/reliability.md names %s: there is no such test", m[1])
		}
	}
	for _, m := range regexp.MustCompile("`TestFaults`: ([^|;]+)").FindAllStringSubmatch(doc, -1) {
		for row := range strings.SplitSeq(strings.TrimSpace(m[1]), ", ") {
			if !strings.Contains(tests.String(), `{name: "`+row+`"`) {
				t.Errorf("docs/reliability.md names the fault %q: there is no such row", row)
			}
		}
	}
}
