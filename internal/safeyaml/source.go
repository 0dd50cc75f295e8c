package safeyaml

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"netmon/wire"
)

// SyntaxError says where in the file what Parse could not read is.
func SyntaxError(path string, err error) error {
	var y yaml.Error
	var limit *LimitError
	if errors.As(err, &limit) {
		return fmt.Errorf("%s:%d: %s", path, limit.Line, limit.Text)
	}
	if errors.As(err, &y) && y.GetToken() != nil {
		return &Mistake{Path: path, Line: y.GetToken().Position.Line, What: errors.New(y.GetMessage())}
	}
	return fmt.Errorf("%s: %w", path, err)
}

// Source is a file in which mistakes are found.
type Source struct {
	path  string
	lines []string
	errs  []*Mistake
}

// NewSource is the file at path, with this content.
func NewSource(path string, data []byte) *Source {
	return &Source{path: path, lines: strings.Split(string(data), "\n")}
}

// Path is that of the file.
func (s *Source) Path() string { return s.path }

// shownLine is how much of a line is shown with what is wrong in it, bytes.
const shownLine = 200

// Mistake is one error in a file.
type Mistake struct {
	Path  string
	Line  int    // 1 is the first; 0 where it is not known
	Field string // "" where it is about none
	What  error
	Text  string // of the line; "" where it is not shown
}

func (m *Mistake) Error() string {
	s := fmt.Sprintf("%s:%d: %s", m.Path, m.Line, m.Short())
	if m.Text != "" {
		s += fmt.Sprintf("\n%6d | %s", m.Line, m.Text)
	}
	return s
}

// Short is the text for somebody who has the line before him.
func (m *Mistake) Short() string {
	if m.Field == "" {
		return m.What.Error()
	}
	return m.Field + ": " + m.What.Error()
}

func (m *Mistake) Unwrap() error { return m.What }

// Mistakes are those of an error, which may join several.
func Mistakes(err error) []*Mistake {
	switch err := err.(type) {
	case *Mistake:
		return []*Mistake{err}
	case interface{ Unwrap() []error }:
		var all []*Mistake
		for _, one := range err.Unwrap() {
			all = append(all, Mistakes(one)...)
		}
		return all
	}
	return nil
}

// Add notes one mistake, in the field that a path such as monitors[2].options.status
// leads to from root.
func (s *Source) Add(root ast.Node, path string, err error) {
	if text, ok := nodeAt(root, path).(ast.ScalarNode); ok {
		err = wire.AsWritten(err, text.GetToken().Value)
	}
	m := &Mistake{Path: s.path, Line: LineOf(root, path), Field: path, What: err}
	if y, ok := errors.AsType[yaml.Error](err); ok && y.GetToken() != nil { // its text shows lines of the file, too
		m.Line, m.What = y.GetToken().Position.Line, errors.New(y.GetMessage())
	}
	if m.Line >= 1 && m.Line <= len(s.lines) {
		m.Text = wire.Clip(strings.TrimRight(s.lines[m.Line-1], " \r"), shownLine)
	}
	s.errs = append(s.errs, m)
}

// Err joins the mistakes in the order of their lines.
func (s *Source) Err() error {
	slices.SortStableFunc(s.errs, func(a, b *Mistake) int { return a.Line - b.Line })
	var errs []error
	for _, m := range s.errs {
		errs = append(errs, m)
	}
	return errors.Join(errs...)
}

// LineOf is the line of the field that a path leads to from root; 1 is the first.
func LineOf(root ast.Node, path string) int {
	return nodeAt(root, path).GetToken().Position.Line
}

var pathPart = regexp.MustCompile(`[^.\[\]]+|\[\d+\]`)

// nodeAt follows a path such as monitors[2].options.status as far as it leads.
// For a field that is missing that is the node it is missing from.
func nodeAt(n ast.Node, path string) ast.Node {
	for _, part := range pathPart.FindAllString(path, -1) {
		next := child(n, part)
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

func child(n ast.Node, part string) ast.Node {
	if m, ok := n.(*ast.MappingValueNode); ok {
		n = ast.Mapping(m.GetToken(), false, m)
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			if v.Key.GetToken().Value == part {
				return v.Value
			}
		}
	case *ast.SequenceNode:
		if i, err := strconv.Atoi(strings.Trim(part, "[]")); err == nil && i < len(n.Values) {
			return n.Values[i]
		}
	case *ast.AnchorNode:
		return child(n.Value, part)
	}
	return nil
}
