package cloudprober

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"netmon/console/migrate"
	"netmon/internal/safeyaml"
)

// message is a message of protocol buffers in text form, read without knowing its type: a
// field that is there once is a value, one that is there more often a list.
type message struct {
	value map[string]any // as of json.Unmarshal
	at    map[string][]migrate.Place
}

// textParser reads the text format (protobuf.dev, "Text Format Language Specification").
type textParser struct {
	src       string
	origin    []migrate.Place // of each line
	pos, line int
	depth     int
	err       error
}

const maxNesting = 100

// parseText reads a text whose lines come from these places.
func parseText(src string, origin []migrate.Place) (message, error) {
	p := &textParser{src: src, origin: origin, line: 1}
	m := p.fields(0)
	plain(m.value)
	return m, p.err
}

// here is where the parser is.
func (p *textParser) here() migrate.Place {
	if len(p.origin) == 0 {
		return migrate.Place{}
	}
	return p.origin[min(p.line, len(p.origin))-1]
}

func (p *textParser) fail(format string, args ...any) {
	if p.err == nil {
		var text string
		if all := strings.Split(p.src, "\n"); p.line <= len(all) {
			text = all[p.line-1]
		}
		at := p.here()
		p.err = &safeyaml.Mistake{Path: at.Path, Line: at.Line, What: fmt.Errorf(format, args...), Text: text}
	}
	p.pos = len(p.src)
}

// space skips spaces, comments, and what may stand between fields.
func (p *textParser) space() {
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; {
		case c == '\n':
			p.line++
			p.pos++
		case c == ' ' || c == '\t' || c == '\r':
			p.pos++
		case c == '#':
			if n := strings.IndexByte(p.src[p.pos:], '\n'); n >= 0 {
				p.pos += n
			} else {
				p.pos = len(p.src)
			}
		default:
			return
		}
	}
}

// peek is the next character, 0 at the end.
func (p *textParser) peek() byte {
	p.space()
	if p.pos >= len(p.src) {
		return 0
	}
	return p.src[p.pos]
}

func (p *textParser) skip(c byte) bool {
	if p.peek() != c || c == 0 {
		return false
	}
	p.pos++
	return true
}

// fields reads those of a message up to what closes it, 0 for the end.
func (p *textParser) fields(closing byte) message {
	m := message{map[string]any{}, map[string][]migrate.Place{}}
	if p.depth++; p.depth > maxNesting {
		p.fail("it is nested over %d deep", maxNesting)
		return m
	}
	defer func() { p.depth-- }()
	for p.err == nil {
		c := p.peek()
		if c == 0 && closing != 0 {
			p.fail("a message has no %q at its end", closing)
		}
		if c == closing {
			if c != 0 {
				p.pos++
			}
			return m
		}
		at := p.here()
		name := p.name()
		if p.err != nil {
			return m
		}
		for _, v := range p.value(p.skip(':')) {
			m.at[name] = append(m.at[name], at)
			if old, ok := m.value[name]; ok {
				if l, ok := old.(many); ok {
					m.value[name] = append(l, v)
				} else {
					m.value[name] = many{old, v}
				}
			} else {
				m.value[name] = v
			}
		}
		if !p.skip(',') {
			p.skip(';')
		}
	}
	return m
}

// many is a list while its message is read: a list as a value is none of these.
type many []any

// name reads one of a field, or of an extension in brackets.
func (p *textParser) name() string {
	if p.skip('[') {
		n := strings.IndexByte(p.src[p.pos:], ']')
		if n < 0 {
			p.fail("[ has no ]")
			return ""
		}
		name := p.src[p.pos : p.pos+n]
		p.pos += n + 1
		return name
	}
	start := p.pos
	for p.pos < len(p.src) && isWord(p.src[p.pos]) {
		p.pos++
	}
	if p.pos == start {
		p.fail("want the name of a field, got %q", p.peek())
	}
	return p.src[start:max(p.pos, start)]
}

