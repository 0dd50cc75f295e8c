package icinga

import (
	"errors"
	"fmt"
	"maps"
)

// world is what all files say: constants, templates, objects and rules.
type world struct {
	globals   *dict
	templates map[string]*node // by type and name
	objects   map[string]map[string]*entry
	order     map[string][]string
	applies   []*node
	library   map[string]checkCommand // of Icinga itself
	steps     int                     // of evaluation
}

// entry is an object: what it says, worked out.
type entry struct {
	*dict
	node *node
	err  error // why it could not be worked out
}

// maxSteps bounds what is worked out: rules times hosts.
const maxSteps = 50_000_000

const maxImports = 32

var errSteps = errors.New("working it out takes too long")

// scope is where names are looked up.
type scope struct {
	*world
	vars    map[string]any // of loops, and host, service
	this    *dict          // the object; nil outside of one
	kind    string         // its type
	imports int
}

func (s *scope) exec(body []*node) error {
	for _, n := range body {
		if err := s.statement(n); err != nil {
			return err
		}
	}
	return nil
}

func (s *scope) statement(n *node) error {
	switch n.op {
	case "none", "assign", "ignore":
		return nil
	case "set":
		return s.assign(n)
	case "import":
		return s.importTemplate(n)
	case "if":
		v, err := s.eval(n.sub[0])
		if err != nil {
			return err
		}
		if truth(v) {
			return s.exec(n.body)
		}
		if len(n.sub) > 1 {
			return s.exec(n.sub[1].body)
		}
		return nil
	case "for":
		list, err := s.eval(n.sub[0])
		if err != nil {
			return err
		}
		return s.each(n, list, func(inner *scope) error { return inner.exec(n.body) })
	case "object", "template", "apply", "include", "include_recursive", "include_zones", "library":
		return fmt.Errorf("line %d: %s inside of an object", n.at.Line, n.op)
	}
	_, err := s.eval(n)
	return err
}

// each runs do for each element, with the variables of the loop set.
func (s *scope) each(n *node, list any, do func(*scope) error) error {
	run := func(first, second any) error {
		inner := *s
		inner.vars = map[string]any{}
		maps.Copy(inner.vars, s.vars)
		inner.vars[n.for1] = first
		if n.for2 != "" {
			inner.vars[n.for2] = second
		}
		return do(&inner)
	}
	switch v := list.(type) {
	case *dict:
		for _, k := range v.keys {
			if err := run(k, v.of[k]); err != nil {
				return err
			}
		}
	case []any:
		for _, e := range v {
			if err := run(e, nil); err != nil {
				return err
			}
		}
	case nil:
	default:
		return errors.New("it goes through what is no list")
	}
	return nil
}

func (s *scope) importTemplate(n *node) error {
	name, err := s.eval(n.sub[0])
	if err != nil {
		return err
	}
	if s.kind == "CheckCommand" && provided(text(name)) {
		return nil
	}
	t, ok := s.templates[s.kind+" "+text(name)]
	if !ok {
		if known, is := s.library[text(name)]; is && s.kind == "CheckCommand" {
			return s.importKnown(known)
		}
		return fmt.Errorf("there is no template %s %q in the files given", s.kind, text(name))
	}
	if s.imports > maxImports {
		return fmt.Errorf("template %q imports itself, or templates over %d deep", text(name), maxImports)
	}
	inner := *s
	inner.imports++
	return inner.exec(t.body)
}

// provided says whether Icinga has this template of commands inside. ipv4-or-ipv6 sets
// check_address, which is known (see [resolver.value]).
func provided(template string) bool {
	switch template {
	case "ipv4-or-ipv6", "plugin-check-command":
		return true
	}
	return false
}

// importKnown puts into the object what a CheckCommand of the library has.
func (s *scope) importKnown(known checkCommand) error {
	from := known.object()
	for _, key := range from.keys {
		v, err := add(s.this.get(key), from.get(key))
		if _, list := from.get(key).([]any); list || err != nil {
			v = copied(from.get(key))
		}
		s.this.set(key, v)
	}
	return nil
}

// assign sets what is left of =, and makes the dictionaries on the way there.
func (s *scope) assign(n *node) error {
	v, err := s.eval(n.sub[1])
	if err != nil {
		return err
	}
	where, key, err := s.place(n.sub[0])
	if err != nil {
		return err
	}
	switch n.text {
	case "+=":
		if v, err = add(where.get(key), v); err != nil {
			return err
		}
	case "=":
		v = copied(v)
	case "-=":
		v, err = s.minus(where.get(key), v)
	default:
		err = fmt.Errorf("%s is not known to this import", n.text)
	}
	if err != nil {
		return err
	}
	n1 := size(v, maxValue)
	if s.steps += n1; n1 >= maxValue {
		return fmt.Errorf("line %d: it makes a value of over %d parts", n.at.Line, maxValue)
	}
	where.set(key, v)
	return nil
}

// maxValue bounds a value: its parts, and 64 bytes of text for one.
const maxValue = 100_000

// size is how many parts a value has, up to most.
func size(v any, most int) int {
	n := 1
	switch v := v.(type) {
	case string:
		n += len(v) / 64
	case []any:
		for i := 0; i < len(v) && n < most; i++ {
			n += size(v[i], most-n)
		}
	case *dict:
		for i := 0; i < len(v.keys) && n < most; i++ {
			n += size(v.of[v.keys[i]], most-n)
		}
	}
	return n
}

func (s *scope) minus(a, b any) (any, error) {
	list, ok := a.([]any)
	if !ok {
		return nil, errors.New("-= is not known to this import but for lists")
	}
	var kept []any
	for _, e := range list {
		if !within(e, b) {
			kept = append(kept, e)
		}
	}
	return kept, nil
}

func (s *scope) place(n *node) (*dict, string, error) {
	switch n.op {
	case "name", "literal":
		key := n.text
		if n.op == "literal" {
			key = text(n.val)
		}
		if s.this == nil {
			return s.globals, key, nil
		}
		return s.this, key, nil
	case "index":
		key, err := s.eval(n.sub[1])
		if err != nil {
			return nil, "", err
		}
		if base := n.sub[0]; base.op == "name" && (base.text == "this" || base.text == "globals") {
			if base.text == "this" && s.this != nil {
				return s.this, text(key), nil
			}
			return s.globals, text(key), nil
		}
		where, name, err := s.place(n.sub[0])
		if err != nil {
			return nil, "", err
		}
		inner, ok := where.get(name).(*dict)
		if !ok {
			inner = newDict()
			where.set(name, inner)
		}
		return inner, text(key), nil
	}
	return nil, "", fmt.Errorf("line %d: it sets what is no name", n.at.Line)
}
