//go:build linux

package private

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"netmon/internal/need"
)

// file makes one with this mode, whatever the umask.
func file(t *testing.T, path string, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	return chmod(t, path, mode)
}

func folder(t *testing.T, path string, mode os.FileMode) string {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return chmod(t, path, mode)
}

func chmod(t *testing.T, path string, mode os.FileMode) string {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// said are the problems, each as "what: cure" with the path left out.
func said(list []*Problem) string {
	var out []string
	for _, p := range list {
		text := p.What + ": " + strings.TrimSuffix(p.Cure, " "+word(p.Path))
		if p.Warning {
			text = "warning: " + text
		}
		out = append(out, filepath.Base(p.Path)+": "+text)
	}
	return strings.Join(out, "\n")
}

const sticky = os.ModeSticky | 0o777

func TestModes(t *testing.T) {
	for _, c := range []struct {
		name            string
		dir, file       os.FileMode
		secret, trusted string
	}{
		{"as they are made", 0o700, 0o600, "", ""},
		{"a folder that others may read", 0o755, 0o600, "", ""},
		{"a folder of everybody with the sticky bit", sticky, 0o600, "", ""},
		{"everybody reads", 0o700, 0o644, "f: it is secret, and everybody may read it (mode 0644; in Kubernetes: defaultMode: 0440): chmod go-rwx", ""},
		{"the group reads", 0o700, 0o640, "warning: f: it is secret, and its group may read it (mode 0640): chmod go-rwx", ""},
		{"the group writes", 0o700, 0o620, "f: its group may write it (mode 0620): chmod go-w", "f: its group may write it (mode 0620): chmod go-w"},
		{"everybody writes", 0o700, 0o602, "f: everybody may write it (mode 0602): chmod go-w", "f: everybody may write it (mode 0602): chmod go-w"},
		{"everybody writes the folder", 0o777, 0o600, "d: everybody may write it (mode 0777): chmod go-w", "d: everybody may write it (mode 0777): chmod go-w"},
		{"the group writes the folder", 0o770, 0o600, "d: its group may write it (mode 0770): chmod go-w", "d: its group may write it (mode 0770): chmod go-w"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := folder(t, filepath.Join(t.TempDir(), "d"), c.dir)
			path := file(t, filepath.Join(dir, "f"), c.file)
			if got := strings.ReplaceAll(said(Secret(path)), "f: warning: ", "warning: f: "); got != c.secret {
				t.Errorf("secret: %q, want %q", got, c.secret)
			}
			if got := said(Trusted(path)); got != c.trusted {
				t.Errorf("trusted: %q, want %q", got, c.trusted)
			}
			refused := c.secret != "" && !strings.HasPrefix(c.secret, "warning")
			if err := Err(Secret(path)); (err != nil) != refused {
				t.Errorf("refused: %v, want %v", err, refused)
			}
		})
	}
	if got := said(Program(filepath.Join(t.TempDir(), "none"))); !strings.Contains(got, "none: it cannot be looked at: ls -ld") {
		t.Errorf("a program that is not there: %q", got)
	}
	if list := Secret(filepath.Join(t.TempDir(), "none")); len(list) != 0 {
		t.Errorf("what is not there: %s", said(list))
	}
}

