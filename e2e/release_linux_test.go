package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"netmon/internal/need"
)

// madeReleases is a folder with one folder for each release, and the document that says
// what to do with them.
type madeReleases struct {
	dir string
	doc *installDoc
}

// installDoc is docs/install.md: each block is tried.
type installDoc struct {
	blocks map[string][]block
	tried  int
}

// take is a block of a chapter, for a version, on a host where root does it all and nobody is
// asked.
func (d *installDoc) take(t *testing.T, chapter string, i int, version string) string {
	t.Helper()
	if len(d.blocks[chapter]) <= i || d.blocks[chapter][i].language != "sh" {
		t.Fatalf("docs/install.md: chapter %q has no block %d for a shell: %q", chapter, i+1, d.blocks[chapter])
	}
	d.tried++
	return strings.NewReplacer("0.2.0", version, "amd64", runtime.GOARCH, "sudo ", "", "apt ", "apt-get -y ").Replace(d.blocks[chapter][i].text)
}

// file is what a version has of a form, such as .deb or .tar.gz.
func (m *madeReleases) file(t *testing.T, version, form string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(m.dir, version, "netmon_*"+form))
	if err != nil || len(paths) != 1 {
		t.Fatalf("%s of %s: %q, error %v", form, version, paths, err)
	}
	return paths[0]
}

// TestRelease makes two versions for this machine's kind, and the first one twice, and does
// what docs/install.md says.
func TestRelease(t *testing.T) {
	if !*runLab {
		t.Skip("needs -lab")
	}
	need.Tool(t, "make", "make")
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("a release that runs here is for amd64 or arm64")
	}
	image := startDebianImage(t)
	m := &madeReleases{t.TempDir(), &installDoc{blocks: chapters(t, "../docs/install.md")}}
	command := strings.TrimSpace(m.doc.take(t, "Release", 0, ""))
	for _, r := range [][2]string{{"1.0.0", "1.0.0"}, {"again", "1.0.0"}, {"1.1.0", "1.1.0"}} {
		inClone(t, command+" VERSION="+r[1]+" OUT="+filepath.Join(m.dir, r[0]))
	}
	t.Run("source", func(t *testing.T) {
		bin := t.TempDir()
		if out := inClone(t, m.doc.take(t, "Source", 0, ""), "GOBIN="+bin, "PATH="+bin+":"+os.Getenv("PATH")); !strings.HasPrefix(out, "netmon ") {
			t.Errorf("netmon version: %s", out)
		}
	})
	t.Run("archive", m.archive)
	t.Run("package", func(t *testing.T) {
		m.onDebian(t, image)
		all := 0
		for _, blocks := range m.doc.blocks {
			all += len(blocks)
		}
		if m.doc.tried != all {
			t.Errorf("docs/install.md has %d blocks, and %d were tried", all, m.doc.tried)
		}
	})
}

// inClone runs lines of a shell in the top folder of the repository.
func inClone(t *testing.T, script string, env ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-ec", script)
	cmd.Dir, cmd.Env = "..", append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// archive: two runs make the same bytes, and an archive holds what it should.
func (m *madeReleases) archive(t *testing.T) {
	read := func(path string) []byte {
		t.Helper()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	first := filepath.Join(m.dir, "1.0.0")
	sums := read(filepath.Join(first, "SHA256SUMS"))
	if again := read(filepath.Join(m.dir, "again", "SHA256SUMS")); !bytes.Equal(sums, again) {
		t.Errorf("two runs differ:\n%s\n%s", sums, again)
	}
	for _, want := range []string{"_linux_" + runtime.GOARCH + ".tar.gz\n", ".cdx.json\n", "_" + runtime.GOARCH + ".deb\n"} {
		if !strings.Contains(string(sums), want) {
			t.Errorf("no %q in\n%s", want, sums)
		}
	}
	into := t.TempDir()
	do(t, 0, "tar", "-xzf", m.file(t, "1.0.0", ".tar.gz"), "-C", into, "--strip-components", "1")
	program := filepath.Join(into, "netmon")
	if out := do(t, 0, program, "version"); !strings.HasPrefix(out, "netmon 1.0.0\n") {
		t.Errorf("netmon version: %s", out)
	}
	for _, path := range []string{"README.md", "LICENCE.txt", "man/man1/netmon-apply.1", "completions/_netmon", "completions/netmon.fish", "systemd/netmon-agent.service", "examples/policy.yaml"} {
		read(filepath.Join(into, path))
	}
	if text := read(filepath.Join(into, "LICENCES-OF-MODULES.txt")); bytes.Count(text, []byte("\n=====")) < 40 {
		t.Errorf("%d licences of modules", bytes.Count(text, []byte("\n=====")))
	}
	completing := fmt.Sprintf("PATH=%s:$PATH; . %s/completions/netmon.bash; complete -p netmon", into, into)
	if out := do(t, 0, "bash", "-c", completing); !strings.Contains(out, "netmon") {
		t.Errorf("completion in bash: %s", out)
	}
	for _, page := range []string{"netmon.1", "netmon-agent.1"} {
		if out := do(t, 0, need.Tool(t, "mandoc", "mandoc"), "-Tascii", filepath.Join(into, "man", "man1", page)); !strings.Contains(out, "1.0.0") {
			t.Errorf("%s does not name its version:\n%s", page, out)
		}
	}
	if home := string(read(filepath.Join(into, "man", "man1", "netmon-agent.1"))); !strings.Contains(home, `\(ti/.local/state/netmon`) {
		t.Error("the pages name the state folder of whoever made them")
	}
}
