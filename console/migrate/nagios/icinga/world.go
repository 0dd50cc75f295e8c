// Package icinga reads the configuration of Icinga 2 as far as it stands still: objects,
// templates, rules and their conditions for the hosts that are in the files. What Icinga
// works out for each check while it runs, functions in {{ }}, is left out.
//
// lex.go, parse.go and expression.go read the language, eval.go and value.go work it out,
// world.go holds what the files define, command.go makes command lines, library.go those of
// CheckCommands that Icinga has itself, checks.go makes monitors.
package icinga

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"

	"netmon/console/migrate"
	"netmon/console/migrate/nagios/plugin"
	"netmon/internal/safeyaml"
)

var language = regexp.MustCompile(`(?m)^\s*(?:(?:object|template|apply)\s+[A-Z][A-Za-z]+[ \t]+[^\n{]*\{?|include(?:_recursive)?\s+["<]|const\s+[A-Za-z]+\s*=)`)

// Reads says whether a file is in Icinga 2's language.
func Reads(data []byte) bool { return language.Match(data) }

// Read adds what the files have to found.
func Read(in *migrate.Input, files []migrate.File, found *migrate.Found, names migrate.Names) error {
	w := &world{globals: newDict(), templates: map[string]*node{}, objects: map[string]map[string]*entry{}, order: map[string][]string{}, library: library()}
	w.globals.set("PluginDir", plugin.Folder)
	w.globals.set("NodeName", "localhost")
	w.globals.set("ZoneName", "localhost")
	l := &loader{world: w, in: in, seen: map[string]bool{}}
	for _, f := range files {
		l.file(f)
	}
	if err := errors.Join(l.errs...); err != nil {
		return err
	}
	l.objects()
	i := &importer{world: w, found: found, names: names, hostCheck: map[string]string{}, serviceCheck: map[string]string{}}
	i.run(l.remarks)
	return nil
}

// loader reads files and those they include.
type loader struct {
	*world
	in      *migrate.Input
	seen    map[string]bool
	nodes   []*node // objects in their order
	errs    []error
	remarks []migrate.Remark
}

func (l *loader) file(f migrate.File) {
	if path := filepath.Clean(f.Path); l.seen[path] {
		return
	} else {
		l.seen[path] = true
	}
	nodes, err := parse(f)
	if err != nil {
		l.errs = append(l.errs, err)
		return
	}
	top := &scope{world: l.world}
	for _, n := range nodes {
		switch n.op {
		case "object":
			l.nodes = append(l.nodes, n)
			if len(n.sub) > 0 { // what others may import, too
				if name, err := top.eval(n.sub[0]); err == nil {
					if key := n.text + " " + text(name); l.templates[key] == nil {
						l.templates[key] = n
					}
				}
			}
		case "template":
			if name, err := top.eval(n.sub[0]); err == nil {
				l.templates[n.text+" "+text(name)] = n
			}
		case "apply":
			l.applies = append(l.applies, n)
		case "include", "include_recursive":
			l.include(top, f, n)
		case "include_zones", "library", "none", "beyond":
		default:
			if err := top.statement(n); err != nil {
				l.remark(n, "not read: %s", err)
			}
		}
	}
}

func (l *loader) remark(n *node, format string, args ...any) {
	l.remarks = append(l.remarks, migrate.Remark{At: n.at, Text: fmt.Sprintf(format, args...)})
}

func (l *loader) include(top *scope, f migrate.File, n *node) {
	v, err := top.eval(n.sub[0])
	pattern := text(v)
	if err != nil || pattern == "" || filepath.Dir(filepath.Clean(pattern)) == filepath.Clean(pattern) && pattern != "." {
		l.remark(n, "not included: want the name of a file or folder")
		return
	}
	patterns := []string{pattern}
	if n.op == "include_recursive" {
		patterns = nil
		for below, depth := pattern, 0; depth < 4; below, depth = below+"/*", depth+1 {
			patterns = append(patterns, below+"/*.conf")
		}
	}
	for _, p := range patterns {
		files, err := l.in.Include(f, p)
		if err != nil {
			l.errs = append(l.errs, &safeyaml.Mistake{Path: f.Path, Line: n.at.Line, What: err})
			return
		}
		for _, one := range files {
			l.file(one)
		}
	}
}

// objects works out the objects, hosts first: conditions ask for those.
func (l *loader) objects() {
	for _, kind := range []string{"Host", ""} {
		for _, n := range l.nodes {
			if n.text == "Host" != (kind == "Host") || len(n.sub) == 0 {
				continue
			}
			top := &scope{world: l.world}
			name, err := top.eval(n.sub[0])
			if err != nil {
				l.remark(n, "object %s: %s", n.text, err)
				continue
			}
			e := l.build(n, text(name), nil)
			if l.world.objects[n.text] == nil {
				l.world.objects[n.text] = map[string]*entry{}
			}
			key := text(name)
			if n.text == "Service" || n.text == "Dependency" {
				key = e.text("host_name") + "!" + key
			}
			if _, twice := l.world.objects[n.text][key]; !twice {
				l.order[n.text] = append(l.order[n.text], key)
			}
			l.world.objects[n.text][key] = e
		}
	}
}

// build works out one object, in which vars are known.
func (w *world) build(n *node, name string, vars map[string]any) *entry {
	e := &entry{newDict(), n, nil}
	e.set("name", name)
	s := &scope{world: w, vars: vars, this: e.dict, kind: n.text}
	e.err = s.exec(n.body)
	return e
}

// applies says whether the conditions of a rule hold.
func (s *scope) applies(body []*node) (bool, error) {
	yes := false
	for _, n := range body {
		if n.op != "assign" && n.op != "ignore" {
			continue
		}
		v, err := s.eval(n.sub[0])
		if err != nil {
			return false, err
		}
		if _, is := v.(function); is {
			return false, errFunction
		}
		if n.op == "ignore" && truth(v) {
			return false, nil
		}
		yes = yes || n.op == "assign" && truth(v)
	}
	return yes, nil
}

// hasAssign says whether a rule says where it applies.
func hasAssign(body []*node) bool {
	for _, n := range body {
		if n.op == "assign" {
			return true
		}
	}
	return false
}
