package console

import (
	"fmt"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// EscapeJSON writes every character of a JSON text that a terminal may take
// for something else as \uXXXX. Its value stays exactly the same. The encoder
// does so for the control characters below U+0020 only, and passes bytes of raw
// parts that are no UTF-8; these become U+FFFD, as decoders read them.
func EscapeJSON(data []byte) []byte {
	clean := 0 // bytes at the beginning that stay
	for clean < len(data) {
		if b := data[clean]; b >= ' ' && b <= '~' { // nearly all of it
			clean++
			continue
		}
		r, n := utf8.DecodeRune(data[clean:])
		if !plainRune(r, n) {
			break
		}
		clean += n
	}
	if clean == len(data) {
		return data
	}
	out := append(make([]byte, 0, len(data)+len(data)/8), data[:clean]...)
	for i := clean; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		high, low := utf16.EncodeRune(r)
		switch {
		case plainRune(r, n):
			out = append(out, data[i:i+n]...)
		case r == '\r': // it may stand between values only
			out = append(out, ' ')
		case high != utf8.RuneError: // beyond U+FFFF
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		i += n
	}
	return out
}

// plainRune passes what prints, and the line ends and tabs of an indented text.
func plainRune(r rune, n int) bool {
	return unicode.IsPrint(r) && (r != utf8.RuneError || n > 1) || r == '\n' || r == '\t'
}
