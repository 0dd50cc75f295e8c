package icinga

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"netmon/console/migrate"
	"netmon/internal/safeyaml"
)

// token is one of Icinga 2's language.
type token struct {
	kind byte // 'i' name, 's' string, 'n' number, 'f' function {{ }}, 'l' <library>, 'o' operator, '\n', 0 end
	text string
	num  float64
	line int
}

// lexer cuts a file into tokens.
type lexer struct {
	file migrate.File
	src  string
	pos  int
	line int
	out  []token
}

func (l *lexer) mistake(line int, format string, args ...any) error {
	var text string
	if all := strings.Split(l.src, "\n"); line >= 1 && line <= len(all) {
		text = all[line-1]
	}
	return &safeyaml.Mistake{Path: l.file.Path, Line: line, What: fmt.Errorf(format, args...), Text: text}
}

// maxTokens bounds a file.
const maxTokens = 1_000_000

var (
	nameForm    = regexp.MustCompile(`^@?[A-Za-z_][A-Za-z0-9_]*`)
	numberForm  = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)?`)
	libraryForm = regexp.MustCompile(`^<[A-Za-z0-9_-]+>`)
	operators   = []string{"<<=", ">>=", "...", "==", "!=", "<=", ">=", "&&", "||", "=>", "+=", "-=", "*=", "/=", "%=", "<<", ">>", "=", "<", ">", "!", "+", "-", "*", "/", "%", "&", "|", "^", "~", ".", ",", ";", ":", "?", "[", "]", "{", "}", "(", ")"}
)

func lex(f migrate.File) ([]token, error) {
	l := &lexer{file: f, src: string(f.Data), line: 1}
	for l.pos < len(l.src) {
		if err := l.next(); err != nil {
			return nil, err
		}
		if len(l.out) > maxTokens {
			return nil, l.mistake(l.line, "the file has over %d tokens", maxTokens)
		}
	}
	l.add('\n', "", 0)
	l.add(0, "the end of the file", 0)
	return l.out, nil
}

func (l *lexer) add(kind byte, text string, num float64) {
	l.out = append(l.out, token{kind, text, num, l.line})
}

// skip moves on by n bytes.
func (l *lexer) skip(n int) {
	l.line += strings.Count(l.src[l.pos:l.pos+n], "\n")
	l.pos += n
}

// until is how long it is to the end of what closes with mark, that included.
func (l *lexer) until(open, mark string) (int, error) {
	i := strings.Index(l.src[l.pos+len(open):], mark)
	if i < 0 {
		return 0, l.mistake(l.line, "%s has no %s", open, mark)
	}
	return len(open) + i + len(mark), nil
}

func (l *lexer) next() error {
	rest := l.src[l.pos:]
	switch c := rest[0]; {
	case c == '\n':
		l.add('\n', "", 0)
		l.skip(1)
	case c == ' ' || c == '\t' || c == '\r':
		l.skip(1)
	case c == '#' || strings.HasPrefix(rest, "//"):
		n := strings.IndexByte(rest, '\n')
		if n < 0 {
			n = len(rest)
		}
		l.skip(n)
	case strings.HasPrefix(rest, "/*"):
		n, err := l.until("/*", "*/")
		if err != nil {
			return err
		}
		l.skip(n)
	case strings.HasPrefix(rest, "{{{"):
		n, err := l.until("{{{", "}}}")
		if err != nil {
			return err
		}
		l.add('s', rest[3:n-3], 0)
		l.skip(n)
	case strings.HasPrefix(rest, "{{"):
		n, err := l.until("{{", "}}")
		if err != nil {
			return err
		}
		l.add('f', "", 0)
		l.skip(n)
	case c == '"':
		return l.text()
	case nameForm.MatchString(rest):
		name := nameForm.FindString(rest)
		l.add('i', strings.TrimPrefix(name, "@"), 0)
		l.skip(len(name))
	case numberForm.MatchString(rest):
		m := numberForm.FindStringSubmatch(rest)
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return l.mistake(l.line, "%s is no number", m[1])
		}
		l.add('n', "", v*map[string]float64{"": 1, "ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}[m[2]])
		l.skip(len(m[0]))
	case libraryForm.MatchString(rest) && len(l.out) > 0 && strings.HasPrefix(l.out[len(l.out)-1].text, "include"):
		n := len(libraryForm.FindString(rest))
		l.add('l', rest[:n], 0)
		l.skip(n)
	default:
		for _, op := range operators {
			if strings.HasPrefix(rest, op) {
				l.add('o', op, 0)
				l.skip(len(op))
				return nil
			}
		}
		return l.mistake(l.line, "%q is not of the language", c)
	}
	return nil
}

func (l *lexer) text() error {
	var b strings.Builder
	for i := l.pos + 1; i < len(l.src); i++ {
		switch c := l.src[i]; {
		case c == '"':
			l.add('s', b.String(), 0)
			l.skip(i + 1 - l.pos)
			return nil
		case c == '\n':
			return l.mistake(l.line, "a text has no \" at its end")
		case c == '\\' && i+1 < len(l.src):
			i++
			if e := strings.IndexByte("nrtbf", l.src[i]); e >= 0 {
				b.WriteByte("\n\r\t\b\f"[e])
			} else {
				b.WriteByte(l.src[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return l.mistake(l.line, "a text has no \" at its end")
}

var errDeep = errors.New("it is nested too deep")
