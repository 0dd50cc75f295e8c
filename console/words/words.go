// Package words takes command lines apart and puts them together, as a shell
// would: spaces part words, quotes and backslashes keep them together.
package words

import (
	"errors"
	"strings"
)

// Token is one word of a line.
type Token struct {
	Text       string
	Quoted     bool // some of it stood in quotes or behind a backslash
	Start, End int  // bytes of the line that it takes
}

// ErrOpen says that the line ends inside quotes.
var ErrOpen = errors.New("a quote is not closed")

// Split takes a line apart. With ErrOpen the tokens are those that the line
// would have if the quote were closed at its end. A # that begins a word
// begins a comment.
func Split(line string) ([]Token, error) {
	var out []Token
	var text strings.Builder
	var t Token
	in, quote, escaped := false, byte(0), false
	end := func(at int) {
		if in {
			t.Text, t.End = text.String(), at
			out = append(out, t)
			in, t = false, Token{}
			text.Reset()
		}
	}
	begin := func(at int) {
		if !in {
			in, t.Start = true, at
		}
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case escaped:
			if quote == '"' && c != '"' && c != '\\' {
				text.WriteByte('\\')
			}
			text.WriteByte(c)
			escaped = false
		case c == '\\' && quote != '\'':
			begin(i)
			escaped, t.Quoted = true, true
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			text.WriteByte(c)
		case c == '\'' || c == '"':
			begin(i)
			quote, t.Quoted = c, true
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			end(i)
		case c == '#' && !in:
			return out, nil
		default:
			begin(i)
			text.WriteByte(c)
		}
	}
	open := quote != 0 || escaped
	end(len(line))
	if open {
		return out, ErrOpen
	}
	return out, nil
}

// Join writes args as a line that Split and a shell take apart again.
func Join(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = Quote(a)
	}
	return strings.Join(quoted, " ")
}

// Quote writes one word, in quotes where it needs them.
func Quote(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,=@%+"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
