package smokeping

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"netmon/console/migrate"
	"netmon/internal/safeyaml"
)

// section is one of the tree: *** Targets ***, + Europe, ++ london.
type section struct {
	name  string
	level int
	at    migrate.Place
	vars  map[string]string
	sub   []*section
	named map[string]*section // those of sub
	up    *section
}

func newSection(up *section, name string, at migrate.Place) *section {
	s := &section{name: name, at: at, vars: map[string]string{}, named: map[string]*section{}, up: up}
	if up != nil {
		s.level = up.level + 1
		up.sub = append(up.sub, s)
		up.named[name] = s
	}
	return s
}

// child is the section of this name, nil where there is none.
func (s *section) child(name string) *section {
	if s == nil {
		return nil
	}
	return s.named[name]
}

// value is a variable of the section, or of one above it.
func (s *section) value(name string) (string, bool) {
	for ; s != nil && s.level > 0; s = s.up {
		if v, ok := s.vars[name]; ok {
			return v, true
		}
	}
	return "", false
}

// parser reads the form of Config::Grammar.
type parser struct {
	in       *migrate.Input
	root, at *section
	defines  map[string]string
	defined  []string // names of defines, in order
	sections int
	errs     []error
}

const (
	maxSections = 100_000
	maxLevel    = 50
	maxIncludes = 16
	maxDefines  = 200
	maxLine     = 64 << 10 // bytes, with what @define puts in
)

var (
	include  = regexp.MustCompile(`^@include\s+["']?(.*?)["']?$`)
	define   = regexp.MustCompile(`^@define\s+(\S+)\s+(.*)$`)
	top      = regexp.MustCompile(`^\*\*\*\s*(.*?)\s*\*\*\*$`)
	below    = regexp.MustCompile(`^(\++)\s*(.*)$`)
	variable = regexp.MustCompile(`^(\S+?)\s*=\s*(.*)$`)
	remark   = regexp.MustCompile(`(^|\s)#.*$`)
)

// file reads one, path being the files that led there.
func (p *parser) file(f migrate.File, path []string) {
	name := filepath.Clean(f.Path)
	if slices.Contains(path, name) || len(path) >= maxIncludes {
		p.errs = append(p.errs, fmt.Errorf("%s: includes itself, or files over %d deep", f.Path, maxIncludes))
		return
	}
	n := 0
	var held strings.Builder
	for line := range strings.Lines(string(f.Data)) {
		n++
		line = strings.TrimSpace(remark.ReplaceAllString(strings.TrimRight(line, "\r\n"), ""))
		if rest, ok := strings.CutSuffix(line, `\`); ok && held.Len() < maxLine {
			held.WriteString(rest)
			continue
		}
		if held.Len() > 0 {
			line = held.String() + line
			held.Reset()
		}
		if line == "" {
			continue
		}
		if err := p.line(f, n, line, append(path, name)); err != nil {
			p.errs = append(p.errs, &safeyaml.Mistake{Path: f.Path, Line: n, What: err, Text: line})
			return
		}
	}
}

func (p *parser) line(f migrate.File, n int, line string, path []string) error {
	if m := include.FindStringSubmatch(line); m != nil {
		files, err := p.in.IncludeNear(f, m[1])
		if err == nil && len(files) == 0 {
			err = fmt.Errorf("%q is not there: give that file, too, or run this where it is", m[1])
		}
		for _, one := range files {
			p.file(one, path)
		}
		return err
	}
	if m := define.FindStringSubmatch(line); m != nil {
		if _, again := p.defines[m[1]]; !again {
			p.defined = append(p.defined, m[1])
		}
		if p.defines[m[1]] = m[2]; len(p.defined) > maxDefines {
			return fmt.Errorf("over %d names are defined (@define)", maxDefines)
		}
		return nil
	}
	for _, name := range p.defined {
		if line = strings.ReplaceAll(line, name, p.defines[name]); len(line) > maxLine {
			return errors.New("@define makes the line too long")
		}
	}
	at := migrate.Place{Path: f.Path, Line: n}
	if m := top.FindStringSubmatch(line); m != nil {
		if p.at = p.root.child(m[1]); p.at == nil {
			p.at = newSection(p.root, m[1], at)
		}
		return nil
	}
	if m := below.FindStringSubmatch(line); m != nil {
		return p.enter(len(m[1])+1, m[2], at)
	}
	if m := variable.FindStringSubmatch(line); m != nil && p.at.level > 0 {
		p.at.vars[m[1]] = m[2]
		return nil
	}
	if p.at.level == 0 {
		return errors.New("want *** NAME *** before it")
	}
	return nil // a row of a table, such as of Database
}

func (p *parser) enter(level int, name string, at migrate.Place) error {
	if name == "" {
		return errors.New("the section has no name")
	}
	if p.sections++; p.sections > maxSections || level > maxLevel {
		return fmt.Errorf("over %d sections, or %d levels of them", maxSections, maxLevel)
	}
	if p.at.level < level-1 || p.at.level == 0 {
		return fmt.Errorf("it is at level %d, and the section before it at %d", level-1, p.at.level-1)
	}
	for p.at.level >= level {
		p.at = p.at.up
	}
	if same := p.at.child(name); same != nil {
		return fmt.Errorf("section %q is given a second time here", name)
	}
	p.at = newSection(p.at, name, at)
	return nil
}
