package notify

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"netmon/wire"
)

// Bounds of a template: of what is written in the settings, of what it makes, and of
// what making it may take.
const (
	maxTemplate = 16 << 10
	maxRendered = 1 << 20  // also of what one function gives
	maxMade     = 16 << 20 // of what all functions give together
	maxSteps    = 100_000
	maxStepTime = 2 * time.Second
)

// textTemplate is a template of a channel, ready.
type textTemplate struct{ tree *template.Template }

// parseTemplate reads a template, and tries it. inJSON has what its actions give be
// escaped to be inside of a text in JSON, but for that of the function json.
func parseTemplate(text string, inJSON bool) (*textTemplate, error) {
	if len(text) > maxTemplate {
		return nil, fmt.Errorf("is %d bytes long: want at most %d", len(text), maxTemplate)
	}
	t, err := template.New("t").Option("missingkey=error").Funcs(newBudget().funcs()).Parse(text)
	if err != nil {
		return nil, templateError(err)
	}
	if len(t.Templates()) > 1 {
		return nil, errors.New("want no define and block in it")
	}
	if t.Tree == nil || t.Tree.Root == nil {
		return nil, errors.New("is empty")
	}
	p := prepared{inJSON: inJSON}
	p.list(t.Tree.Root)
	if p.err != nil {
		return nil, p.err
	}
	out := &textTemplate{t}
	for _, m := range samples() {
		d := dataOf(m, time.UTC, m.Incident.At)
		d.Title, d.Text = "title", "text"
		if _, err := out.execute(&d); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// execute makes the text. It takes bounded time and room.
func (t *textTemplate) execute(d *Data) (string, error) {
	own, err := t.tree.Clone() // its functions count for this run alone
	if err != nil {
		return "", err
	}
	b := newBudget()
	err = own.Funcs(b.funcs()).Execute(b, *d)
	if err != nil {
		return "", templateError(err)
	}
	return b.out.String(), nil
}

// prepared puts what bounds it, and what escapes, into a template.
type prepared struct {
	inJSON bool
	err    error
}

func (p *prepared) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.ActionNode:
			if p.inJSON && len(n.Pipe.Decl) == 0 {
				escape(n.Pipe)
			}
		case *parse.IfNode:
			p.list(n.List)
			p.list(n.ElseList)
		case *parse.WithNode:
			p.list(n.List)
			p.list(n.ElseList)
		case *parse.RangeNode:
			p.list(n.List)
			p.list(n.ElseList)
			n.List.Nodes = slices.Insert(n.List.Nodes, 0, parse.Node(stepNode()))
		case *parse.TemplateNode:
			p.err = errors.Join(p.err, fmt.Errorf("line %d: want no template in it", n.Line))
		}
	}
}

// stepNode is {{step}}, which counts.
func stepNode() *parse.ActionNode { return call("step") }

func call(function string) *parse.ActionNode {
	trees, err := parse.Parse("c", "{{"+function+"}}", "", "", map[string]any{function: true})
	if err != nil {
		panic(err) // it is ours
	}
	return trees["c"].Root.Nodes[0].(*parse.ActionNode)
}

// escape has what a pipeline gives be a part of a text in JSON.
func escape(p *parse.PipeNode) {
	last := p.Cmds[len(p.Cmds)-1]
	if id, ok := last.Args[0].(*parse.IdentifierNode); ok && id.Ident == "json" {
		return
	}
	p.Cmds = append(p.Cmds, call("instring").Pipe.Cmds[0])
}

// templateError says what is wrong with a template, and on which of its lines.
func templateError(err error) error {
	if errors.Is(err, errSlow) {
		return errSlow // wherever it was counted
	}
	text := err.Error()
	if m := ofLibrary.FindStringSubmatch(text); m != nil {
		text = fmt.Sprintf("line %s: %s", m[1], strings.TrimPrefix(m[2], "executing \"t\" "))
	}
	if m := noField.FindStringSubmatch(text); m != nil {
		text = fmt.Sprintf("%s: no field %q: docs/alerts.md lists them", m[1], m[2])
	}
	return errors.New(Line(wire.Clip(text, wire.MaxText)))
}

var (
	ofLibrary = regexp.MustCompile(`(?s)^template: t:(\d+)(?::\d+)?: (.*)$`)
	noField   = regexp.MustCompile(`^(line \d+): .*can't evaluate field (\S+) in type .*$`)
)
