package status

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"unicode/utf8"
)

// badgeFills are colours on which white text can be read, in both themes of whoever shows it.
var badgeFills = map[string]string{"up": "#17734a", "mnt": "#2457c5", "deg": "#855000", "down": "#b8232a", "unk": "#59616a"}

const (
	badgeMost = 40  // characters of a name
	charWide  = 6.6 // of Verdana at 11 px, about
)

// badge is a small picture with a name and a state in words.
func badge(name string, is State) []byte {
	if utf8.RuneCountInString(name) > badgeMost {
		name = string([]rune(name)[:badgeMost-1]) + "…"
	}
	wide := func(s string) int { return int(charWide*float64(utf8.RuneCountInString(s))) + 12 }
	left, right := wide(name), wide(is.Said())
	var text bytes.Buffer
	_ = xml.EscapeText(&text, []byte(name)) // to memory
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="20" role="img" aria-label="%[2]s: %[3]s"><title>%[2]s: %[3]s</title><clipPath id="r"><rect width="%[1]d" height="20" rx="3"/></clipPath><g clip-path="url(#r)"><rect width="%[4]d" height="20" fill="#3b4046"/><rect x="%[4]d" width="%[5]d" height="20" fill="%[6]s"/></g><g fill="#fff" text-anchor="middle" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11"><text x="%[7]d" y="14" textLength="%[8]d">%[2]s</text><text x="%[9]d" y="14" textLength="%[10]d">%[3]s</text></g></svg>`,
		left+right, text.String(), is.Said(), left, right, badgeFills[is.Class()], left/2, left-12, left+right/2, right-12)
}
