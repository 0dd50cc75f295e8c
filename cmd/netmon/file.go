package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"netmon/internal/safeyaml"
	"netmon/probes"
	"netmon/wire"
)

// loadMonitors reads monitors from files, folders of *.yaml and *.yml, or "-"
// for standard input. The error holds every mistake of every file, each with
// file, line, field and value.
func loadMonitors(paths []string, stdin io.Reader) ([]wire.Saved, error) {
	files, err := expandPaths(paths)
	if err != nil {
		return nil, usage("%w", err)
	}
	var all []wire.Saved
	var errs []error
	seen := map[string]string{} // name -> where it stands
	for _, path := range files {
		data, err := readFile(path, stdin)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		monitors, err := parseMonitors(path, data, seen)
		if err != nil {
			errs = append(errs, err)
		}
		all = append(all, monitors...)
	}
	if len(errs) > 0 {
		return nil, usage("%w", errors.Join(errs...))
	}
	return all, nil
}

func expandPaths(paths []string) ([]string, error) {
	var files []string
	for _, p := range paths {
		info, err := os.Stat(p)
		if p != "-" && err != nil {
			return nil, fileError(p, err)
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

// fileError is err without the name of a system call.
func fileError(path string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("%s: %w", path, err)
}

func readFile(path string, stdin io.Reader) ([]byte, error) {
	r := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fileError(path, err)
		}
		defer f.Close()
		r = f
	}
	data, err := io.ReadAll(io.LimitReader(r, safeyaml.MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > safeyaml.MaxBytes {
		return nil, fmt.Errorf("%s: over %d bytes", path, safeyaml.MaxBytes)
	}
	return data, nil
}

// parseMonitors reads one file: documents with a list of monitors.
func parseMonitors(path string, data []byte, seen map[string]string) ([]wire.Saved, error) {
	if path == "-" {
		path = "standard input"
	}
	file, err := safeyaml.Parse(data)
	if err != nil {
		return nil, syntaxError(path, err)
	}
	src := source{path: path, lines: strings.Split(string(data), "\n")}
	var all []wire.Saved
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		all = append(all, src.document(doc.Body, seen)...)
	}
	if err := src.err(); err != nil {
		return nil, err
	}
	return all, nil
}

func syntaxError(path string, err error) error {
	var y yaml.Error
	var limit *safeyaml.LimitError
	if errors.As(err, &limit) {
		return fmt.Errorf("%s:%d: %s", path, limit.Line, limit.Text)
	}
	if errors.As(err, &y) && y.GetToken() != nil {
		return &mistake{path: path, line: y.GetToken().Position.Line, what: errors.New(y.GetMessage())}
	}
	return fmt.Errorf("%s: %w", path, err)
}

// source gathers the mistakes of one file, with their lines.
type source struct {
	path  string
	lines []string
	errs  []*mistake
}

// shownLine is how much of a line is shown with what is wrong in it, bytes.
const shownLine = 200

// mistake is one error in a file.
type mistake struct {
	path  string
	line  int    // 1 is the first
	field string // "" where it is about none
	what  error
	text  string // of the line; "" where it is not shown
}

func (m *mistake) Error() string {
	s := fmt.Sprintf("%s:%d: %s", m.path, m.line, m.short())
	if m.text != "" {
		s += fmt.Sprintf("\n%6d | %s", m.line, m.text)
	}
	return s
}

// short tells it to somebody who has the line before him.
func (m *mistake) short() string {
	if m.field == "" {
		return m.what.Error()
	}
	return m.field + ": " + m.what.Error()
}

func (m *mistake) Unwrap() error { return m.what }

// mistake notes one error at the node that path leads to from root.
func (s *source) mistake(root ast.Node, path string, err error) {
	m := &mistake{path: s.path, line: nodeAt(root, path).GetToken().Position.Line, field: path, what: err}
	if m.line >= 1 && m.line <= len(s.lines) {
		m.text = wire.Clip(strings.TrimRight(s.lines[m.line-1], " \r"), shownLine)
	}
	s.errs = append(s.errs, m)
}

// err joins the mistakes in the order of their lines.
func (s *source) err() error {
	slices.SortStableFunc(s.errs, func(a, b *mistake) int { return a.line - b.line })
	var errs []error
	for _, m := range s.errs {
		errs = append(errs, m)
	}
	return errors.Join(errs...)
}

// document reads one YAML document.
func (s *source) document(body ast.Node, seen map[string]string) []wire.Saved {
	var doc struct {
		Monitors []json.RawMessage `json:"monitors"`
		// What `-o json` puts around a list; apply takes its own output back.
		APIVersion string            `json:"apiVersion"`
		Kind       string            `json:"kind"`
		Items      []json.RawMessage `json:"items"`
	}
	data, err := safeyaml.JSON(body)
	if err != nil {
		s.mistake(body, "", err)
		return nil
	}
	if err := wire.DecodeStrict(data, &doc); err != nil {
		for _, e := range wire.FieldErrors(err) {
			s.mistake(body, e.Path, e.Err)
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
		var m fileMonitor
		var p wire.Problems
		p.Add("", wire.DecodeStrict(raw, &m))
		saved := m.saved()
		p.Add("agents", m.Agents.Validate())
		p.Add("except", m.Except.Validate())
		p.Add("", probes.CheckMonitor(saved.Monitor))
		told := map[string]bool{} // a field that could not be read is not missing as well
		for _, e := range wire.FieldErrors(p.Err()) {
			if !told[e.Path] {
				told[e.Path] = true
				s.mistake(body, joinPath(at, e.Path), e.Err)
			}
		}
		if m.Name != "" {
			if where, ok := seen[m.Name]; ok {
				s.mistake(body, at+".name", fmt.Errorf("%q stands a second time, first at %s", m.Name, where))
				continue
			}
			seen[m.Name] = fmt.Sprintf("%s:%d", s.path, nodeAt(body, at+".name").GetToken().Position.Line)
		}
		out = append(out, saved)
	}
	return out
}

// fileMonitor is a monitor as people write it: a wire.Saved without what only
// the store knows.
type fileMonitor struct {
	Name    string          `json:"name"`
	Kind    string          `json:"kind"`
	Target  string          `json:"target"`
	Every   wire.Duration   `json:"every,omitempty"`
	Timeout wire.Duration   `json:"timeout,omitempty"`
	Agents  wire.Selectors  `json:"agents,omitzero"`
	Except  wire.Selectors  `json:"except,omitempty"`
	Paused  bool            `json:"paused,omitempty"`
	Options json.RawMessage `json:"options,omitempty"`
}

func (m fileMonitor) saved() wire.Saved {
	return wire.Saved{
		Monitor: wire.Monitor{Name: m.Name, Kind: m.Kind, Target: m.Target, Every: m.Every, Timeout: m.Timeout, Options: m.Options},
		Agents:  m.Agents, Except: m.Except, Paused: m.Paused,
	}
}

func toFile(s wire.Saved) fileMonitor {
	return fileMonitor{Name: s.Name, Kind: s.Kind, Target: s.Target, Every: s.Every, Timeout: s.Timeout,
		Agents: s.Agents, Except: s.Except, Paused: s.Paused, Options: s.Options}
}

func joinPath(a, b string) string {
	if b == "" {
		return a
	}
	return a + "." + b
}

var pathPart = regexp.MustCompile(`[^.\[\]]+|\[\d+\]`)

// nodeAt follows a path such as monitors[2].options.status as far as it leads.
// For a field that is missing that is the node it is missing from.
func nodeAt(n ast.Node, path string) ast.Node {
	for _, part := range pathPart.FindAllString(path, -1) {
		next := child(n, part)
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

func child(n ast.Node, part string) ast.Node {
	if m, ok := n.(*ast.MappingValueNode); ok {
		n = ast.Mapping(m.GetToken(), false, m)
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			if v.Key.GetToken().Value == part {
				return v.Value
			}
		}
	case *ast.SequenceNode:
		if i, err := strconv.Atoi(strings.Trim(part, "[]")); err == nil && i < len(n.Values) {
			return n.Values[i]
		}
	case *ast.AnchorNode:
		return child(n.Value, part)
	}
	return nil
}
