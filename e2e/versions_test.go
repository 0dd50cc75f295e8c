package e2e

import (
	"flag"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"netmon/internal/need"
)

var allVersions = flag.Bool("versions", false, "upgrade from each version of testdata/before, not from the newest alone")

// version is a netmon of one time: a folder with the program in it.
type version struct {
	name, dir string
	noAlerts  bool // it has no incidents, channels, rules, windows, silences, and no backup
	unsigned  bool // nobody signs its commands
}

func (v version) bin() string { return filepath.Join(v.dir, "netmon") }

// thisVersion is the one under test.
func thisVersion(t *testing.T) version {
	t.Helper()
	bin, err := netmon()
	if err != nil {
		t.Fatal(err)
	}
	return version{name: "this", dir: filepath.Dir(bin)}
}

// befores are the names and commits of testdata/before, the newest first.
func befores(t *testing.T) iter.Seq2[string, string] {
	t.Helper()
	data, err := os.ReadFile("testdata/before")
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(name, commit string) bool) {
		for line := range strings.Lines(string(data)) {
			if strings.HasPrefix(line, "#") {
				continue
			}
			words := strings.Fields(line)
			if len(words) != 2 {
				t.Fatalf("testdata/before: want a name and a commit, got %q", line)
			}
			if !yield(words[0], words[1]) {
				return
			}
		}
	}
}

// versionsBefore builds those of testdata/before from the history of this repository.
func versionsBefore(t *testing.T) (list []version) {
	t.Helper()
	for name, commit := range befores(t) {
		if len(list) > 0 && !*allVersions {
			break
		}
		v := version{name: name, dir: t.TempDir()}
		buildCommit(t, commit, v.bin())
		help := do(t, 0, v.bin(), "--help")
		v.noAlerts, v.unsigned = !strings.Contains(help, "incident"), !strings.Contains(help, "backup")
		list = append(list, v)
	}
	return list
}

// buildCommit builds netmon as it was. By -trimpath the cache of the compiler serves whichever
// folder the sources are in: what did not change since is not compiled again.
func buildCommit(t *testing.T, commit, bin string) {
	t.Helper()
	git := need.Tool(t, "git", "git")
	if err := exec.CommandContext(t.Context(), git, "cat-file", "-e", commit+"^{commit}").Run(); err != nil {
		if out, _ := exec.CommandContext(t.Context(), git, "rev-parse", "--is-shallow-repository").Output(); strings.TrimSpace(string(out)) == "true" {
			t.Skipf("skipped: this clone has no history to build %s from: git fetch --unshallow", commit)
		}
		need.Missing(t, "the commit %s of testdata/before: git fetch", commit)
	}
	src := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "sh", "-c", `git -C .. archive "$0" | tar -x -C "$1"`, commit, src).CombinedOutput(); err != nil {
		t.Fatalf("git archive %s: %v\n%s", commit, err, out)
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-o", bin, "./cmd/netmon")
	cmd.Dir, cmd.Env = src, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build of %s: %v\n%s", commit, err, out)
	}
}

// TestUpgrading_Versions: docs/upgrading.md says of each version what the next one asks for.
func TestUpgrading_Versions(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../docs/upgrading.md")
	if err != nil {
		t.Fatal(err)
	}
	for v := range befores(t) {
		if !strings.Contains(string(doc), "\n| "+v+" | [") {
			t.Errorf("docs/upgrading.md has no row from %s", v)
		}
	}
}
