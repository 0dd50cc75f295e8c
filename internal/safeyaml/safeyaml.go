// Package safeyaml parses YAML that may be hostile. The parser has no bounds of
// its own: 300 bytes of aliases to aliases make gigabytes, and deep nesting
// exhausts its stack.
package safeyaml

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"netmon/wire"
)

// What a file may hold.
const (
	MaxBytes  = 32 << 20  // 10,000 monitors take about 3 MB
	maxDepth  = 100       // lists and objects in one another
	maxValues = 5_000_000 // with those that aliases repeat
	maxIndent = 1000      // columns before a list's or an object's entry
)

// Limits are the part of docs/limits.md about files.
var Limits = []wire.Limit{
	{What: "a file of monitors or contexts", Most: MaxBytes, Unit: "bytes", Beyond: "not read"},
	{What: "nesting in a YAML file", Most: maxDepth, Unit: "levels", Beyond: "refused before it is parsed"},
	{What: "columns before an entry of a list or an object", Most: maxIndent, Unit: "columns", Beyond: "refused before it is parsed"},
	{What: "values in one document, those that aliases repeat included", Most: maxValues, Unit: "values", Beyond: "refused before aliases are followed"},
}

// LimitError says which limit a file is over, or what is not read of YAML, and where.
type LimitError struct {
	Line int
	Text string
}

func (e *LimitError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Text) }

// Parse parses a file, and refuses what would cost more than a file of its
// size should, and what the parser would leave out: a *LimitError. Other errors are the parser's.
func Parse(data []byte) (*ast.File, error) {
	if len(data) > MaxBytes {
		return nil, &LimitError{1, fmt.Sprintf("the file is over %d bytes", MaxBytes)}
	}
	tokens := lexer.Tokenize(string(data))
	if err := checkNesting(tokens); err != nil {
		return nil, err
	}
	if err := checkEmpty(tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		return nil, err
	}
	for _, doc := range file.Docs {
		c := counter{anchors: map[string]int{}}
		if n := c.values(doc.Body, 0); n > maxValues || c.deep {
			return nil, &LimitError{doc.Body.GetToken().Position.Line, fmt.Sprintf("the document's aliases make it over %d values, or over %d levels", maxValues, maxDepth)}
		}
	}
	return file, nil
}

// JSON is a node's value, with aliases followed.
func JSON(n ast.Node) ([]byte, error) {
	var v any
	if err := yaml.NodeToValue(n, &v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// checkNesting looks at brackets, and at how far entries are indented: no
// entry is deeper than its column.
func checkNesting(tokens token.Tokens) error {
	flow, line, entries := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			line, entries = t.Position.Line, 0
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow = max(0, flow-1)
		case token.SequenceEntryType, token.MappingKeyType:
			entries++
		}
		switch {
		case max(flow, entries) > maxDepth:
			return &LimitError{line, fmt.Sprintf("nested over %d levels deep", maxDepth)}
		case flow == 0 && (t.Type == token.SequenceEntryType || t.Type == token.MappingValueType) && t.Position.IndentNum > maxIndent:
			return &LimitError{line, fmt.Sprintf("an entry at column %d: want at most %d", t.Position.IndentNum, maxIndent)}
		}
	}
	return nil
}

// checkEmpty refuses --- after --- with nothing between: of what follows the parser reads nothing.
func checkEmpty(tokens token.Tokens) error {
	empty := false
	for _, t := range tokens {
		switch t.Type {
		case token.CommentType:
		case token.DocumentHeaderType:
			if empty {
				return &LimitError{t.Position.Line, "a second --- with nothing between: delete one"}
			}
			empty = true
		default:
			empty = false
		}
	}
	return nil
}

// counter counts values with aliases followed, without following them.
type counter struct {
	anchors map[string]int // values under each anchor that was met
	deep    bool
}

func (c *counter) values(n ast.Node, level int) (sum int) {
	if level > 4*maxDepth { // a level of YAML is some nodes of the parser
		c.deep = true
		return 0
	}
	add := func(n ast.Node) { sum = min(sum+c.values(n, level+1), maxValues+1) }
	switch n := n.(type) {
	case nil:
		return 0
	case *ast.MappingNode:
		for _, v := range n.Values {
			add(v)
		}
	case *ast.MappingValueNode:
		add(n.Key)
		add(n.Value)
	case *ast.MappingKeyNode:
		add(n.Value)
	case *ast.SequenceNode:
		for _, v := range n.Values {
			add(v)
		}
	case *ast.TagNode:
		add(n.Value)
	case *ast.AnchorNode:
		add(n.Value)
		c.anchors[strings.TrimSpace(n.Name.GetToken().Value)] = sum
	case *ast.AliasNode:
		return min(1+c.anchors[strings.TrimSpace(n.Value.GetToken().Value)], maxValues+1)
	}
	return sum + 1
}