// TestSecret_ByLinks: a mount of Kubernetes is links into a folder beside them.
func TestSecret_ByLinks(t *testing.T) {
	mount := folder(t, filepath.Join(t.TempDir(), "mount"), sticky)
	version := folder(t, filepath.Join(mount, "..2026"), 0o755)
	file(t, filepath.Join(version, "x.creds"), 0o440)
	for link, to := range map[string]string{"..data": "..2026", "x.creds": "..data/x.creds"} {
		if err := os.Symlink(to, filepath.Join(mount, link)); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(mount, "x.creds")
	if err := Err(Secret(path)); err != nil {
		t.Error(err)
	}
	if err := Err(Tree(mount)); err != nil {
		t.Error(err)
	}
	chmod(t, filepath.Join(version, "x.creds"), 0o444)
	chmod(t, version, 0o777)
	if got := said(Secret(path)); strings.Count(got, "\n") != 1 || !strings.Contains(got, "x.creds: it is secret") || !strings.Contains(got, "..2026: everybody may write it") {
		t.Errorf("%s", got)
	}
}

func TestTree_ListsAll(t *testing.T) {
	dir := folder(t, filepath.Join(t.TempDir(), "a b"), 0o755)
	file(t, filepath.Join(dir, "keys.json"), 0o644)
	file(t, filepath.Join(folder(t, filepath.Join(dir, "admin"), 0o722), "it's"), 0o666)
	var got []string
	for _, p := range Tree(dir) {
		got = append(got, strings.ReplaceAll(p.Cure, dir, "DIR"))
	}
	want := `chmod go-w 'DIR/admin'; chmod go-w 'DIR/admin/it'\''s'; chmod go-rwx 'DIR/admin/it'\''s'; chmod go-rwx 'DIR/keys.json'`
	if all := strings.Join(got, "; "); all != want {
		t.Errorf("%s, want\n%s", all, want)
	}
	err := Err(Tree(dir))
	var p *Problem
	if !errors.As(err, &p) || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("%v", err)
	}
}

func TestAbove_Warns(t *testing.T) {
	dir := folder(t, filepath.Join(t.TempDir(), "open"), 0o777)
	path := file(t, filepath.Join(folder(t, filepath.Join(dir, "own"), 0o700), "f"), 0o600)
	list := Above(path)
	if got := said(list); got != "open: warning: everybody may write it (mode 0777): chmod go-w" {
		t.Errorf("%s", got)
	}
	if Err(list) != nil {
		t.Error("it is refused")
	}
}

// TestReadOnly: Kubernetes mounts what it hands over in folders that everybody
// might write, and read-only.
func TestReadOnly(t *testing.T) {
	if path := os.Getenv("NETMON_TEST_READONLY"); path != "" {
		if got := said(Trusted(path)) + said(Secret(path)); got != "" {
			t.Error(got)
		}
		// Of what runs as this user, others may change the same file by another mount.
		const open = "d: everybody may write it (mode 0777): chmod go-w"
		if got := said(Program(path)); !strings.Contains(got, open) {
			t.Errorf("a program: %q, want %q", got, open)
		}
		return
	}
	need.Root(t)
	unshare := need.Tool(t, "unshare", "util-linux")
	dir := folder(t, filepath.Join(t.TempDir(), "d"), 0o777)
	path := file(t, filepath.Join(dir, "f"), 0o600)
	if said(Trusted(path)) == "" {
		t.Error("a folder that everybody may write is fine")
	}
	cmd := exec.Command(unshare, "-m", "sh", "-c", `mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$2" -test.run='^TestReadOnly$'`, "sh", dir, os.Args[0])
	cmd.Env = append(os.Environ(), "NETMON_TEST_READONLY="+path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestOwner: root takes a user's secrets from that user's folder, and no policy
// but its own.
func TestOwner(t *testing.T) {
	need.Root(t)
	dir := folder(t, filepath.Join(t.TempDir(), "d"), 0o700)
	path := file(t, filepath.Join(dir, "f"), 0o600)
	own := func(path string, id int) {
		if err := os.Chown(path, id, id); err != nil {
			t.Fatal(err)
		}
	}
	own(path, 54321)
	const foreign = "f: it belongs to user 54321, and to neither you nor root: chown 0"
	if got := said(Secret(path)); got != foreign {
		t.Errorf("in root's folder: %q", got)
	}
	own(dir, 54321)
	if got := said(Secret(path)) + said(Tree(dir)); got != "" {
		t.Errorf("in its owner's folder: %q", got)
	}
	if got := said(Trusted(path)); !strings.HasPrefix(got, foreign) || !strings.Contains(got, "\nd: it belongs to user 54321") {
		t.Errorf("trusted: %q", got)
	}
}