func isWord(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// value reads one, or those of a list. Without a colon it is a message.
func (p *textParser) value(colon bool) []any {
	switch c := p.peek(); {
	case c == '{' || c == '<':
		p.pos++
		m := p.fields(c + 2) // } and > are two behind { and <
		return []any{plain(m.value)}
	case !colon:
		p.fail("want : or {")
	case c == '[':
		p.pos++
		if p.depth++; p.depth > maxNesting {
			p.fail("it is nested over %d deep", maxNesting)
		}
		defer func() { p.depth-- }()
		var all []any
		for p.err == nil && !p.skip(']') {
			all = append(all, p.value(true)...)
			if !p.skip(',') && p.peek() != ']' {
				p.fail("want , or ]")
			}
		}
		return all
	case c == '"' || c == '\'':
		return []any{p.text()}
	default:
		return []any{p.scalar()}
	}
	return nil
}

// plain makes lists of what was there more than once, and of what may be.
func plain(m map[string]any) map[string]any {
	for k, v := range m {
		if l, ok := v.(many); ok {
			m[k] = []any(l)
			continue
		}
		switch k {
		case "probe", "shared_targets", "endpoint", "headers", "validator", "additional_label", "schedule", "filter", "resource":
			if _, is := v.(map[string]any); is {
				m[k] = []any{v}
			}
		}
	}
	return m
}

// text reads one or more texts in quotes, which are one.
func (p *textParser) text() string {
	var b strings.Builder
	for c := p.peek(); p.err == nil && (c == '"' || c == '\''); c = p.peek() {
		end := p.pos + 1
		for end < len(p.src) && p.src[end] != c && p.src[end] != '\n' {
			if p.src[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(p.src) || p.src[end] != c {
			p.fail("a text has no %c at its end", c)
			break
		}
		b.WriteString(unescape(p.src[p.pos+1 : end]))
		p.pos = end + 1
	}
	return b.String()
}

// unescape reads the escapes of C that people use.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		c := s[i]
		if n := strings.IndexByte(`abfnrtv`, c); n >= 0 {
			b.WriteByte("\a\b\f\n\r\t\v"[n])
			continue
		}
		digits, base, from := 3, 8, i
		if c == 'x' || c == 'X' {
			digits, base, from = 2, 16, i+1
		}
		end := from
		for end < len(s) && end < from+digits && strings.IndexByte("0123456789abcdefABCDEF"[:base+(base/16)*6], s[end]) >= 0 {
			end++
		}
		if v, err := strconv.ParseUint(s[from:end], base, 16); err == nil && end > from {
			b.WriteByte(byte(v)) // #nosec G115 -- what is over a byte is cut off, as in C
			i = end - 1
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// scalar reads a number, true, false or the name of an enumeration.
func (p *textParser) scalar() any {
	start := p.pos
	for p.pos < len(p.src) && (isWord(p.src[p.pos]) || strings.IndexByte("+-.", p.src[p.pos]) >= 0) {
		p.pos++
	}
	word := p.src[start:p.pos]
	switch {
	case word == "":
		c := p.peek()
		p.fail("want a value, got %q", c)
	case word == "true", word == "false":
		return word == "true"
	}
	number := strings.TrimSuffix(strings.TrimSuffix(word, "f"), "F")
	if n, err := strconv.ParseInt(word, 0, 64); err == nil {
		return json.Number(strconv.FormatInt(n, 10))
	}
	if f, err := strconv.ParseFloat(number, 64); err == nil && f == f && f < 1e300 && f > -1e300 && word[0] != 'i' && word[0] != 'n' {
		return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
	}
	return word
}

// snake writes the names of fields as cloudprober's documents do: relativeUrl is
// relative_url. Names that people gave, of headers and labels, stay.
func snake(v any, depth int) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = snake(v[i], depth)
		}
	case map[string]any:
		out := map[string]any{}
		for k, inner := range v {
			name := snakeName(k)
			switch name {
			case "header", "labels", "env_var", "proxy_connect_header":
				out[name] = inner
			default:
				out[name] = snake(inner, depth+1)
			}
		}
		return out
	}
	return v
}

func snakeName(name string) string {
	var b strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				b.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}
