package http

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"netmon/probes/internal/figures"
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
		return nil, fmt.Errorf(`want a path such as $.jobs[0]["last run"], got %q: %s`, figures.Clip(s), why)
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

// cutSelector cuts what is in brackets off, after the opening one.
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
			return step, "", fmt.Errorf("%q is not an index", digits)
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
		return step, "", fmt.Errorf("%s is not a quoted name", figures.Clip(s[:end+1]))
	}
	rest, ok := strings.CutPrefix(s[end+1:], "]")
	if !ok {
		return step, "", errors.New("the ] is missing")
	}
	return step, rest, nil
}

// checkJSON says why a body is no JSON document.
func checkJSON(doc []byte) error {
	if json.Valid(doc) { // which copies nothing
		return nil
	}
	var v json.RawMessage
	if err := json.Unmarshal(doc, &v); err != nil {
		return fmt.Errorf("no JSON: %w", err)
	}
	return nil
}

// find returns what is at the path of a valid document.
func (p jsonPath) find(doc []byte) (json.RawMessage, bool) {
	value, ok := json.RawMessage(bytes.TrimSpace(doc)), true
	for _, step := range p {
		if value, ok = step.in(value); !ok {
			return nil, false
		}
	}
	return value, true
}

// in goes one step down. Of equal names the last counts, as in most decoders. What
// it returns is a part of v, which is valid: nothing is copied, whatever its length.
func (s jsonStep) in(v json.RawMessage) (found json.RawMessage, ok bool) {
	open := byte('[')
	if s.named {
		open = '{'
	}
	if len(v) == 0 || v[0] != open {
		return nil, false
	}
	var last []json.RawMessage // as many as a negative index needs
	rest := skipSpace(v[1:])
	for i := 0; len(rest) > 0 && rest[0] != ']' && rest[0] != '}'; i++ {
		mine := s.index == i
		if s.named {
			name := rest[:valueEnd(rest)]
			mine = s.isNamed(name)
			rest = skipSpace(skipSpace(rest[len(name):])[1:]) // the colon
		}
		item := rest[:valueEnd(rest)]
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
		rest = skipSpace(rest[len(item):])
		if len(rest) > 0 && rest[0] == ',' {
			rest = skipSpace(rest[1:])
		}
	}
	if !s.named && s.index < 0 && len(last) == -s.index {
		return last[0], true
	}
	return found, ok
}

// isNamed says whether a quoted name is that of the step.
func (s jsonStep) isNamed(quoted json.RawMessage) bool {
	if len(quoted) > 6*len(s.name)+2 { // each byte may be written as \u0000
		return false
	}
	var name string
	return json.Unmarshal(quoted, &name) == nil && name == s.name
}

func skipSpace(v json.RawMessage) json.RawMessage {
	for len(v) > 0 && (v[0] == ' ' || v[0] == '\t' || v[0] == '\n' || v[0] == '\r') {
		v = v[1:]
	}
	return v
}

// valueEnd is where the value ends that v, the rest of a valid document, begins with.
func valueEnd(v json.RawMessage) int {
	depth := 0
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case '"':
			for i++; i < len(v) && v[i] != '"'; i++ {
				if v[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return min(i+1, len(v))
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 { // after a number, true, false or null
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\n', '\r', ':':
			if depth == 0 {
				return i
			}
		}
	}
	return len(v)
}
