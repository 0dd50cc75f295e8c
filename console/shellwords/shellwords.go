// Package shellwords splits command lines into words and joins them, as a shell would:
// spaces separate words, quotes and backslashes keep them together.
package shellwords

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

var (
	// ErrOpen says that the line ends inside quotes.
	ErrOpen = errors.New("a quote is not closed")
	// ErrContinues says that the line ends in a backslash: the next line continues it.
	ErrContinues = errors.New("the line ends in a backslash, and no other line follows")
)

// Split takes a line apart. With ErrOpen or ErrContinues the tokens are those that the
// line would have if it were complete. A # that begins a word begins a comment.
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
	end(len(line))
	switch {
	case escaped:
		return out, ErrContinues
	case quote != 0:
		return out, ErrOpen
	}
	return out, nil
}

// Continued says whether the next line continues this one, and returns it without the
// backslash that says so.
func Continued(line string) (string, bool) {
	if _, err := Split(line); err != ErrContinues {
		return line, false
	}
	return line[:len(line)-1], true
}

// Continue appends a line to one that it continues. Where a word has ended, what indents
// the line is no part of it.
func Continue(line, next string) string {
	if strings.HasSuffix(line, " ") {
		next = strings.TrimLeft(next, " \t")
	}
	return line + next
}

// Fold writes args as [Join] does, on lines of at most width columns. Each but the last
// ends in a backslash, as a shell and [Continued] read it, so that a copy of them is whole.
// columns tells the width of a text.
func Fold(args []string, width int, columns func(string) int) []string {
	const indent, goesOn = "  ", " \\"
	width = max(width, 20)
	var lines []string
	line := ""
	for i, a := range args {
		word := Quote(a)
		wants := columns(word)
		if i+1 < len(args) && strings.HasPrefix(a, "--") && !strings.HasPrefix(args[i+1], "-") {
			wants += 1 + columns(Quote(args[i+1])) // a flag and its value stay together
		}
		room := width - len(goesOn)
		if line != "" && columns(line)+1+wants > room && (columns(line)+1+columns(word) > room || len(indent)+wants <= room) {
			lines, line = append(lines, line+goesOn), ""
		}
		switch {
		case line != "":
			word = line + " " + word
		case len(lines) > 0:
			word = indent + word
		}
		for columns(word) > room { // longer than a line: its parts begin in the first column
			var head string
			if head, a = cutWord(a, room, strings.TrimSuffix(word, Quote(a)), columns); head == "" {
				break
			}
			lines, word = append(lines, head+`\`), Quote(a)
		}
		line = word
	}
	return append(lines, line)
}

// cutWord cuts a word so that its first part, quoted behind what stands before it, fits
// into width columns; head is "" where nothing fits.
func cutWord(word string, width int, before string, columns func(string) int) (head, rest string) {
	for i := range word {
		part := before + Quote(word[:i])
		if i > 0 && columns(part) > width {
			break
		}
		if i > 0 {
			head, rest = part, word[i:]
		}
	}
	return head, rest
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
