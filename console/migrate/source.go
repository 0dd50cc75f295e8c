package migrate

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"netmon/internal/safeyaml"
)

// Source is a tool whose files are read.
type Source struct {
	Name  string // as in netmon import NAME
	Title string // as the tool calls itself
	Files string // what it reads, for help: one sentence without a full stop
	// Patterns are those of the files in a folder that somebody gives, such as *.yaml; none:
	// it reads no folders.
	Patterns []string
	Usage    string // FILE as help shows it, such as prometheus.yml [blackbox.yml]
	// Read reads them. An error is for files that are not what they should be, with file and
	// line ([safeyaml.Mistake]); what netmon cannot carry is no error.
	Read func(*Input) (*Found, error)
}

// maxFiles bounds the files that one import reads, those that others include among them.
const maxFiles = 10_000

// File is one that is read.
type File struct {
	Path string
	Data []byte
}

// Input is what somebody gave, and what that includes.
type Input struct {
	Files []File
	read  int // files so far
}

// NewInput reads files; "-" is stdin. Of a folder it reads the files of these patterns.
func NewInput(paths []string, stdin io.Reader, patterns ...string) (*Input, error) {
	in := &Input{}
	var errs []error
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.IsDir() && len(patterns) > 0 {
			errs = append(errs, in.folder(path, patterns))
			continue
		}
		f, err := in.open(path, stdin)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		in.Files = append(in.Files, f)
	}
	return in, errors.Join(errs...)
}

func (in *Input) folder(path string, patterns []string) error {
	were := len(in.Files)
	for _, pattern := range patterns {
		files, err := in.Include(File{Path: filepath.Join(path, "any")}, pattern)
		if err != nil {
			return err
		}
		in.Files = append(in.Files, files...)
	}
	if len(in.Files) == were {
		return fmt.Errorf("%s: no %s in this folder", path, strings.Join(patterns, " or "))
	}
	return nil
}

func (in *Input) open(path string, stdin io.Reader) (File, error) {
	if in.read++; in.read > maxFiles {
		return File{}, fmt.Errorf("%s: over %d files", path, maxFiles)
	}
	data, err := safeyaml.ReadFile(path, stdin)
	if path == "-" {
		path = "standard input"
	}
	return File{path, data}, err
}

// Names are those of the files that somebody gave.
func (in *Input) Names() string {
	var names []string
	for _, f := range in.Files {
		names = append(names, f.Path)
	}
	return strings.Join(names, ", ")
}

// Hide takes out of an error what it shows of files that nobody named: what includes them may
// be somebody else's, and they any file of this host. Of those that somebody named, a line is
// shown without what may be a password in it.
func (in *Input) Hide(err error) error {
	switch e := err.(type) {
	case *safeyaml.Mistake:
		if !slices.ContainsFunc(in.Files, func(f File) bool { return f.Path == e.Path }) {
			e.Field, e.What, e.Text = "", errors.New("what is here cannot be read: name this file itself to see why"), ""
		} else if at := secretText.FindStringIndex(e.Text); at != nil {
			e.Text = e.Text[:at[1]] + "..."
		} else {
			e.Text = Redact(e.Text)
		}
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			_ = in.Hide(one) // in place
		}
	case interface{ Unwrap() error }:
		_ = in.Hide(e.Unwrap())
	}
	return err
}

// Include reads the files that a pattern names, which stands in another file: relative to
// that one's folder unless it is absolute. None is not an error.
func (in *Input) Include(from File, pattern string) ([]File, error) {
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(filepath.Dir(from.Path), pattern)
	}
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("%s includes %q: %w", from.Path, pattern, err)
	}
	var files []File
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
			continue // a folder; a device or a pipe may never end
		}
		f, err := in.open(path, nil)
		if err != nil {
			return files, err
		}
		files = append(files, f)
	}
	return files, nil
}
