//go:build unix

package private

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Shared looks at a folder, and the files in it that are not hidden, that several people of
// this host may keep in common, and that decide for this user; or at one file. Its owner and
// its group may write it, and nobody else may, or put another in its place: that is asked of
// every folder above, and of where links lead within it.
//
// What is in the folder belongs to root, this user or the folder's owner, or has the group
// that may write the folder. A folder with the sticky bit is fine above alone. What an
// orchestrator mounted here read-only, such as a ConfigMap, only it can write.
func Shared(path string) []*Problem {
	steps, real := trail(path)
	s := sharing{me: uint32(os.Geteuid()), seen: map[string]bool{}} // #nosec G115 -- an id of a user
	info, err := os.Stat(real)
	if err == nil {
		s.of = info.Sys().(*syscall.Stat_t)
	}
	for _, step := range steps {
		s.above(step)
	}
	if s.of == nil || handedOver(real) { // whoever reads it will say that it is not there
		return s.list
	}
	s.may(real, info)
	if !info.IsDir() {
		return s.list
	}
	entries, _ := os.ReadDir(real)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			s.entry(real, filepath.Join(real, e.Name()))
		}
	}
	return s.list
}

// sharing is what is looked at for one folder or file.
type sharing struct {
	me   uint32
	of   *syscall.Stat_t // of it; nil: it is not there
	seen map[string]bool // folders
	list []*Problem
}

// entry looks at one in the folder dir. A link that leads out of it is not followed.
func (s *sharing) entry(dir, path string) {
	steps, real := trail(path)
	for _, step := range steps {
		if at := filepath.Dir(step); at != dir && strings.HasPrefix(at, dir+"/") {
			s.above(step)
		}
	}
	info, err := os.Stat(real)
	if err != nil || !info.Mode().IsRegular() || !strings.HasPrefix(real, dir+"/") {
		return
	}
	s.may(real, info)
	byGroup := s.of.Mode&0o020 != 0 && info.Sys().(*syscall.Stat_t).Gid == s.of.Gid
	if id := owner(info); !s.knows(id) && !byGroup {
		s.foreign(real, id)
	}
}

// above looks at the folder in which a step is: who may put another in the step's place.
func (s *sharing) above(step string) {
	at := filepath.Dir(step)
	info, err := os.Stat(at)
	if err != nil {
		return
	}
	sticky := info.Mode()&fs.ModeSticky != 0 && info.Mode().Perm()&0o002 != 0
	if is, err := os.Lstat(step); sticky && err == nil {
		if id := owner(is); id != 0 && id != s.me { // everybody could have made it, and replaces their own
			s.foreign(step, id)
		}
	}
	if s.seen[at] {
		return
	}
	s.seen[at] = true
	if !sticky {
		s.may(at, info)
	}
	if id := owner(info); !s.knows(id) {
		s.foreign(at, id)
	}
}

// may says that everybody may write what is at a path.
func (s *sharing) may(path string, info fs.FileInfo) {
	if mode := info.Mode().Perm(); mode&0o002 != 0 {
		s.add(path, "chmod o-w", fmt.Sprintf("everybody may write it (mode %04o)", mode))
	}
}

func (s *sharing) foreign(path string, id uint32) {
	s.add(path, fmt.Sprintf("chown %d", s.me), "it belongs to "+userName(id)+", and to neither you, root nor the folder's owner")
}

func (s *sharing) add(path, cure, what string) {
	if !readOnlyEverywhere(path) {
		s.list = append(s.list, &Problem{Path: path, What: what, Cure: cure + " " + word(path)})
	}
}

func owner(info fs.FileInfo) uint32 { return info.Sys().(*syscall.Stat_t).Uid }

func (s *sharing) knows(id uint32) bool {
	return id == 0 || id == s.me || s.of != nil && id == s.of.Uid
}

// trail is how the system finds what a path leads to: every name that it looks up, in a
// folder without links, those of links' targets included. real is where that ends.
func trail(path string) (steps []string, real string) {
	const mostLinks = 255 // as filepath.EvalSymlinks
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, path
	}
	at, left := "/", strings.Split(path, "/")
	for links := 0; len(left) > 0 && links <= mostLinks; {
		step := filepath.Join(at, left[0])
		left = left[1:]
		if step == at { // an empty name, or .
			continue
		}
		steps = append(steps, step)
		target, err := os.Readlink(step)
		if err != nil { // it is no link, or not there
			at = step
			continue
		}
		links++
		left = append(strings.Split(target, "/"), left...)
		if filepath.IsAbs(target) {
			at = "/"
		}
	}
	return steps, at
}
