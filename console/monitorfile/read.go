// Package monitorfile reads and writes files of monitors, channels, rules, windows and
// groups, in YAML. What it writes it reads back, and apply takes it.
package monitorfile

import (
	"errors"
	"fmt"
	"strings"

	"netmon/console"
	"netmon/internal/safeyaml"
	"netmon/wire"

	"github.com/goccy/go-yaml/ast"
)

// Parse reads one file: documents with lists of monitors, and what is usual for them in
// defaults, of channels, rules, windows and groups. Its errors are those of Read.
func Parse(path string, data []byte, check console.Checks) (console.Wanted, error) {
	r := newReader(check)
	all := console.Wanted{NoMonitors: true}
	if err := r.file(path, data, &all); err != nil {
		return console.Wanted{}, err
	}
	return all, r.among(all)
}

// reader reads files that belong together.
type reader struct {
	check console.Checks
	prune bool // what is in no file is deleted, see [Read]
	seen  map[thing]position
	files []*safeyaml.Source
}

// thing is a monitor or a setting.
type thing struct{ what, name string } // what is ofMonitor, or a sort

const ofMonitor = "monitor"

// position is where it is.
type position struct {
	file *safeyaml.Source
	body ast.Node // of the document
	at   string   // its path there
	line string   // FILE:LINE of its name
}

func newReader(check console.Checks) *reader {
	return &reader{check: check, seen: map[thing]position{}}
}

// file is one that is read.
type file struct {
	*reader
	path string
	src  *safeyaml.Source
	says bool // it has a list, be it empty, or something that was reported
}

func (r *reader) file(path string, data []byte, into *console.Wanted) error {
	f, docs, err := r.open(path, data)
	if err != nil {
		return err
	}
	for _, body := range docs {
		f.document(body, into)
	}
	if r.prune && !f.says {
		return &safeyaml.Mistake{Path: f.path, Line: 1, What: errors.New("has nothing in it, as what is half written: nothing is deleted for that. To mean it, write monitors: [], or delete the file")}
	}
	return f.src.Err()
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
	f = file{reader: r, path: path, src: safeyaml.NewSource(path, data)}
	r.files = append(r.files, f.src)
	for _, doc := range tree.Docs {
		if doc.Body != nil {
			docs = append(docs, doc.Body)
		}
	}
	return f, docs, nil
}

// among reports what is wrong with all of it together: monitors that depend on each other,
// channels that are each other's fallback, and a group with the name of a monitor. That
// something is named that is in no file is not a mistake: it may be saved.
func (r *reader) among(all console.Wanted) error {
	for _, e := range wire.FieldErrors(console.Cycles(all.Monitors)) {
		name, field, _ := strings.Cut(e.Path, ".")
		r.addProblem(thing{ofMonitor, name}, field, e.Err)
	}
	fallback := map[string]string{}
	for _, x := range all.Of(wire.SortChannel) {
		fallback[x.SettingName()] = x.(*wire.Channel).Fallback
	}
	for _, x := range all.Settings {
		name := x.SettingName()
		switch x.Sort() {
		case wire.SortChannel:
			if cycle := console.FallbackCycle(name, func(c string) string { return fallback[c] }); cycle != nil {
				r.addProblem(thing{string(wire.SortChannel), name}, "fallback", fmt.Errorf("%s is a cycle", strings.Join(cycle, " -> ")))
			}
		case wire.SortGroup:
			if m, ok := r.seen[thing{ofMonitor, name}]; ok {
				r.addProblem(thing{string(wire.SortGroup), name}, "name", fmt.Errorf("%q is the name of a monitor, at %s: a group has a name of its own", name, m.line))
			}
		}
	}
	var errs []error
	for _, f := range r.files {
		errs = append(errs, f.Err())
	}
	return errors.Join(errs...)
}

func (r *reader) addProblem(of thing, field string, err error) {
	is := r.seen[of]
	is.file.Add(is.body, joinPath(is.at, field), err)
}

// first says whether this was not read before.
func (f *file) first(body ast.Node, at string, is thing) bool {
	if was, ok := f.seen[is]; ok {
		f.src.Add(body, at+".name", fmt.Errorf("%q is given a second time, first at %s", is.name, was.line))
		return false
	}
	f.seen[is] = position{f.src, body, at, fmt.Sprintf("%s:%d", f.path, safeyaml.LineOf(body, at+".name"))}
	return true
}

// mistakes notes what is wrong with what is at a path: of each field the first
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
