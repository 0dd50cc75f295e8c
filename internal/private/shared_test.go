//go:build linux

package private

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"netmon/internal/need"
)

func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

func chown(t *testing.T, path string, user, group int) {
	t.Helper()
	if err := os.Lchown(path, user, group); err != nil {
		t.Fatal(err)
	}
}

// TestShared_Modes: its group may write a folder; nobody else may write it, what is in it,
// what is above it, and where links lead.
func TestShared_Modes(t *testing.T) {
	const open = ": everybody may write it (mode 0777): chmod o-w"
	for name, c := range map[string]struct {
		do   func(top, dir string) (path string)
		want string
	}{
		"as people make it":   {func(_, dir string) string { return dir }, ""},
		"of a group":          {func(_, dir string) string { return chmod(t, dir, 0o2775) }, ""},
		"everybody writes it": {func(_, dir string) string { return chmod(t, dir, 0o777) }, "dir" + open},
		"everybody adds to it": {func(_, dir string) string { return chmod(t, dir, sticky) },
			"dir" + open},
		"everybody writes a file": {func(_, dir string) string { file(t, filepath.Join(dir, "b.yaml"), 0o646); return dir },
			"b.yaml: everybody may write it (mode 0646): chmod o-w"},
		"everybody writes what is hidden": {func(_, dir string) string { file(t, filepath.Join(dir, ".b.swp"), 0o666); return dir }, ""},
		"a folder like /tmp above":        {func(top, dir string) string { chmod(t, top, sticky); return dir }, ""},
		"everybody replaces it":           {func(top, dir string) string { chmod(t, top, 0o777); return dir }, "top" + open},
		"everybody replaces it, far above": {func(top, dir string) string {
			deep := folder(t, filepath.Join(dir, "deep"), 0o755)
			chmod(t, top, 0o777)
			return deep
		}, "top" + open},
		"everybody replaces where a link leads": {func(top, dir string) string {
			other := folder(t, filepath.Join(top, "other"), 0o777)
			folder(t, filepath.Join(other, "real"), 0o755)
			link(t, "real", filepath.Join(other, "current"))
			link(t, other+"/current", filepath.Join(top, "link"))
			return filepath.Join(top, "link")
		}, "other" + open},
		"everybody replaces a link": {func(top, dir string) string {
			other := folder(t, filepath.Join(top, "other"), 0o777)
			link(t, dir, filepath.Join(other, "link"))
			return filepath.Join(other, "link")
		}, "other" + open},
		"everybody replaces where a file's link leads": {func(_, dir string) string {
			file(t, filepath.Join(folder(t, filepath.Join(dir, "..1"), 0o777), "b.yaml"), 0o644)
			link(t, "..1", filepath.Join(dir, "..data"))
			link(t, "..data/b.yaml", filepath.Join(dir, "b.yaml"))
			return dir
		}, "..1" + open},
		"a loop of links":      {func(_, dir string) string { link(t, "b.yaml", filepath.Join(dir, "b.yaml")); return dir }, ""},
		"it is not there":      {func(_, dir string) string { return filepath.Join(dir, "none") }, ""},
		"one file":             {func(_, dir string) string { return filepath.Join(dir, "a.yaml") }, ""},
		"one that all replace": {func(_, dir string) string { chmod(t, dir, 0o777); return filepath.Join(dir, "a.yaml") }, "dir" + open},
	} {
		t.Run(name, func(t *testing.T) {
			top := folder(t, filepath.Join(t.TempDir(), "top"), 0o755)
			dir := folder(t, filepath.Join(top, "dir"), 0o755)
			file(t, filepath.Join(dir, "a.yaml"), 0o644)
			if got := said(Shared(c.do(top, dir))); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// TestShared_Owners: who owns the folder is trusted where nobody else could have made it.
func TestShared_Owners(t *testing.T) {
	need.Root(t)
	const deploy, stranger, ops = 54321, 54322, 54323
	const foreign = ": it belongs to user 54322, and to neither you, root nor the folder's owner: chown 0"
	for name, c := range map[string]struct {
		do   func(top, dir, path string)
		want string
	}{
		"all of a deploy user": {func(top, dir, path string) {
			chown(t, top, deploy, 0)
			chown(t, dir, deploy, 0)
			chown(t, path, deploy, 0)
		}, ""},
		"root's files in it":              {func(_, dir, _ string) { chown(t, dir, deploy, 0) }, ""},
		"a stranger's file":               {func(_, _, path string) { chown(t, path, stranger, 0) }, "a.yaml" + foreign},
		"a stranger's in a deploy user's": {func(_, dir, path string) { chown(t, dir, deploy, 0); chown(t, path, stranger, 0) }, "a.yaml" + foreign},
		"a stranger's above":              {func(top, _, _ string) { chown(t, top, stranger, 0) }, "top" + foreign},
		"a stranger's in /tmp": {func(top, dir, path string) {
			chmod(t, top, sticky)
			chown(t, dir, stranger, 0)
			chown(t, path, stranger, 0)
		}, "dir" + foreign},
		"a member's of the group that writes it": {func(_, dir, path string) {
			chown(t, dir, 0, ops)
			chmod(t, dir, os.ModeSetgid|0o775)
			chown(t, path, stranger, ops)
		}, ""},
		"a member's of a group that does not": {func(_, dir, path string) { chown(t, dir, 0, ops); chown(t, path, stranger, ops) }, "a.yaml" + foreign},
		"a stranger's in a group's": {func(_, dir, path string) {
			chown(t, dir, 0, ops)
			chmod(t, dir, os.ModeSetgid|0o775)
			chown(t, path, stranger, stranger)
		}, "a.yaml" + foreign},
	} {
		t.Run(name, func(t *testing.T) {
			top := folder(t, filepath.Join(t.TempDir(), "top"), 0o755)
			dir := folder(t, filepath.Join(top, "dir"), 0o755)
			path := file(t, filepath.Join(dir, "a.yaml"), 0o644)
			c.do(top, dir, path)
			if got := said(Shared(dir)); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// TestShared_Mounts: a folder of 0777 is fine where an orchestrator mounted it read-only, or
// where its filesystem is read-only, and not where everything was made read-only for us.
func TestShared_Mounts(t *testing.T) {
	if path := os.Getenv("NETMON_TEST_SHARED"); path != "" {
		if got, want := said(Shared(path)), os.Getenv("NETMON_TEST_WANT"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		return
	}
	need.Root(t)
	unshare := need.Tool(t, "unshare", "util-linux")
	const refused = "dir: everybody may write it (mode 0777): chmod o-w"
	for name, c := range map[string]struct{ script, want string }{
		"a mount of an orchestrator":      {`mount --bind "$2" "$1" && mount -o remount,bind,ro "$1"`, ""},
		"one that may be written":         {`mount --bind "$2" "$1"`, refused},
		"ReadOnlyPaths= of it":            {`mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"`, refused},
		"ProtectSystem=strict":            {`mount --bind "$3" "$3" && mount -o remount,bind,ro "$3"`, refused},
		"one that the host has mounted":   {`mount --bind "$2" "$1" && mount --make-shared "$1" && mount -o remount,bind,ro "$1"`, refused},
		"a filesystem that is read-only":  {`mount -t tmpfs -o mode=755 none "$3" && mkdir -m 777 "$1" && mount -o remount,ro "$3"`, ""},
		"one above of an orchestrator is": {`mount --bind "$4" "$3" && mkdir -m 777 "$1" && mount -o remount,bind,ro "$3"`, refused},
	} {
		t.Run(name, func(t *testing.T) {
			top := folder(t, filepath.Join(t.TempDir(), "top"), 0o755)
			dir := folder(t, filepath.Join(top, "dir"), 0o777)
			other := folder(t, filepath.Join(t.TempDir(), "other"), 0o777)
			empty := folder(t, filepath.Join(t.TempDir(), "empty"), 0o755)
			file(t, filepath.Join(other, "a.yaml"), 0o644)
			cmd := exec.Command(unshare, "-m", "sh", "-c", c.script+` && exec "$5" -test.run='^TestShared_Mounts$'`, "sh", dir, other, top, empty, os.Args[0])
			cmd.Env = append(os.Environ(), "NETMON_TEST_SHARED="+dir, "NETMON_TEST_WANT="+c.want)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestParseMounts reads what systemd and Kubernetes make, and what is no line of a mount.
func TestParseMounts(t *testing.T) {
	list := parseMounts(strings.Join([]string{
		`1 0 8:1 / / ro,relatime shared:1 - ext4 /dev/sda1 rw`,
		`2 1 8:1 /var/lib/kubelet/pods/1/volumes/kubernetes.io~configmap/a\040b /etc/a\040b ro,relatime - ext4 /dev/sda1 rw`,
		`3 1 8:2 / /srv ro,relatime master:2 - xfs /dev/sdb rw`, "", "x - y", `4 1 8:1 / / - ext4`}, "\n"))
	if len(list) != 3 || list[1].point != "/etc/a b" {
		t.Fatalf("%+v", list)
	}
	for dir, want := range map[string]bool{"/": false, "/etc": false, "/etc/a b": true, "/etc/a b/..data": false, "/srv": false} {
		if handedOverBy(list, dir) != want {
			t.Errorf("%s is handed over: %v", dir, !want)
		}
	}
	if m, ok := mountAt(list, "/etc/a bc"); !ok || m.id != "1" {
		t.Errorf("what begins like a mount's point is on %+v", m)
	}
	if _, ok := mountAt(nil, "/"); ok {
		t.Error("there is a mount where none is known")
	}
}
