package wire

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// durationMistake is a mistake about a duration. The text that it was read from is
// known only where it was read, and that place says it again with [AsWritten].
type durationMistake struct {
	error
	format string
	args   []any
}

func (m *durationMistake) Unwrap() error { return m.error }

// mistake is an error that quotes durations as they are written for people, until
// [AsWritten] quotes the text that they were read from.
func mistake(format string, args []any) error {
	err := fmt.Errorf(format, args...)
	if !slices.ContainsFunc(args, func(a any) bool { _, ok := a.(Duration); return ok }) {
		return err
	}
	return &durationMistake{err, format, args}
}

// AsWritten is a mistake that quotes a duration as somebody wrote it, 25h and not 1d1h.
// Any other error, and one about another value than the text has, stays as it is.
func AsWritten(err error, text string) error {
	m, ok := err.(*durationMistake)
	d, wrong := ParseDuration(text)
	if !ok || wrong != nil {
		return err
	}
	args := slices.Clone(m.args)
	for i, a := range args {
		if a == Duration(d) {
			args[i] = Clip(text, 60)
		}
	}
	return fmt.Errorf(m.format, args...)
}

// AsWrittenIn is err with each of its mistakes quoting the text in an object in which
// the path of the mistake begins.
func AsWrittenIn(err error, object json.RawMessage) error {
	if err == nil {
		return nil
	}
	var p Problems
	for _, e := range FieldErrors(err) {
		p.Add(e.Path, AsWritten(e.Err, textAt(object, e.Path)))
	}
	return p.Err()
}

// textAt is the text at a path such as send[1].wait; none where there is no text.
func textAt(object json.RawMessage, path string) string {
	for _, part := range regexp.MustCompile(`[^.\[\]]+|\[\d+\]`).FindAllString(path, -1) {
		if n, ok := strings.CutPrefix(part, "["); ok {
			var list []json.RawMessage
			i, _ := strconv.Atoi(strings.TrimSuffix(n, "]"))
			if json.Unmarshal(object, &list) != nil || i >= len(list) {
				return ""
			}
			object = list[i]
			continue
		}
		var fields map[string]json.RawMessage
		if json.Unmarshal(object, &fields) != nil {
			return ""
		}
		object = fields[part]
	}
	var text string
	if json.Unmarshal(object, &text) != nil {
		return ""
	}
	return text
}
