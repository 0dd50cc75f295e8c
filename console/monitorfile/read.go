// Package monitorfile reads and writes files of monitors, in YAML. What it writes it
// reads back, and apply takes it.
package monitorfile

import (
	"encoding/json"
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

	"github.com/goccy/go-yaml/ast"
)

// Check says what is wrong with a monitor by the rules of its kind.
type Check func(wire.Monitor) error

// Read reads monitors from files, folders of *.yaml and *.yml, or "-" for standard
// input. The error holds every mistake of every file, each with file, line, field
// and value ([safeyaml.Mistakes]).
func Read(paths []string, stdin io.Reader, check Check) ([]wire.Saved, error) {
	files, err := expandPaths(paths)
	if err != nil {
		return nil, err
	}
	var all []wire.Saved
	var errs []error
	r := newReader(check)
	for _, path := range files {
		data, err := safeyaml.ReadFile(path, stdin)
		if err == nil {
			var monitors []wire.Saved
			monitors, err = r.file(path, data)
			all = append(all, monitors...)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return all, r.cycles(all)
}

func expandPaths(paths []string) ([]string, error) {
	var files []string
	for _, p := range paths {
		info, err := os.Stat(p)
		if p != "-" && err != nil {
			return nil, safeyaml.FileError(p, err)
		}
		if p == "-" || !info.IsDir() {
			files = append(files, p)
			continue
		}
		n := len(files)
		for _, pattern := range []string{"*.yaml", "*.yml"} {
			found, err := filepath.Glob(filepath.Join(p, pattern))
			if err != nil {
				return nil, err
			}
			files = append(files, found...)
		}
		if len(files) == n {
			return nil, fmt.Errorf("%s: no *.yaml in this folder", p)
		}
		slices.Sort(files[n:])
	}
	return files, nil
}

// Parse reads one file: documents with a list of monitors, and what is usual for
// them in defaults. Its errors are those of Read.
func Parse(path string, data []byte, check Check) ([]wire.Saved, error) {
	r := newReader(check)
	all, err := r.file(path, data)
	if err != nil {
		return nil, err
	}
	return all, r.cycles(all)
}

// reader reads files that belong together.
type reader struct {
	check Check
	seen  map[string]place // by name
	files []*safeyaml.Source
}

// place is where a monitor stands.
type place struct {
	file *safeyaml.Source
	body ast.Node // of the document
	at   string   // its path there
	line string   // FILE:LINE of its name
}

func newReader(check Check) *reader { return &reader{check: check, seen: map[string]place{}} }

// file is one that is read.
type file struct {
	*reader
	path string
	src  *safeyaml.Source
}

func (r *reader) file(path string, data []byte) ([]wire.Saved, error) {
	f, docs, err := r.open(path, data)
	if err != nil {
		return nil, err
	}
	var all []wire.Saved
	for _, body := range docs {
		all = append(all, f.document(body)...)
	}
	if err := f.src.Err(); err != nil {
		return nil, err
	}
	return all, nil
}

// open parses a file into its documents.
func (r *reader) open(path string, data []byte) (f file, docs []ast.Node, err error) {
	if path == "-" {
		path = "standard input"
	}
	tree, err := safeyaml.Parse(data)
	if err != nil {
		return f, nil, safeyaml.SyntaxError(path, err)
	}
	f = file{r, path, safeyaml.NewSource(path, data)}
	r.files = append(r.files, f.src)
	for _, doc := range tree.Docs {
		if doc.Body != nil {
			docs = append(docs, doc.Body)
		}
	}
	return f, docs, nil
}

// cycles tells of monitors that depend on each other. That they depend on one that
// stands in no file is no mistake: it may be saved.
func (r *reader) cycles(all []wire.Saved) error {
	for _, e := range wire.FieldErrors(console.Cycles(all)) {
		name, field, _ := strings.Cut(e.Path, ".")
		is := r.seen[name]
		is.file.Add(is.body, joinPath(is.at, field), e.Err)
	}
	var errs []error
	for _, f := range r.files {
		errs = append(errs, f.Err())
	}
	return errors.Join(errs...)
}

// contents are what a YAML document has.
type contents struct {
	given defaults
	list  string // the name of the field that has the monitors
	raws  []json.RawMessage
}

// contents reads a document without its monitors; of one that is none there is nothing
// else to read.
func (f *file) contents(body ast.Node) (d contents, ok bool) {
	var doc struct {
		Defaults json.RawMessage   `json:"defaults"`
		Monitors []json.RawMessage `json:"monitors"`
		// What `-o json` puts around a list; apply takes its own output back.
		APIVersion string            `json:"apiVersion"`
		Kind       string            `json:"kind"`
		Items      []json.RawMessage `json:"items"`
	}
	data, err := safeyaml.JSON(body)
	if err != nil {
		f.src.Add(body, "", err)
		return d, false
	}
	if err := wire.DecodeStrict(data, &doc); err != nil {
		for _, e := range wire.FieldErrors(err) {
			f.src.Add(body, e.Path, e.Err)
		}
		return d, false
	}
	d.list, d.raws = "monitors", doc.Monitors
	if doc.APIVersion != "" {
		d.list, d.raws = "items", doc.Items
	}
	d.given, err = defaults(doc.Defaults).checked()
	f.mistakes(body, "defaults", err)
	return d, true
}

// document reads the monitors of a document.
func (f *file) document(body ast.Node) []wire.Saved {
	doc, ok := f.contents(body)
	if !ok {
		return nil
	}
	if len(doc.given) > 0 && len(doc.raws) == 0 {
		f.src.Add(body, "defaults", errors.New("are for the monitors of the same document, and it has none"))
	}
	var out []wire.Saved
	for i, raw := range doc.raws {
		at := fmt.Sprintf("%s[%d]", doc.list, i)
		var p wire.Problems
		m, err := doc.given.entry(raw)
		p.Add("", err)
		saved := m.saved()
		p.Add("", saved.Validate())
		p.Add("", f.check(saved.Monitor))
		f.mistakes(body, at, p.Err())
		if m.Name != "" && !f.first(body, at, m.Name) {
			continue
		}
		out = append(out, saved)
	}
	return out
}

// first says whether no monitor of this name was read before.
func (f *file) first(body ast.Node, at, name string) bool {
	if was, ok := f.seen[name]; ok {
		f.src.Add(body, at+".name", fmt.Errorf("%q stands a second time, first at %s", name, was.line))
		return false
	}
	f.seen[name] = place{f.src, body, at, fmt.Sprintf("%s:%d", f.path, safeyaml.LineOf(body, at+".name"))}
	return true
}

// mistakes notes what is wrong with what stands at a path: of each field the first
// mistake, since one that could not be read is not missing as well.
func (f *file) mistakes(body ast.Node, at string, err error) {
	told := map[string]bool{}
	for _, e := range wire.FieldErrors(err) {
		if !told[e.Path] {
			told[e.Path] = true
			f.src.Add(body, joinPath(at, e.Path), e.Err)
		}
	}
}

func joinPath(a, b string) string {
	if b == "" {
		return a
	}
	return a + "." + b
}
