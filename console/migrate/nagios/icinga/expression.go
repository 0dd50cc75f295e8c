package icinga

// levels are the binary operators, those that bind least first.
var levels = [][]string{{"||"}, {"&&"}, {"|"}, {"^"}, {"&"}, {"==", "!=", "in", "!in"}, {"<", "<=", ">", ">="}, {"<<", ">>"}, {"+", "-"}, {"*", "/", "%"}}

func (p *parser) binary(level int) (string, bool) {
	t := p.peek()
	for _, op := range levels[level] {
		switch {
		case t.kind == 'o' && t.text == op, op == "in" && p.word("in"):
			p.i++
			return op, true
		case op == "!in" && p.is("!") && p.toks[p.i+1].kind == 'i' && p.toks[p.i+1].text == "in":
			p.i += 2
			return op, true
		}
	}
	return "", false
}

func (p *parser) expression(level int) (*node, error) {
	if level == len(levels) {
		return p.unary()
	}
	left, err := p.expression(level + 1)
	if err != nil {
		return nil, err
	}
	for {
		n := p.node("")
		op, ok := p.binary(level)
		if !ok {
			return left, nil
		}
		p.lineEnds()
		right, err := p.expression(level + 1)
		if err != nil {
			return nil, err
		}
		n.op, n.sub = op, []*node{left, right}
		left = n
	}
}

func (p *parser) unary() (*node, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, p.mistake(p.peek().line, "%w", errDeep)
	}
	defer func() { p.depth-- }()
	for op, name := range map[string]string{"!": "not", "-": "neg", "+": "plus"} {
		if p.is(op) {
			n := p.node(name)
			p.i++
			e, err := p.unary()
			n.sub = []*node{e}
			return n, err
		}
	}
	n, err := p.primary()
	for err == nil {
		switch {
		case p.is("."):
			p.i++
			t := p.take()
			next := p.node("index")
			key := p.node("literal")
			key.val = t.text
			next.sub = []*node{n, key}
			n = next
		case p.is("["):
			p.i++
			next := p.node("index")
			var key *node
			if key, err = p.expression(0); err == nil {
				next.sub = []*node{n, key}
				n, err = next, p.want("]")
			}
		case p.is("("):
			p.i++
			next := p.node("call")
			next.sub = []*node{n}
			var list []*node
			list, err = p.list(")")
			next.sub = append(next.sub, list...)
			n = next
		case p.is("=>"): // a lambda: x => ...
			next := p.node("function")
			p.i++
			p.lineEnds()
			_, err = p.expression(0)
			return next, err
		default:
			return n, nil
		}
	}
	return nil, err
}

// list reads expressions up to what closes them.
func (p *parser) list(close string) ([]*node, error) {
	var all []*node
	for {
		p.newlines()
		if p.is(close) {
			p.i++
			return all, nil
		}
		e, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
		p.lineEnds()
		if !p.is(",") && !p.is(close) {
			return nil, p.mistake(p.peek().line, "want , or %s, got %q", close, p.peek().text)
		}
	}
}

func (p *parser) primary() (*node, error) {
	n := p.node("literal")
	t := p.take()
	switch {
	case t.kind == 's':
		n.val = t.text
	case t.kind == 'n':
		n.val = t.num
	case t.kind == 'f':
		n.op = "function"
	case t.kind == 'i':
		switch t.text {
		case "true", "false":
			n.val = t.text == "true"
		case "null":
		case "if", "function", "for", "while":
			p.i--
			n.text = t.text
			return p.beyond(n)
		default:
			n.op, n.text = "name", t.text
		}
	case t.text == "(" && t.kind == 'o':
		p.lineEnds()
		e, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		p.lineEnds()
		if p.is(",") { // the parameters of a lambda
			_, err := p.list(")")
			n.op = "function"
			return n, err
		}
		return e, p.want(")")
	case t.text == "[" && t.kind == 'o':
		var err error
		n.op = "array"
		n.sub, err = p.list("]")
		return n, err
	case t.text == "{" && t.kind == 'o':
		var err error
		n.op = "dict"
		n.body, err = p.block('}')
		return n, err
	default:
		return nil, p.mistake(t.line, "want an expression, got %q", t.text)
	}
	return n, nil
}
