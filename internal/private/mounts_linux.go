package private

import (
	"os"
	"path"
	"slices"
	"strings"
)

// mount is one of this process, a line of /proc/self/mountinfo: proc_pid_mountinfo(5).
type mount struct {
	id, parent, device string
	root, point        string   // what of its filesystem is where
	options, super     []string // of the mount, and of the filesystem
	shared             bool     // another mount namespace has it, too
}

// mounts are those of this process, or none where they are not known.
func mounts() []mount {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	return parseMounts(string(data))
}

func parseMounts(text string) (list []mount) {
	plain := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		dash := slices.Index(f, "-") // after optional fields
		if dash < 6 || len(f) < dash+4 {
			continue
		}
		list = append(list, mount{f[0], f[1], f[2], plain.Replace(f[3]), plain.Replace(f[4]), strings.Split(f[5], ","), strings.Split(f[dash+3], ","), dash > 6})
	}
	return list
}

// readOnlyEverywhere says that nobody on this host can write at a path: its filesystem is
// read-only. A read-only mount alone says nothing of that: systemd's ProtectSystem= makes
// one of all that others may write.
func readOnlyEverywhere(at string) bool {
	m, ok := mountAt(mounts(), at)
	return ok && slices.Contains(m.super, "ro")
}

// handedOver says that a folder is itself a mount of something else, read-only and of this
// process's namespace alone, as Kubernetes and Docker make one for a container. Its mode
// says nothing then: a ConfigMap has 0777, in a folder of the host that root alone enters.
func handedOver(dir string) bool { return handedOverBy(mounts(), dir) }

func handedOverBy(list []mount, dir string) bool {
	m, ok := mountAt(list, dir)
	return ok && m.point == dir && dir != "/" && !m.shared && slices.Contains(m.options, "ro") && !m.ofItself(list)
}

// ofItself says that it shows what would be there without it, as ReadOnlyPaths= does.
func (m mount) ofItself(list []mount) bool {
	for _, p := range list {
		if p.id == m.parent && p.device == m.device {
			return path.Join(p.root, strings.TrimPrefix(m.point, strings.TrimSuffix(p.point, "/"))) == m.root
		}
	}
	return false
}

// mountAt is the mount that a path without links is on: of those at one point the last.
func mountAt(list []mount, at string) (m mount, ok bool) {
	for _, x := range list {
		if (x.point == at || x.point == "/" || strings.HasPrefix(at, x.point+"/")) && len(x.point) >= len(m.point) {
			m, ok = x, true
		}
	}
	return m, ok
}
