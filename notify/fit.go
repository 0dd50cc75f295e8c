package notify

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Fit is the text of the message, at most so large as size measures it: every line of
// Head, and of Members as many as there is room for, with a line that says how many
// there are besides. Where Head alone is too large, its longest lines are cut. It is
// the title where a template gave no text, since most services refuse an empty one.
func (m *Message) Fit(most int, size func(string) int) string {
	if text := m.fit(most, size); strings.TrimSpace(text) != "" {
		return text
	}
	return cutLines([]string{m.Title}, most, size)
}

func (m *Message) fit(most int, size func(string) int) string {
	listed, unlisted := m.Members, 0
	if n := m.Incident.More; n > 0 && len(listed) > 0 && listed[len(listed)-1] == moreLine(n) {
		listed, unlisted = listed[:len(listed)-1], n
	}
	if len(listed) == 0 {
		return cutLines(m.Head, most, size)
	}
	last := "\n" + moreLine(len(listed)+unlisted)
	head := cutLines(m.Head, most-size(last), size)
	if head == "" {
		return cutLines(m.Head, most, size)
	}
	var b strings.Builder
	b.WriteString(head)
	room := most - size(head)
	for n, line := range listed {
		line = "\n" + line
		rest := len(listed) - n - 1 + unlisted
		need := size(line)
		if rest > 0 {
			need += size(last) // which is no shorter than what is left will need
		}
		if need > room {
			b.WriteString("\n" + moreLine(rest+1))
			return b.String()
		}
		b.WriteString(line)
		room -= size(line)
	}
	if unlisted > 0 {
		b.WriteString("\n" + moreLine(unlisted))
	}
	return b.String()
}

// cutLines joins lines, of which the longest are cut until all fit; "" where not even
// their beginnings do.
func cutLines(lines []string, most int, size func(string) int) string {
	longest := 0 // no character measures less than 1
	for _, line := range lines {
		longest = max(longest, len(line))
	}
	for limit := min(longest, max(most, 0)); limit > 0; limit = limit * 7 / 8 {
		cut := make([]string, len(lines))
		for i, line := range lines {
			cut[i] = Cut(line, limit)
		}
		if out := strings.Join(cut, "\n"); size(out) <= most {
			return out
		}
	}
	return ""
}

// How services measure a text; who counts bytes has len.

// utf16Len counts in units of UTF-16.
func utf16Len(s string) (n int) {
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// jsonLen counts the bytes that a text takes inside of JSON, as encodeJSON writes it.
func jsonLen(s string) (n int) {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		switch {
		case r == '"' || r == '\\' || r == '\n' || r == '\r' || r == '\t' || r == '\b' || r == '\f':
			n += 2
		case r < ' ' || r == '\u2028' || r == '\u2029' || r == utf8.RuneError && size == 1:
			n += len(`\u0000`)
		default:
			n += size
		}
	}
	return n
}

// sizeOf measures a text as it is once it is escaped.
func sizeOf(escape func(string) string, size func(string) int) func(string) int {
	return func(s string) int { return size(escape(s)) }
}
