package main

import (
	"archive/zip"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"netmon/internal/need"
)

var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

// someTexts are those of a release, with one page and the real files.
func someTexts(t *testing.T) texts {
	t.Helper()
	out := texts{"README.md": []byte("readme"), "CHANGELOG.md": []byte("changes"), "man/man1/netmon.1": []byte(".TH a"),
		"completions/netmon.bash": []byte("b"), "completions/_netmon": []byte("z"), "completions/netmon.fish": []byte("f")}
	for _, pattern := range []string{"*.yaml", "*.txt", "systemd/*", "debian/*"} {
		paths, err := filepath.Glob("../" + pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %q, %v", pattern, paths, err)
		}
		for _, p := range paths {
			data, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			out["packaging/"+strings.TrimPrefix(filepath.ToSlash(p), "../")] = data
		}
	}
	return out
}

// TestArchive packs the same files in two orders into the same bytes, for tar and unzip.
func TestArchive(t *testing.T) {
	for _, target := range []target{{"linux", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}} {
		t.Run(target.name(), func(t *testing.T) {
			files := archiveFiles(target, []byte("program"), someTexts(t), []byte("terms"))
			other := slices.Clone(files)
			slices.Reverse(other)
			a, err := target.archive("netmon_1", files, noon)
			if err != nil {
				t.Fatal(err)
			}
			b, err := target.archive("netmon_1", other, noon)
			if err != nil || !bytes.Equal(a, b) {
				t.Errorf("another order makes other bytes: %v", err)
			}
			path := filepath.Join(t.TempDir(), "a"+target.ending())
			if err := os.WriteFile(path, a, 0o600); err != nil {
				t.Fatal(err)
			}
			list := listOf(t, path)
			for _, want := range []string{"netmon_1/" + target.program(), "netmon_1/README.md", "netmon_1/LICENCE.txt", "netmon_1/examples/policy.yaml"} {
				if !slices.Contains(list, want) {
					t.Errorf("no %s in %q", want, list)
				}
			}
			if has := slices.Contains(list, "netmon_1/systemd/netmon-agent.service"); has != (target.os == "linux") {
				t.Errorf("units: %t", has)
			}
			if has := slices.Contains(list, "netmon_1/man/man1/netmon.1"); has == target.windows() {
				t.Errorf("manual pages: %t", has)
			}
		})
	}
}

func listOf(t *testing.T, path string) []string {
	t.Helper()
	if strings.HasSuffix(path, ".zip") {
		r, err := zip.OpenReader(path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var names []string
		for _, f := range r.File {
			names = append(names, f.Name)
			if want := os.FileMode(0o755); f.Name == "netmon_1/netmon.exe" && f.Mode() != want {
				t.Errorf("mode %v", f.Mode())
			}
		}
		return names
	}
	out, err := exec.Command(need.Tool(t, "tar", "tar"), "-tzf", path).CombinedOutput()
	if err != nil {
		t.Fatalf("tar: %v %s", err, out)
	}
	return strings.Fields(string(out))
}

// TestPackage has dpkg-deb read a package.
func TestPackage(t *testing.T) {
	p := debianPackage{version: "1.0.0-1", arch: "armhf", maintainer: "A B <a@example.org>", at: noon}
	texts := someTexts(t)
	deb, err := p.pack(debianFiles(p, []byte("program!"), texts, []byte("terms")), texts)
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.pack(debianFiles(p, []byte("program!"), texts, []byte("terms")), texts)
	if err != nil || !bytes.Equal(deb, again) {
		t.Errorf("the second one differs: %v", err)
	}
	dpkg := need.Tool(t, "dpkg-deb", "dpkg")
	path := filepath.Join(t.TempDir(), p.name())
	if err := os.WriteFile(path, deb, 0o600); err != nil {
		t.Fatal(err)
	}
	read := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(dpkg, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("dpkg-deb %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	if got := read("-f", path, "Package", "Version", "Architecture", "Maintainer"); got != "Package: netmon\nVersion: 1.0.0-1\nArchitecture: armhf\nMaintainer: A B <a@example.org>\n" {
		t.Errorf("fields %s", got)
	}
	into := t.TempDir()
	read("-R", path, into)
	for path, mode := range map[string]os.FileMode{"usr/bin/netmon": 0o755, "usr/share/netmon/agent.env": 0o644, "usr/share/man/man1/netmon.1.gz": 0o644, "DEBIAN/postinst": 0o755} {
		if info, err := os.Stat(filepath.Join(into, path)); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, error %v", path, info, err)
		}
	}
	unit, err := os.ReadFile(filepath.Join(into, "usr/lib/systemd/system/netmon-agent.service"))
	if err != nil || strings.Contains(string(unit), "/usr/local") || !strings.Contains(string(unit), "ExecStart=/usr/bin/netmon agent") {
		t.Errorf("the unit starts another program, error %v:\n%s", err, unit)
	}
	for _, script := range []string{"postinst", "prerm", "postrm"} {
		if out, err := exec.Command("sh", "-n", filepath.Join(into, "DEBIAN", script)).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", script, out)
		}
	}
	// Each that dpkg -V compares.
	sums := exec.Command("md5sum", "-c", "--quiet", "DEBIAN/md5sums")
	sums.Dir = into
	if out, err := sums.CombinedOutput(); err != nil {
		t.Errorf("md5sums: %s", out)
	}
}

// TestEmptyFolder removes nothing that is of no release.
func TestEmptyFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dist", "release")
	for range 2 {
		if err := emptyFolder(dir); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"SHA256SUMS", "netmon_1_linux_amd64.tar.gz", "netmon.rb"} {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	mine := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := emptyFolder(dir); err == nil || !strings.Contains(err.Error(), `"notes.txt"`) {
		t.Errorf("error %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 4 {
		t.Errorf("%d files are left, error %v", len(left), err)
	}
}
