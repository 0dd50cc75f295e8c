package notify

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Plain is text from elsewhere, such as a banner, as a message may hold it: valid UTF-8
// without control characters but line feeds, and without what turns the direction of
// writing or does not show.
func Plain(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r), unicode.Is(unicode.Co, r):
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, string(unicode.ReplacementChar)))
}

// Line is Plain in one line, as headers and titles want it.
func Line(s string) string { return strings.Join(strings.Fields(Plain(s)), " ") }

// HTML escapes plain text for HTML, in elements and in attributes with quotes.
func HTML(s string) string { return html.EscapeString(s) }

// Markdown escapes plain text for Markdown, so that nothing in it is a link, a mention,
// an image, a list, a heading or HTML. What follows an @ is kept off it by a space of no
// width, since services look for mentions before they look at escapes.
func Markdown(s string) string {
	var b strings.Builder
	for i, r := range s {
		if strings.ContainsRune("\\`*_{}[]()<>#+-.!|~&=\"'$^", r) || r == ':' && strings.HasPrefix(s[i:], "://") {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
		if r == '@' {
			b.WriteRune('\u200b')
		}
	}
	return b.String()
}

// Cut clips text to a number of characters, as services count them, and marks the cut.
func Cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	runes := []rune(s)
	return string(runes[:max(0, most-1)]) + "…"
}
