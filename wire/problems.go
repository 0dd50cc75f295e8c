package wire

import (
	"errors"
	"fmt"
	"strings"
)

// FieldError is one mistake in one place of a configuration or a command.
type FieldError struct {
	Path string // such as monitors[2].options.expect.status
	Err  error  // quotes the value and says what was wanted
}

func (e *FieldError) Error() string {
	if e.Path == "" {
		return e.Err.Error()
	}
	return e.Path + ": " + e.Err.Error()
}

func (e *FieldError) Unwrap() error { return e.Err }

// Problems gathers mistakes, so that all of them are reported at once.
// The zero value is ready to use.
type Problems struct {
	list []*FieldError
	more int // that came when the list was full
}

// Addf notes one mistake at path.
func (p *Problems) Addf(path, format string, args ...any) {
	p.note(path, mistake(format, args))
}

// Add notes err at path. An err that is itself a list of mistakes is taken
// apart, and path goes before the path of each. A nil err is not a mistake.
func (p *Problems) Add(path string, err error) {
	for _, e := range FieldErrors(err) {
		p.note(join(path, e.Path), e.Err)
	}
}

// note keeps the first mistakes: what comes from others may hold any number.
func (p *Problems) note(path string, err error) {
	if len(p.list) >= MaxProblems {
		p.more++
		return
	}
	p.list = append(p.list, &FieldError{Path: Clip(path, MaxText), Err: err})
}

// Err returns nil when nothing was noted.
func (p *Problems) Err() error {
	if len(p.list) == 0 {
		return nil
	}
	if p.more > 0 {
		return append(problemList(p.list), &FieldError{Err: fmt.Errorf("and %d more mistakes", p.more)})
	}
	return problemList(p.list)
}

// FieldErrors returns the mistakes that err is made of, at least one for a non-nil err.
func FieldErrors(err error) []*FieldError {
	if err == nil {
		return nil
	}
	switch e := err.(type) {
	case problemList:
		return e
	case *FieldError:
		var inner problemList
		if !errors.As(e.Err, &inner) {
			return []*FieldError{e}
		}
		var p Problems
		p.Add(e.Path, inner)
		return p.list
	case interface{ Unwrap() []error }: // errors.Join, or several %w
		var p Problems
		for _, one := range e.Unwrap() {
			p.Add("", one)
		}
		if len(p.list) > 0 {
			return p.list
		}
	case interface{ Unwrap() error }:
		inner := FieldErrors(e.Unwrap())
		if len(inner) > 1 || len(inner) == 1 && inner[0].Path != "" {
			return inner
		}
	}
	return []*FieldError{{Err: err}}
}

type problemList []*FieldError

func (l problemList) Error() string {
	lines := make([]string, len(l))
	for i, e := range l {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

func join(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	case strings.HasPrefix(b, "["):
		return a + b
	}
	return a + "." + b
}
