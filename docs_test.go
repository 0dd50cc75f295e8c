package netmon_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// TestDocs_CIRunsTheCommandsOfTheReadme keeps the two commands and .ci/steps together.
func TestDocs_CIRunsTheCommandsOfTheReadme(t *testing.T) {
	readme, ci := readFile(t, "README.md"), readFile(t, ".ci/steps")
	for command, as := range map[string]string{
		"go run ./cmd/netmon up examples/quickstart.yaml": "examples/quickstart.yaml",
		"go test ./...": "\n  .ci/gotest -p 3 -vet=off -timeout 900s ./e2e $(all_packages",
	} {
		if !strings.Contains(readme, command) {
			t.Errorf("README.md does not have %q", command)
		}
		if !strings.Contains(ci, as) {
			t.Errorf(".ci/steps does not run %q: it lacks %q", command, as)
		}
	}
}

// TestSteps_OneList has make and .ci/run run the steps of .ci/steps, and no step
// belong to neither of its lists.
func TestSteps_OneList(t *testing.T) {
	makefile, run, steps := readFile(t, "Makefile"), readFile(t, ".ci/run"), readFile(t, ".ci/steps")
	for _, name := range []string{"check", "lint elsewhere", "ci"} {
		if want := "\t@.ci/steps " + name + "\n"; !strings.Contains(makefile, want) {
			t.Errorf("the Makefile does not run %q", strings.TrimSpace(want))
		}
	}
	if !strings.Contains(run, "\nexec .ci/steps ci") {
		t.Error(".ci/run does not run .ci/steps ci")
	}
	var listed []string
	for _, list := range []string{"check", "ci"} {
		_, body, ok := strings.Cut(steps, "\n"+list+"() {\n")
		body, _, ended := strings.Cut(body, "\n}\n")
		if !ok || !ended {
			t.Fatalf(".ci/steps has no list %s", list)
		}
		listed = append(listed, strings.Fields(body)...)
	}
	for _, m := range regexp.MustCompile(`(?m)^([a-z_]+)\(\) \{`).FindAllStringSubmatch(steps, -1) {
		switch name := m[1]; name {
		case "check", "ci", "step", "skipped", "all_packages", "can_ping", "lab", "release": // lab_begins runs the lab, and that a release
		default:
			if !slices.Contains(listed, name) {
				t.Errorf("the step %s of .ci/steps is in neither list", name)
			}
		}
	}
}

// TestDocs_PromisesAreProved looks for the tests that docs/reliability.md and
// CONTRIBUTING.md name, and the faults of the former.
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
	for _, file := range []string{"docs/reliability.md", "CONTRIBUTING.md"} {
		for _, m := range regexp.MustCompile("`((?:Test|Benchmark)[A-Za-z0-9_]+)`").FindAllStringSubmatch(readFile(t, file), -1) {
			if !strings.Contains(tests.String(), "func "+m[1]+"(") {
				t.Errorf("%s names %s: there is no such test", file, m[1])
			}
		}
	}
	doc := readFile(t, "docs/reliability.md")
	for _, m := range regexp.MustCompile("`TestFaults(?:_History)?`: ([^|;]+)").FindAllStringSubmatch(doc, -1) {
		for row := range strings.SplitSeq(strings.TrimSpace(m[1]), ", ") {
			if !strings.Contains(tests.String(), `{name: "`+row+`"`) {
				t.Errorf("docs/reliability.md names the fault %q: there is no such row", row)
			}
		}
	}
}
