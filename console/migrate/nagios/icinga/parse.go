package icinga

import (
	"slices"
	"strings"

	"netmon/console/migrate"
)

// node is an expression or a statement. What op it is says which of the others it has.
type node struct {
	op   string // literal, name, function, dict, array, scope, index, call, not, neg, binary operators; set, import, assign, ignore, if, for, include, object, template, apply, none
	text string // name, operator of set, type of an object
	val  any
	sub  []*node
	body []*node
	for1 string // of apply for and for: key, or the one variable
	for2 string // value
	at   migrate.Place
}

// maxNesting bounds expressions and blocks.
const maxNesting = 100

type parser struct {
	lexer
	toks  []token
	i     int
	depth int
}

// parse reads a file.
func parse(f migrate.File) ([]*node, error) {
	toks, err := lex(f)
	if err != nil {
		return nil, err
	}
	p := &parser{lexer: lexer{file: f, src: string(f.Data)}, toks: toks}
	return p.block(0)
}

func (p *parser) peek() token { return p.toks[p.i] }

func (p *parser) take() token {
	t := p.toks[p.i]
	if t.kind != 0 {
		p.i++
	}
	return t
}

func (p *parser) newlines() {
	for p.peek().kind == '\n' || p.is(";") || p.is(",") {
		p.i++
	}
}

func (p *parser) lineEnds() {
	for p.peek().kind == '\n' {
		p.i++
	}
}

func (p *parser) is(op string) bool { t := p.peek(); return t.kind == 'o' && t.text == op }

func (p *parser) word(name string) bool { t := p.peek(); return t.kind == 'i' && t.text == name }

func (p *parser) want(op string) error {
	if t := p.take(); t.kind != 'o' || t.text != op {
		return p.mistake(t.line, "want %q, got %q", op, t.text)
	}
	return nil
}

func (p *parser) node(op string) *node {
	return &node{op: op, at: migrate.Place{Path: p.file.Path, Line: p.peek().line}}
}

// block reads statements up to a closing brace, or to the end.
func (p *parser) block(close byte) ([]*node, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, p.mistake(p.peek().line, "%w", errDeep)
	}
	defer func() { p.depth-- }()
	var all []*node
	for {
		p.newlines()
		switch t := p.peek(); {
		case close == 0 && t.kind == 0:
			return all, nil
		case t.kind == 0:
			return nil, p.mistake(t.line, "a { has no }")
		case close != 0 && p.is("}"):
			p.i++
			return all, nil
		}
		s, err := p.statement()
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
}

func (p *parser) statement() (*node, error) {
	t := p.peek()
	if t.kind == 'i' {
		n := p.node(t.text)
		switch t.text {
		case "object", "template":
			p.i++
			return n, p.object(n)
		case "apply":
			p.i++
			return n, p.apply(n)
		case "import":
			p.i++
			return n, p.add(n)
		case "assign", "ignore":
			p.i++
			if p.word("where") {
				p.i++
			}
			return n, p.add(n)
		case "include", "include_recursive", "include_zones", "library":
			p.i++
			if p.peek().kind == 'l' {
				p.i++
				n.op = "none"
				return n, nil
			}
			return n, p.add(n)
		case "if":
			p.i++
			return n, p.condition(n)
		case "for":
			p.i++
			if err := p.loop(n); err != nil {
				return nil, err
			}
			return n, p.braces(n)
		case "const", "var":
			p.i++
		case "function", "while", "try", "throw", "namespace", "using", "return", "break", "continue":
			return p.beyond(n)
		}
	}
	return p.assignment()
}

// beyond skips a statement that a static reading cannot follow.
func (p *parser) beyond(n *node) (*node, error) {
	n.text, n.op = n.op, "beyond"
	level := 0
	for {
		t := p.take()
		switch {
		case t.kind == 0:
			return n, nil
		case t.kind == 'o' && strings.Contains("{[(", t.text):
			level++
		case t.kind == 'o' && strings.Contains("}])", t.text):
			if level--; level == 0 && t.text == "}" {
				return n, nil
			}
		case t.kind == '\n' && level == 0:
			return n, nil
		}
		if level < 0 {
			p.i--
			return n, nil
		}
	}
}

func (p *parser) add(n *node) error {
	e, err := p.expression(0)
	n.sub = append(n.sub, e)
	return err
}

func (p *parser) braces(n *node) (err error) {
	p.lineEnds()
	if err = p.want("{"); err != nil {
		return err
	}
	n.body, err = p.block('}')
	return err
}

func (p *parser) object(n *node) error {
	n.text = p.take().text
	if !p.is("{") {
		if err := p.add(n); err != nil {
			return err
		}
	}
	for p.word("default") || p.word("ignore_on_error") {
		p.i++
	}
	return p.braces(n)
}

func (p *parser) apply(n *node) error {
	n.text = p.take().text
	if !p.word("for") && !p.word("to") && !p.is("{") {
		if err := p.add(n); err != nil {
			return err
		}
	}
	for !p.is("{") {
		switch {
		case p.word("for"):
			p.i++
			if err := p.loop(n); err != nil {
				return err
			}
		case p.word("to"):
			p.i++
			n.val = p.take().text
		case p.word("use"): // variables that a closure takes: all are there
			for !p.is(")") && p.peek().kind != 0 {
				p.i++
			}
			p.take()
		case p.peek().kind == '\n':
			p.i++
		default:
			return p.mistake(p.peek().line, "want {, got %q", p.peek().text)
		}
	}
	return p.braces(n)
}

// loop reads (key => value in list); the list is the last of sub.
func (p *parser) loop(n *node) error {
	if err := p.want("("); err != nil {
		return err
	}
	if p.word("var") {
		p.i++
	}
	n.for1 = p.take().text
	if p.is("=>") {
		p.i++
		if p.word("var") {
			p.i++
		}
		n.for2 = p.take().text
	}
	if !p.word("in") {
		return p.mistake(p.peek().line, "want in, got %q", p.peek().text)
	}
	p.i++
	if err := p.add(n); err != nil {
		return err
	}
	return p.want(")")
}

// condition reads if; what else is for stands as one more statement, else.
func (p *parser) condition(n *node) error {
	if err := p.want("("); err != nil {
		return err
	}
	if err := p.add(n); err != nil {
		return err
	}
	if err := p.want(")"); err != nil {
		return err
	}
	if err := p.braces(n); err != nil {
		return err
	}
	mark := p.i
	p.lineEnds()
	if !p.word("else") {
		p.i = mark
		return nil
	}
	other := p.node("else")
	p.i++
	n.sub = append(n.sub, other)
	if p.word("if") {
		if p.depth++; p.depth > maxNesting {
			return p.mistake(p.peek().line, "%w", errDeep)
		}
		defer func() { p.depth-- }()
		inner := p.node("if")
		p.i++
		other.body = []*node{inner}
		return p.condition(inner)
	}
	return p.braces(other)
}

func (p *parser) assignment() (*node, error) {
	left, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind == 'o' && slices.Contains([]string{"=", "+=", "-=", "*=", "/="}, t.text) {
		n := p.node("set")
		n.text = p.take().text
		p.lineEnds()
		n.sub = []*node{left}
		return n, p.add(n)
	}
	return left, nil
}
