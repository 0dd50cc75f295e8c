package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

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
		data, err := safeyaml.ReadFile(path, stdin)
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

// parseMonitors reads one file: documents with a list of monitors.
func parseMonitors(path string, data []byte, seen map[string]string) ([]wire.Saved, error) {
	if path == "-" {
		path = "standard input"
	}
	file, err := safeyaml.Parse(data)
	if err != nil {
		return nil, safeyaml.SyntaxError(path, err)
	}
	src := safeyaml.Source{Path: path, Lines: strings.Split(string(data), "\n")}
	var all []wire.Saved
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		all = append(all, document(&src, doc.Body, seen)...)
	}
	if err := src.Err(); err != nil {
		return nil, err
	}
	return all, nil
}

// document reads one YAML document.
func document(s *safeyaml.Source, body ast.Node, seen map[string]string) []wire.Saved {
	var doc struct {
		Monitors []json.RawMessage `json:"monitors"`
		// What `-o json` puts around a list; apply takes its own output back.
		APIVersion string            `json:"apiVersion"`
		Kind       string            `json:"kind"`
		Items      []json.RawMessage `json:"items"`
	}
	data, err := safeyaml.JSON(body)
	if err != nil {
		s.Add(body, "", err)
		return nil
	}
	if err := wire.DecodeStrict(data, &doc); err != nil {
		for _, e := range wire.FieldErrors(err) {
			s.Add(body, e.Path, e.Err)
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
				s.Add(body, joinPath(at, e.Path), e.Err)
			}
		}
		if m.Name != "" {
			if where, ok := seen[m.Name]; ok {
				s.Add(body, at+".name", fmt.Errorf("%q stands a second time, first at %s", m.Name, where))
				continue
			}
			seen[m.Name] = fmt.Sprintf("%s:%d", s.Path, safeyaml.NodeAt(body, at+".name").GetToken().Position.Line)
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
