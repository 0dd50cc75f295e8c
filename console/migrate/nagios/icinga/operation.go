package icinga

import "fmt"

func (s *scope) eval(n *node) (any, error) {
	if s.steps++; s.steps > maxSteps {
		return nil, errSteps
	}
	switch n.op {
	case "literal":
		return n.val, nil
	case "function", "beyond":
		return function{}, nil
	case "name":
		return s.lookup(n.text)
	case "array":
		list := []any{}
		for _, e := range n.sub {
			v, err := s.eval(e)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case "dict":
		inner := *s
		inner.this = newDict()
		return inner.this, inner.exec(n.body)
	case "index":
		return s.index(n)
	case "call":
		return s.call(n)
	case "set":
		return nil, s.assign(n)
	case "not", "neg", "plus":
		v, err := s.eval(n.sub[0])
		if _, is := v.(function); is && err == nil {
			err = errFunction
		}
		if f, ok := v.(float64); ok && n.op == "neg" {
			return -f, err
		}
		if n.op != "not" {
			return v, err
		}
		return !truth(v), err
	}
	return s.binary(n)
}

func (s *scope) lookup(name string) (any, error) {
	if v, ok := s.vars[name]; ok {
		return v, nil
	}
	if s.this != nil {
		if v, ok := s.this.of[name]; ok {
			return v, nil
		}
		switch name {
		case "this":
			return s.this, nil
		case "vars":
			return nil, nil
		}
	}
	if v, ok := s.globals.of[name]; ok {
		return v, nil
	}
	if name == "globals" {
		return s.globals, nil
	}
	if known(name) {
		return name, nil
	}
	return nil, fmt.Errorf("%s is not defined in the files given", name)
}

// known are names of states and types, which lists of notifications have.
func known(name string) bool {
	switch name {
	case "Up", "Down", "OK", "Warning", "Critical", "Unknown", "Problem", "Acknowledgement", "Recovery", "Custom",
		"FlappingStart", "FlappingEnd", "DowntimeStart", "DowntimeEnd", "DowntimeRemoved":
		return true
	}
	return false
}

func (s *scope) index(n *node) (any, error) {
	v, err := s.eval(n.sub[0])
	if err != nil {
		return nil, err
	}
	key, err := s.eval(n.sub[1])
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case *dict:
		return v.get(text(key)), nil
	case []any:
		if i, ok := key.(float64); ok && i >= 0 && int(i) < len(v) {
			return v[int(i)], nil
		}
		return nil, nil
	case nil:
		return nil, nil
	case function:
		return nil, errFunction
	}
	return nil, fmt.Errorf("it asks for %s of what has none", text(key))
}

func (s *scope) call(n *node) (any, error) {
	var self any
	fn := n.sub[0]
	name := fn.text
	if fn.op == "index" {
		v, err := s.eval(fn.sub[0])
		if err != nil {
			return nil, err
		}
		self, name = v, text(fn.sub[1].val)
	}
	var args []any
	for _, a := range n.sub[1:] {
		v, err := s.eval(a)
		if err != nil {
			return nil, err
		}
		if _, is := v.(function); is {
			return nil, errFunction
		}
		args = append(args, v)
	}
	if name == "get_host" && len(args) == 1 {
		if h := s.objects["Host"][text(args[0])]; h != nil {
			return h.dict, nil
		}
		return nil, nil
	}
	return call(name, self, args)
}

func (s *scope) binary(n *node) (any, error) {
	if len(n.sub) != 2 {
		return nil, fmt.Errorf("line %d: %s is not known to this import", n.at.Line, n.op)
	}
	a, err := s.eval(n.sub[0])
	if err != nil {
		return nil, err
	}
	switch {
	case n.op == "||" && truth(a), n.op == "&&" && !truth(a):
		return a, nil
	}
	b, err := s.eval(n.sub[1])
	if err != nil {
		return nil, err
	}
	for _, v := range []any{a, b} {
		if _, is := v.(function); is {
			return nil, errFunction
		}
	}
	switch n.op {
	case "||", "&&":
		return b, nil
	case "==":
		return equal(a, b), nil
	case "!=":
		return !equal(a, b), nil
	case "in":
		return within(a, b), nil
	case "!in":
		return !within(a, b), nil
	case "+":
		return add(a, b)
	}
	x, _ := a.(float64)
	y, ok := b.(float64)
	if sa, text := a.(string); text {
		if sb, both := b.(string); both {
			x, y, ok = 0, 0, true
			if sa < sb {
				y = 1
			} else if sa > sb {
				x = 1
			}
		}
	}
	if !ok && b != nil {
		return nil, fmt.Errorf("line %d: %s of what are no numbers", n.at.Line, n.op)
	}
	switch n.op {
	case "<":
		return x < y, nil
	case "<=":
		return x <= y, nil
	case ">":
		return x > y, nil
	case ">=":
		return x >= y, nil
	case "-":
		return x - y, nil
	case "*":
		return x * y, nil
	case "/":
		if y != 0 {
			return x / y, nil
		}
	}
	return nil, fmt.Errorf("line %d: %s is not known to this import", n.at.Line, n.op)
}
