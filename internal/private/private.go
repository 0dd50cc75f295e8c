// Package private says whether files belong to this user alone: secrets, and files
// that decide what is done on this user's behalf. As in ssh, a key that others can
// read is not used. On systems without modes and owners it says nothing.
//
// What is on a read-only filesystem nobody here can write: a mount of Kubernetes or
// Docker, whose folders would otherwise be writable by anybody, is fine. Not for
// programs: a mount is read-only for those who have it, as a service of systemd with
// ProtectSystem=strict, and all others of the host write the same files.
package private

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Problem is one thing that is wrong with a file or folder.
type Problem struct {
	Path, What string
	Cure       string // a command, as a shell takes it
	Warning    bool   // it is worth a look, and refused by nobody
}

func (p *Problem) Error() string {
	return fmt.Sprintf("%s: %s: %s", p.Path, p.What, p.Cure)
}

// Err is all of the problems but for warnings, or nil.
func Err(list []*Problem) error {
	var errs []error
	for _, p := range list {
		if !p.Warning {
			errs = append(errs, p)
		}
	}
	return errors.Join(errs...)
}

// Secret looks at a file that only its owner should read and write. One that is
// not there has no problem. Root may use those of another user, in that user's
// folder: on a broker's host it does.
func Secret(path string) []*Problem {
	return append(check(path, rules{secret: true, anyFolder: true}), folders(path, rules{anyFolder: true})...)
}

// Trusted looks at a file that anybody may read, and that decides for this user:
// nobody else but root may write it.
func Trusted(path string) []*Problem {
	return append(check(path, rules{}), folders(path, rules{})...)
}

// Program looks at a file that is run as this user, and at every folder above it: nobody
// else but root can put another in its place, be it by another mount. The path has no links in it.
func Program(path string) []*Problem {
	r := rules{program: true}
	list := check(path, r)
	for at := filepath.Dir(path); ; at = filepath.Dir(at) {
		list = append(list, check(at, r)...)
		if filepath.Dir(at) == at {
			return list
		}
	}
}

// Tree looks at a folder of secrets, and at all that is in it.
func Tree(dir string) (list []*Problem) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // whoever reads it will say so
		}
		list = append(list, check(path, rules{secret: true, anyFolder: true})...)
		return nil
	})
	return list
}

// Above looks at the folders above a path. Whoever writes one of them can put another
// in place of what is below, so a problem there is a warning: many hosts have
// such folders for a group that is equal to root.
func Above(path string) (list []*Problem) {
	for at := filepath.Dir(path); ; at = filepath.Dir(at) {
		for _, p := range check(at, rules{anyOwner: true}) {
			p.Warning = true
			list = append(list, p)
		}
		if filepath.Dir(at) == at {
			return list
		}
	}
}

// rules are what a file has to keep to.
type rules struct {
	secret    bool // nobody else reads it
	anyFolder bool // for root: its folder's owner may own it
	anyOwner  bool
	program   bool // it is there, and a read-only mount is no excuse: others may have the same files without it
}

// folders looks at the folder in which a file is, and at that in which a link to
// it stands.
func folders(path string, r rules) []*Problem {
	dir := filepath.Dir(path)
	list := check(dir, r)
	if real, err := filepath.EvalSymlinks(path); err == nil && filepath.Dir(real) != dir {
		list = append(list, check(filepath.Dir(real), r)...)
	}
	return list
}

// check follows links: what counts is what is read.
func check(path string, r rules) []*Problem {
	info, err := os.Stat(path)
	if err != nil && r.program { // what is moved away and back was not looked at
		return []*Problem{{Path: path, What: "it cannot be looked at", Cure: "ls -ld " + word(path)}}
	}
	if err != nil || !info.Mode().IsRegular() && !info.IsDir() {
		return nil
	}
	return examine(path, info, r)
}

// word writes a path as a shell reads it.
func word(path string) string {
	plain := strings.IndexFunc(path, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("/._-+:@", c))
	}) < 0
	if plain {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
