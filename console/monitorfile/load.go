package monitorfile

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"netmon/console"
	"netmon/internal/safeyaml"
	"netmon/wire"
)

// Of what is read together.
const (
	maxFiles = 10_000            // in one folder
	maxTotal = safeyaml.MaxBytes // of all files; 10,000 monitors take about 3 MB
)

// Limits are the part of docs/limits.md about files that are read together.
var Limits = []wire.Limit{
	{What: "files that are applied or watched together", Most: maxTotal, Unit: "bytes", Beyond: "not read: what is saved stays"},
	{What: "files of monitors in one folder", Most: maxFiles, Unit: "files", Beyond: "not read: what is saved stays"},
}

// Read reads what is wanted from files, folders of *.yaml and *.yml, or "-" for standard
// input. The error holds every mistake of every file, each with file, line, field
// and value ([safeyaml.Mistakes]). With prune, where what is in no file is deleted, that a
// file or a list says nothing is a mistake, too: it may be half written.
func Read(paths []string, stdin io.Reader, check console.Checks, prune bool) (console.Wanted, error) {
	return read(paths, stdin).Wanted(check, prune)
}

func read(paths []string, stdin io.Reader) Files {
	return load(paths, false, func(_ *os.Root, path string, most int) held {
		data, err := safeyaml.ReadFile(path, stdin)
		return hold(path, data, err)
	}, readRegular)
}

// Files is what files held at one moment.
type Files struct {
	list []held
	err  error // why it is not known which files there are
}

// held is one of them.
type held struct {
	path string
	data []byte
	size int
	sum  [sha256.Size]byte // of data
	err  error             // why it could not be read
}

func hold(path string, data []byte, err error) held {
	return held{path, data, len(data), sha256.Sum256(data), err}
}

// Look reads files, and folders of *.yaml and *.yml, as they are now. It never waits: what
// is no regular file is a mistake of [Files.Wanted], as is one that cannot be read. With
// within so is a link in a folder that leads out of it: who may write a folder is not to
// have read what we can read, and they cannot.
func Look(paths []string, within bool) Files { return load(paths, within, readRegular, readRegular) }

// Digest is that of what [Look] would read, for little memory.
func Digest(paths []string, within bool) [sha256.Size]byte {
	return load(paths, within, sumRegular, sumRegular).Digest()
}

// taking takes what is at a path, in a root if there is one, of at most so many bytes.
type taking func(root *os.Root, path string, most int) held

func readRegular(root *os.Root, path string, most int) held {
	data, err := safeyaml.ReadRegular(root, path, most)
	return hold(path, data, err)
}

func sumRegular(root *os.Root, path string, most int) held {
	sum, size, err := safeyaml.SumRegular(root, path, most)
	if err != nil {
		return hold(path, nil, err)
	}
	return held{path, nil, size, sum, nil}
}

// load takes what is named by one of the functions, and what is in folders by the other,
// within says whether in a root.
func load(paths []string, within bool, named, inFolder taking) (f Files) {
	left := maxTotal
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case path == "-" || err == nil && !info.IsDir():
			left = f.take(named(nil, path, left), path, left)
		case err != nil:
			f.err = safeyaml.FileError(path, err)
		default:
			left = f.folder(path, within, inFolder, left)
		}
		if f.err != nil {
			return f
		}
	}
	return f
}

// folder adds the files of one, and returns how many bytes others may have.
func (f *Files) folder(dir string, within bool, take taking, left int) int {
	names, err := filesIn(dir)
	if err != nil {
		f.err = err
		return left
	}
	var root *os.Root
	if within {
		if root, err = os.OpenRoot(dir); err != nil {
			f.err = safeyaml.FileError(dir, err)
			return left
		}
		defer root.Close()
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		at := path
		if within {
			at = name
		}
		x := take(root, at, left)
		x.path = path
		if left = f.take(x, dir, left); f.err != nil {
			break
		}
	}
	return left
}

// take adds a file, and returns how many bytes the others may have. of is the path that it
// was named by.
func (f *Files) take(x held, of string, left int) int {
	if left -= x.size; left < 0 || errors.Is(x.err, safeyaml.ErrTooLong) {
		f.err = fmt.Errorf("%s: over %d bytes in files together: want at most that", of, maxTotal)
	}
	f.list = append(f.list, x)
	return left
}

// ErrEmpty says that a folder has no files: what is saved stays as it is.
var ErrEmpty = errors.New("no *.yaml in this folder")

// filesIn are the names of the files that count in a folder. Hidden ones do not: editors
// and Kubernetes keep there what is not finished, or is there under another name.
func filesIn(dir string) (names []string, err error) {
	d, err := os.Open(dir) // #nosec G304 -- who starts this names it
	if err != nil {
		return nil, safeyaml.FileError(dir, err)
	}
	defer d.Close()
	for {
		entries, err := d.ReadDir(1000)
		for _, e := range entries {
			ext := filepath.Ext(e.Name())
			if !strings.HasPrefix(e.Name(), ".") && (ext == ".yaml" || ext == ".yml") {
				names = append(names, e.Name())
			}
		}
		switch {
		case len(names) > maxFiles:
			return nil, fmt.Errorf("%s: has over %d files: want at most that", dir, maxFiles)
		case errors.Is(err, io.EOF):
			if len(names) == 0 {
				return nil, fmt.Errorf("%s: %w", dir, ErrEmpty)
			}
			slices.Sort(names)
			return names, nil
		case err != nil:
			return nil, safeyaml.FileError(dir, err)
		}
	}
}

// Digest is the same for the same files with the same contents, or the same reasons why
// they could not be read.
func (f Files) Digest() (sum [sha256.Size]byte) {
	h := sha256.New()
	part := func(data []byte) { fmt.Fprintf(h, "%d:%s", len(data), data) }
	for _, x := range f.list {
		part([]byte(x.path))
		part(x.sum[:])
		if x.err != nil {
			part([]byte(x.err.Error()))
		}
	}
	if f.err != nil {
		part([]byte(f.err.Error()))
	}
	h.Sum(sum[:0])
	return sum
}

// Wanted is what the files want to be saved, and its error, as [Read] has them.
func (f Files) Wanted(check console.Checks, prune bool) (console.Wanted, error) {
	if f.err != nil {
		return console.Wanted{}, f.err
	}
	all := console.Wanted{NoMonitors: true}
	var errs []error
	r := newReader(check)
	r.prune = prune
	for _, x := range f.list {
		err := x.err
		if err == nil {
			err = r.file(x.path, x.data, &all)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return console.Wanted{}, err
	}
	all.From = r.origins()
	return all, r.among(all)
}

// origins are the files that things are in, as [console.Wanted.From] has them.
func (r *reader) origins() map[string]string {
	from := make(map[string]string, len(r.seen))
	for is, at := range r.seen {
		title := is.name
		if is.what != ofMonitor {
			title = console.SortWord(wire.Sort(is.what)) + " " + title
		}
		from[title] = at.file.Path()
	}
	return from
}
