//go:build unix

package private

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

func examine(path string, info fs.FileInfo, r rules) (list []*Problem) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	say := func(warning bool, cure, what string, args ...any) {
		list = append(list, &Problem{path, fmt.Sprintf(what, args...), cure + " " + word(path), warning})
	}
	mode := info.Mode().Perm()
	if r.program || !readOnly(path) {
		me := uint32(os.Geteuid()) // #nosec G115 -- an id of a user
		if s.Uid != 0 && s.Uid != me && !r.anyOwner && !(me == 0 && r.anyFolder && (info.IsDir() || s.Uid == ownerOfFolder(path))) {
			say(false, fmt.Sprintf("chown %d", me), "it belongs to %s, and to neither you nor root", userName(s.Uid))
		}
		// In a folder with the sticky bit, such as /tmp, everybody may add, and
		// nobody replaces what is another's.
		if others := mode & 0o022; others != 0 && !(info.IsDir() && info.Mode()&fs.ModeSticky != 0) {
			who := "everybody"
			if others&0o002 == 0 {
				who = "its group"
			}
			say(false, "chmod go-w", "%s may write it (mode %04o)", who, mode)
		}
	}
	if r.secret && !info.IsDir() {
		switch {
		case mode&0o004 != 0:
			say(false, "chmod go-rwx", "it is secret, and everybody may read it (mode %04o; in Kubernetes: defaultMode: 0440)", mode)
		case mode&0o040 != 0:
			say(true, "chmod go-rwx", "it is secret, and its group may read it (mode %04o)", mode)
		}
	}
	return list
}

// ownerOfFolder is the owner of the folder in which a file is, or root.
func ownerOfFolder(path string) uint32 {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if info, err := os.Stat(filepath.Dir(path)); err == nil {
		if s, ok := info.Sys().(*syscall.Stat_t); ok {
			return s.Uid
		}
	}
	return 0
}

func userName(id uint32) string {
	text := strconv.FormatUint(uint64(id), 10)
	if u, err := user.LookupId(text); err == nil {
		return fmt.Sprintf("%s (user %s)", u.Username, text)
	}
	return "user " + text
}
