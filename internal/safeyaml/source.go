package safeyaml

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"netmon/wire"
)

// FileError is err without the name of a system call.
func FileError(path string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// ReadFile is what a file holds, or standard input for -. More than MaxBytes is
// an error.
func ReadFile(path string, stdin io.Reader) ([]byte, error) {
	r := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, FileError(path, err)
		}
		defer f.Close()
		r = f
	}
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("%s: over %d bytes", path, MaxBytes)
	}
	return data, nil
}

// SyntaxError is an error of Parse, with the file and the line.
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

// Source gathers the mistakes of one file, with their lines.
type Source struct {
	Path  string
	Lines []string
	errs  []*Mistake
}

// shownLine is how much of a line is shown with what is wrong in it, bytes.
const shownLine = 200

// Add is one error in a file.
type Mistake struct {
	Path  string
	Line  int    // 1 is the first
	field string // "" where it is about none
	What  error
	text  string // of the line; "" where it is not shown
}

func (m *Mistake) Error() string {
	s := fmt.Sprintf("%s:%d: %s", m.Path, m.Line, m.Short())
	if m.text != "" {
		s += fmt.Sprintf("\n%6d | %s", m.Line, m.text)
	}
	return s
}

// Short tells it to somebody who has the line before him.
func (m *Mistake) Short() string {
	if m.field == "" {
		return m.What.Error()
	}
	return m.field + ": " + m.What.Error()
}

func (m *Mistake) Unwrap() error { return m.What }

// Add notes one error at the node that path leads to from root.
func (s *Source) Add(root ast.Node, path string, err error) {
	m := &Mistake{Path: s.Path, Line: NodeAt(root, path).GetToken().Position.Line, field: path, What: err}
	if m.Line >= 1 && m.Line <= len(s.Lines) {
		m.text = wire.Clip(strings.TrimRight(s.Lines[m.Line-1], " \r"), shownLine)
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

var pathPart = regexp.MustCompile(`[^.\[\]]+|\[\d+\]`)

// NodeAt follows a path such as monitors[2].options.status as far as it leads.
// For a field that is missing that is the node it is missing from.
func NodeAt(n ast.Node, path string) ast.Node {
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
