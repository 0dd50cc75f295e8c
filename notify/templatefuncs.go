package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"text/template"
	"time"
)

// budget is what one run may use.
type budget struct {
	out   bytes.Buffer
	steps int
	made  int // bytes that functions gave: variables may hold all of them
	until time.Time
}

func newBudget() *budget { return &budget{until: time.Now().Add(maxStepTime)} }

var (
	errLong = fmt.Errorf("produces over %d bytes", maxRendered)
	errMade = fmt.Errorf("its functions produce over %d bytes in all", maxMade)
	errSlow = fmt.Errorf("takes over %d steps or %v", maxSteps, maxStepTime)
)

// Write implements io.Writer, for a while.
func (b *budget) Write(p []byte) (int, error) {
	if b.out.Len()+len(p) > maxRendered {
		return 0, errLong
	}
	return b.out.Write(p)
}

func (b *budget) step() (string, error) {
	if b.steps++; b.steps > maxSteps || time.Now().After(b.until) {
		return "", errSlow
	}
	return "", nil
}

// bounded is what a function gives, where there is room for it.
func (b *budget) bounded(s string) (string, error) {
	if _, err := b.step(); err != nil {
		return "", err
	}
	if len(s) > maxRendered {
		return "", errLong
	}
	if b.made += len(s); b.made > maxMade {
		return "", errMade
	}
	return s, nil
}

// plain says whether a function may write its arguments: what they are part by part, and
// how long they are together, is known before it does.
func plain(args []any) error {
	size := 0
	for _, a := range args {
		v := reflect.ValueOf(a)
		switch {
		case v.Kind() == reflect.String:
			size += v.Len()
		case !v.IsValid(), v.Kind() != reflect.Bool && !v.CanInt() && !v.CanUint() && !v.CanFloat() && !v.CanComplex():
			return fmt.Errorf("want texts, numbers and yes/no, got %T: json writes everything", a)
		}
	}
	if size > maxRendered {
		return errLong
	}
	return nil
}

// funcs are those of templates. They stand in for those of the library that could make
// more than there is room for.
func (b *budget) funcs() template.FuncMap {
	printer := func(make func([]any) string) func(...any) (string, error) {
		return func(args ...any) (string, error) {
			if err := plain(args); err != nil {
				return "", err
			}
			return b.bounded(make(args))
		}
	}
	return template.FuncMap{
		"step":     b.step,
		"print":    printer(func(a []any) string { return fmt.Sprint(a...) }),
		"println":  printer(func(a []any) string { return fmt.Sprintln(a...) }),
		"html":     printer(func(a []any) string { return HTML(fmt.Sprint(a...)) }),
		"js":       printer(func(a []any) string { return template.JSEscaper(a...) }),
		"urlquery": printer(func(a []any) string { return template.URLQueryEscaper(a...) }),
		"printf": func(format string, args ...any) (string, error) {
			if wide.MatchString(format) || strings.Count(format, "%") > 100 {
				return "", errors.New("want at most 100 verbs, and their widths and precisions as at most three digits, without * and [n]")
			}
			if len(format) > maxRendered {
				return "", errLong
			}
			if err := plain(args); err != nil {
				return "", err
			}
			return b.bounded(fmt.Sprintf(format, args...))
		},
		"json": func(v any) (string, error) {
			data, err := encodeJSON(v)
			if err != nil {
				return "", err
			}
			return b.bounded(string(data))
		},
		"instring": func(v any) (string, error) {
			data, err := json.Marshal(fmt.Sprint(v))
			if err != nil {
				return "", err
			}
			return b.bounded(string(data[1 : len(data)-1]))
		},
		"upper": func(s string) (string, error) { return b.bounded(strings.ToUpper(s)) },
		"lower": func(s string) (string, error) { return b.bounded(strings.ToLower(s)) },
		"line":  func(s string) (string, error) { return b.bounded(Line(s)) },
		"clip":  func(most int, s string) (string, error) { return b.bounded(Cut(s, max(0, most))) },
		"join": func(sep string, list []string) (string, error) {
			if len(sep) > 100 {
				return "", errors.New("want at most 100 bytes between two")
			}
			return b.bounded(strings.Join(list, sep))
		},
	}
}

// wide are widths and precisions with which one verb makes very much, and numbers of
// arguments, by which one is written many times.
var wide = regexp.MustCompile(`%[^a-zA-Z%]*(\d{4,}|[*\[])`)
