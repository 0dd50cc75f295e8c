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
	seen := map[string]string{}
	for _, path := range files {
		data, err := safeyaml.ReadFile(path, stdin)
		if err == nil {
			var monitors []wire.Saved
			monitors, err = parse(path, data, check, seen)
			all = append(all, monitors...)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return all, nil
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

// Parse reads one file: documents with a list of monitors. Its errors are those of Read.
func Parse(path string, data []byte, check Check) ([]wire.Saved, error) {
	return parse(path, data, check, map[string]string{})
}

// file is one that is read.
type file struct {
	path  string
	src   *safeyaml.Source
	check Check
	seen  map[string]string // name -> where it stands, of all files
}

func parse(path string, data []byte, check Check, seen map[string]string) ([]wire.Saved, error) {
	if path == "-" {
		path = "standard input"
	}
	tree, err := safeyaml.Parse(data)
	if err != nil {
		return nil, safeyaml.SyntaxError(path, err)
	}
	f := file{path, safeyaml.NewSource(path, data), check, seen}
	var all []wire.Saved
	for _, doc := range tree.Docs {
		if doc.Body != nil {
			all = append(all, f.document(doc.Body)...)
		}
	}
	if err := f.src.Err(); err != nil {
		return nil, err
	}
	return all, nil
}

// document reads one YAML document.
func (f *file) document(body ast.Node) []wire.Saved {
	var doc struct {
		Monitors []json.RawMessage `json:"monitors"`
		// What `-o json` puts around a list; apply takes its own output back.
		APIVersion string            `json:"apiVersion"`
		Kind       string            `json:"kind"`
		Items      []json.RawMessage `json:"items"`
	}
	data, err := safeyaml.JSON(body)
	if err != nil {
		f.src.Add(body, "", err)
		return nil
	}
	if err := wire.DecodeStrict(data, &doc); err != nil {
		for _, e := range wire.FieldErrors(err) {
			f.src.Add(body, e.Path, e.Err)
		}
		return nil
	}
	list, raws := "monitors", doc.Monitors
	if doc.APIVersion != "" {
		list, raws = "items", doc.Items
	}
	var out []wire.Saved
	for i, raw := range raws {
		at := fmt.Sprintf("%s[%d]", list, i)
		var m entry
		var p wire.Problems
		p.Add("", wire.DecodeStrict(raw, &m))
		saved := m.saved()
		p.Add("agents", m.Agents.Validate())
		p.Add("except", m.Except.Validate())
		p.Add("", f.check(saved.Monitor))
		told := map[string]bool{} // a field that could not be read is not missing as well
		for _, e := range wire.FieldErrors(p.Err()) {
			if !told[e.Path] {
				told[e.Path] = true
				f.src.Add(body, joinPath(at, e.Path), e.Err)
			}
		}
		if m.Name != "" {
			if where, ok := f.seen[m.Name]; ok {
				f.src.Add(body, at+".name", fmt.Errorf("%q stands a second time, first at %s", m.Name, where))
				continue
			}
			f.seen[m.Name] = fmt.Sprintf("%s:%d", f.path, safeyaml.LineOf(body, at+".name"))
		}
		out = append(out, saved)
	}
	return out
}

func joinPath(a, b string) string {
	if b == "" {
		return a
	}
	return a + "." + b
}
