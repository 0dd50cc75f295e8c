package status

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"netmon/judge"
)

func folder(t *testing.T, dir string) *Folder {
	t.Helper()
	f, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func filesOf(t *testing.T, dir string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			list = append(list, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestFolder_Export: what is no more is removed, what is the same is left, and all can be
// read by a web host.
func TestFolder_Export(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "www", "status")
	f := folder(t, dir)
	s := made(t, Compose(shop().Facts, Options{}))
	if err := f.Export(s); err != nil {
		t.Fatal(err)
	}
	if got := filesOf(t, dir); len(got) != len(s)+1 || !slices.Contains(got, "services/incoming-mail.html") {
		t.Errorf("%q", got)
	}
	if runtime.GOOS != "windows" {
		if info, err := os.Stat(filepath.Join(dir, "index.html")); err != nil || info.Mode().Perm()&0o044 != 0o044 {
			t.Errorf("%v %v", info, err)
		}
	}
	before, _ := os.Stat(filepath.Join(dir, "badge.svg"))
	w := newWorld()
	w.monitor("web", "Shop", "Online shop", judge.Down)
	w.monitor("mx1", "Mail", "Incoming mail", judge.Down)
	s = made(t, Compose(w.Facts, Options{}))
	again := folder(t, dir) // another process continues
	if err := again.Export(s); err != nil {
		t.Fatal(err)
	}
	if got := filesOf(t, dir); len(got) != len(s)+1 || slices.Contains(got, "services/checkout.html") {
		t.Errorf("%q", got)
	}
	after, _ := os.Stat(filepath.Join(dir, "badge.svg"))
	if !os.SameFile(before, after) {
		t.Error("a file that is the same was written again")
	}
}

// TestOpenFolder_OfOthers: nothing of somebody else is overwritten or deleted.
func TestOpenFolder_OfOthers(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFolder(dir); err == nil || !strings.Contains(err.Error(), `holds "index.html", which netmon did not write: want an empty folder`) {
		t.Error(err)
	}
	for name, text := range map[string]string{"upwards": `{"files":["../victim"]}`, "from the root": `{"files":["/etc/passwd"]}`, "itself": `{"files":[".netmon-status-page"]}`, "not clean": `{"files":["a/../../victim"]}`, "no JSON": "x"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, manifestName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenFolder(dir); err == nil || !strings.Contains(err.Error(), "delete the folder, or choose another one") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFolder_ExportFollowsNoLink: a link in the folder that leads out of it is not followed.
func TestFolder_ExportFollowsNoLink(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	f := folder(t, dir)
	if err := os.Symlink(outside, filepath.Join(dir, "services")); err != nil {
		t.Skip("this system has no links: ", err)
	}
	if err := f.Export(made(t, Compose(shop().Facts, Options{}))); err == nil {
		t.Error("it was written")
	}
	if list := filesOf(t, outside); len(list) > 0 {
		t.Errorf("outside there is %q", list)
	}
}

// TestFolder_AfterACrash: files that a crash left are those of the manifest, and are removed.
func TestFolder_AfterACrash(t *testing.T) {
	dir := t.TempDir()
	f := folder(t, dir)
	s := made(t, Compose(shop().Facts, Options{}))
	if err := f.list([]string{"services/left.html", "index.html"}); err != nil { // what Export does first
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "services"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "services", "left.html"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := folder(t, dir).Export(s); err != nil {
		t.Fatal(err)
	}
	if got := filesOf(t, dir); slices.Contains(got, "services/left.html") || len(got) != len(s)+1 {
		t.Errorf("%q", got)
	}
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"files":["index.html"]}`))
	f.Add([]byte(`{"files":["../x",".."]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		names, err := readManifest(data)
		if err != nil {
			return
		}
		for _, name := range names {
			if !filepath.IsLocal(name) || strings.Contains(name, "..") && strings.Contains("/"+name+"/", "/../") {
				t.Errorf("%q", name)
			}
		}
	})
}
