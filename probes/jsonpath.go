package probes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// jsonPath names one place in a JSON document: the names and indexes of RFC
// 9535, without wildcards, slices and filters, which name several.
type jsonPath []jsonStep

// jsonStep is one name or one index.
type jsonStep struct {
	name  string
	index int
	named bool
}

// jsonMaxSteps bounds a path, jsonMaxIndex an index from the end: that many
// values are held while looking for it.
const jsonMaxSteps, jsonMaxIndex = 64, 1000

// parseJSONPath reads a path such as $.jobs[0]["last run"].
func parseJSONPath(s string) (jsonPath, error) {
	bad := func(why string) (jsonPath, error) {
		return nil, fmt.Errorf(`want a path such as $.jobs[0]["last run"], got %q: %s`, clip(s), why)
	}
	rest, ok := strings.CutPrefix(s, "$")
	if !ok {
		return bad("it must begin with $")
	}
	var path jsonPath
	for rest != "" {
		if len(path) == jsonMaxSteps {
			return bad("it is too long")
		}
		var step jsonStep
		var err error
		switch rest[0] {
		case '.':
			step.named = true
			step.name, rest = cutMemberName(rest[1:])
			if step.name == "" {
				return bad("a name must follow the dot: letters, digits and _; others stand in [\"...\"]")
			}
		case '[':
			if step, rest, err = cutSelector(rest[1:]); err != nil {
				return bad(err.Error())
			}
		default:
			return bad("a . or [ must follow")
		}
		path = append(path, step)
	}
	return path, nil
}

// cutMemberName cuts a member-name-shorthand off (RFC 9535 section 2.5.1.1).
func cutMemberName(s string) (name, rest string) {
	end := len(s)
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || r >= utf8.RuneSelf
		if !letter && (i == 0 || r < '0' || r > '9') {
			end = i
			break
		}
	}
	return s[:end], s[end:]
}

// cutSelector cuts what stands in brackets off, after the opening one.
func cutSelector(s string) (step jsonStep, rest string, err error) {
	if s == "" {
		return step, "", errors.New("the ] is missing")
	}
	if s[0] != '"' && s[0] != '\'' {
		digits, rest, ok := strings.Cut(s, "]")
		if !ok {
			return step, "", errors.New("the ] is missing")
		}
		step.index, err = strconv.Atoi(digits)
		if err != nil || strconv.Itoa(step.index) != digits || step.index < -jsonMaxIndex {
			return step, "", fmt.Errorf("%q is no index", digits)
		}
		return step, rest, nil
	}
	end := 1
	for end < len(s) && s[end] != s[0] {
		if s[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(s) {
		return step, "", errors.New("the closing quote is missing")
	}
	quoted := s[1:end]
	if s[0] == '\'' { // \' is ' in single quotes, and " needs no escape
		quoted = strings.ReplaceAll(strings.ReplaceAll(quoted, `\'`, `'`), `"`, `\"`)
	}
	step.named = true
	if err := json.Unmarshal([]byte(`"`+quoted+`"`), &step.name); err != nil {
		return step, "", fmt.Errorf("%s is no quoted name", clip(s[:end+1]))
	}
	rest, ok := strings.CutPrefix(s[end+1:], "]")
	if !ok {
		return step, "", errors.New("the ] is missing")
	}
	return step, rest, nil
}

// checkJSON says why a body is no JSON document.
func checkJSON(doc []byte) error {
	var v json.RawMessage
	if err := json.Unmarshal(doc, &v); err != nil {
		return fmt.Errorf("no JSON: %w", err)
	}
	return nil
}

// find returns what stands at the path of a valid document.
func (p jsonPath) find(doc []byte) (json.RawMessage, bool) {
	value, ok := json.RawMessage(bytes.TrimSpace(doc)), true
	for _, step := range p {
		if value, ok = step.in(value); !ok {
			return nil, false
		}
	}
	return value, true
}

// in goes one step down. Of equal names the last counts, as in most decoders.
func (s jsonStep) in(v json.RawMessage) (found json.RawMessage, ok bool) {
	d := json.NewDecoder(bytes.NewReader(v))
	open, err := d.Token()
	if err != nil || open != json.Delim('{') && open != json.Delim('[') || (open == json.Delim('{')) != s.named {
		return nil, false
	}
	var last []json.RawMessage // as many as a negative index needs
	for i := 0; d.More(); i++ {
		mine := s.index == i
		if s.named {
			name, err := d.Token()
			if err != nil {
				return nil, false
			}
			mine = name == s.name
		}
		var item json.RawMessage
		if err := d.Decode(&item); err != nil {
			return nil, false
		}
		switch {
		case mine:
			found, ok = item, true
			if !s.named {
				return found, true
			}
		case !s.named && s.index < 0:
			if len(last) == -s.index {
				last = last[1:]
			}
			last = append(last, item)
		}
	}
	if !s.named && s.index < 0 && len(last) == -s.index {
		return last[0], true
	}
	return found, ok
}

// JSONValue is any JSON value, as it stands.
type JSONValue json.RawMessage

// UnmarshalJSON takes any value.
func (v *JSONValue) UnmarshalJSON(b []byte) error {
	*v = append((*v)[:0], b...)
	return nil
}

// UnmarshalText makes documentation show it as a text.
func (v *JSONValue) UnmarshalText(b []byte) error { return v.UnmarshalJSON(b) }

// MarshalJSON returns the value.
func (v JSONValue) MarshalJSON() ([]byte, error) { return v, nil }

// text is a string's text, and the JSON of anything else.
func (v JSONValue) text() string {
	var s string
	if json.Unmarshal(v, &s) == nil && len(v) > 0 && v[0] == '"' {
		return s
	}
	return string(v)
}

func (v JSONValue) number() (float64, bool) {
	var n json.Number
	if len(v) == 0 || v[0] == '"' || json.Unmarshal(v, &n) != nil || n == "" {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

// equal compares values, not how they are written.
func (v JSONValue) equal(w JSONValue) bool {
	a, errA := v.decode()
	b, errB := w.decode()
	return errA == nil && errB == nil && equalJSON(a, b)
}

func (v JSONValue) decode() (out any, err error) {
	d := json.NewDecoder(bytes.NewReader(v))
	d.UseNumber()
	return out, d.Decode(&out)
}

func equalJSON(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && (a == b || equalNumbers(a, b))
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equalJSON(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k := range a {
			other, ok := b[k]
			if !ok || !equalJSON(a[k], other) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(a, b)
}

// equalNumbers compares whole numbers exactly, others as float64.
func equalNumbers(a, b json.Number) bool {
	if x, err := a.Int64(); err == nil {
		if y, err := b.Int64(); err == nil {
			return x == y
		}
	}
	x, errA := a.Float64()
	y, errB := b.Float64()
	return errA == nil && errB == nil && x == y
}
