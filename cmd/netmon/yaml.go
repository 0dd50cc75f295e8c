package main

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"netmon/wire"
)

// What a YAML file may hold. The parser has no bounds of its own: 300 bytes of
// aliases to aliases make gigabytes, and deep nesting exhausts its stack.
const (
	maxFile       = 32 << 20  // bytes: 10,000 monitors take about 3 MB
	maxYAMLDepth  = 100       // lists and objects in one another
	maxYAMLValues = 5_000_000 // with those that aliases repeat
	maxYAMLIndent = 1000      // columns before a list's or an object's entry
)

// fileLimits are the part of docs/limits.md about files.
var fileLimits = []wire.Limit{
	{What: "a file of monitors or contexts, a saved configuration", Most: maxFile, Unit: "bytes", Beyond: "not read"},
	{What: "nesting in a YAML file", Most: maxYAMLDepth, Unit: "levels", Beyond: "refused before it is parsed"},
	{What: "columns before an entry of a list or an object", Most: maxYAMLIndent, Unit: "columns", Beyond: "refused before it is parsed"},
	{What: "values in one document, those that aliases repeat included", Most: maxYAMLValues, Unit: "values", Beyond: "refused before aliases are followed"},
}

// parseYAML parses a file, and refuses what would cost more than a file of its
// size should.
func parseYAML(path string, data []byte) (*ast.File, error) {
	tokens := lexer.Tokenize(string(data))
	if err := checkNesting(tokens); err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		return nil, syntaxError(path, err)
	}
	for _, doc := range file.Docs {
		c := yamlCounter{anchors: map[string]int{}}
		if n := c.values(doc.Body, 0); n > maxYAMLValues || c.deep {
			return nil, fmt.Errorf("%s:%d: the document's aliases make it over %d values, or over %d levels", path, doc.Body.GetToken().Position.Line, maxYAMLValues, maxYAMLDepth)
		}
	}
	return file, nil
}

// checkNesting looks at brackets, and at how far entries are indented: no
// entry is deeper than its column. The error begins with the line.
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
		case max(flow, entries) > maxYAMLDepth:
			return fmt.Errorf("%d: nested over %d levels deep", line, maxYAMLDepth)
		case flow == 0 && (t.Type == token.SequenceEntryType || t.Type == token.MappingValueType) && t.Position.IndentNum > maxYAMLIndent:
			return fmt.Errorf("%d: an entry at column %d: want at most %d", line, t.Position.IndentNum, maxYAMLIndent)
		}
	}
	return nil
}

// yamlCounter counts values with aliases followed, without following them.
type yamlCounter struct {
	anchors map[string]int // values under each anchor that was met
	deep    bool
}

func (c *yamlCounter) values(n ast.Node, level int) (sum int) {
	if level > 4*maxYAMLDepth { // a level of YAML is some nodes of the parser
		c.deep = true
		return 0
	}
	add := func(n ast.Node) { sum = min(sum+c.values(n, level+1), maxYAMLValues+1) }
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
		return min(1+c.anchors[strings.TrimSpace(n.Value.GetToken().Value)], maxYAMLValues+1)
	}
	return sum + 1
}
