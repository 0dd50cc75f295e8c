package status

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// manifestName is the file that says which files of a folder are ours. A web host need not
// serve it; nothing in it is private.
const manifestName = ".netmon-status-page"

// manifest is the list of our files.
type manifest struct {
	Files []string `json:"files"`
}

// Folder is where a site is written for a web host.
type Folder struct {
	root *os.Root
	path string
	had  []string // files of ours
}

// OpenFolder opens a folder, and makes it where it is not there. One that holds files of
// somebody else is refused: nothing of theirs is overwritten or deleted.
func OpenFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil { // #nosec G301 -- a web host reads it
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f := &Folder{root: root, path: dir}
	if err := f.check(); err != nil {
		_ = root.Close()
		return nil, err
	}
	return f, nil
}

// Close closes it.
func (f *Folder) Close() error { return f.root.Close() }

// check reads what is ours, or finds that the folder is empty.
func (f *Folder) check() error {
	data, err := f.root.ReadFile(manifestName)
	if errors.Is(err, fs.ErrNotExist) {
		list, err := fs.ReadDir(f.root.FS(), ".")
		if err == nil && len(list) > 0 {
			err = fmt.Errorf("%s holds %q, which netmon did not write: want an empty folder, or one that netmon status-page wrote", f.path, list[0].Name())
		}
		return err
	}
	if err == nil {
		f.had, err = readManifest(data)
	}
	if err != nil {
		return fmt.Errorf("%s: read %s: %w: delete the folder, or choose another one", f.path, manifestName, err)
	}
	return nil
}

// readManifest reads the paths of files that may be ours.
func readManifest(data []byte) ([]string, error) {
	var m manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, err
	}
	for _, name := range m.Files {
		if !ours(name) {
			return nil, fmt.Errorf("it names %q, which is no file of a status page", name)
		}
	}
	return m.Files, nil
}

// ours says whether a path can be that of a file of a site.
func ours(name string) bool {
	return filepath.IsLocal(name) && path.Clean(name) == name && !strings.HasPrefix(path.Base(name), ".")
}

// Export writes a site: each file as a whole, the first page last, and only what is another
// one. Files that it wrote before and that are no more are removed then. A file is in the
// manifest before it is there, so that after a crash none is left that nobody removes.
func (f *Folder) Export(s Site) error {
	var names []string
	for name := range s {
		if !ours(name) {
			return fmt.Errorf("%q is no path of a file here", name)
		}
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return orderOf(a) - orderOf(b) })
	all := slices.Concat(names, f.had)
	slices.Sort(all)
	if err := f.list(slices.Compact(all)); err != nil {
		return err
	}
	for _, name := range names {
		if err := f.write(name, s[name].Plain); err != nil {
			return fmt.Errorf("write %s: %w", filepath.Join(f.path, name), err)
		}
	}
	for _, name := range f.had {
		if s[name] == nil {
			if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("remove %s: %w", filepath.Join(f.path, name), err)
			}
		}
	}
	slices.Sort(names)
	if err := f.list(names); err != nil {
		return err
	}
	f.had = names
	return nil
}

// orderOf writes what pages need before the pages, and the first page last.
func orderOf(name string) int {
	switch {
	case strings.HasPrefix(name, "assets/"):
		return 0
	case name == "index.html":
		return 2
	}
	return 1
}

func (f *Folder) list(names []string) error {
	data, err := json.MarshalIndent(manifest{names}, "", " ")
	if err != nil {
		return err
	}
	return f.write(manifestName, append(data, '\n'))
}

// write replaces a file as a whole, where it is another one.
func (f *Folder) write(name string, data []byte) error {
	if was, err := f.root.ReadFile(name); err == nil && bytes.Equal(was, data) {
		return nil
	}
	if dir := path.Dir(name); dir != "." {
		if err := f.root.MkdirAll(dir, 0o755); err != nil { // #nosec G301 -- a web host reads it
			return err
		}
	}
	next := path.Join(path.Dir(name), ".new-"+path.Base(name))
	if err := f.root.WriteFile(next, data, 0o644); err != nil { // #nosec G306 -- it is public
		return err
	}
	if err := f.root.Rename(next, name); err != nil {
		_ = f.root.Remove(next)
		return err
	}
	return nil
}
