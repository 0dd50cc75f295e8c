package console

import (
	"encoding/binary"
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
		if clean += asciiWords(data[clean:]); clean == len(data) {
			break
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
		case r == '\r': // it may be between values only
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

// asciiWords is how many bytes at the beginning are printable ASCII, by eights.
// Nearly all of a text is, and byte by byte that took a tenth of a console's time.
func asciiWords(data []byte) (n int) {
	const each = 0x0101010101010101
	for ; len(data)-n >= 8; n += 8 {
		w := binary.LittleEndian.Uint64(data[n:])
		// The high bit of a byte is set by one of 80 and above, by 20 less from
		// one below 20, and by 1 more than 7f, all in hexadecimal. A borrow or a
		// carry begins at such a byte only.
		if (w|(w-0x20*each)|(w+each))&(0x80*each) != 0 {
			break
		}
	}
	return n
}

// plainRune passes what prints, and the line ends and tabs of an indented text.
func plainRune(r rune, n int) bool {
	return unicode.IsPrint(r) && (r != utf8.RuneError || n > 1) || r == '\n' || r == '\t'
}
