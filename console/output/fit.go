package output

import (
	"strings"
	"unicode/utf8"
)

// Cut says how a cell may be cut where a table is wider than the screen.
type Cut int

const (
	Whole  Cut = iota // never: a state, a number, a time
	Prose             // a sentence: it loses its end, first of all
	Place             // an address, labels: it loses its end, when the sentences are short already
	Naming            // a name loses its middle, last of all, and no two become the same
)

// least is how much of a cell stays.
var least = [...]int{Prose: 12, Place: 8, Naming: 10}

const gap = 2 // between two columns

// table is a table that may be too wide.
type table struct {
	titles []string
	rows   [][]string
	cuts   []Cut
}

// fit cuts cells so that no line is wider than the screen. Where that is not possible
// lines stay longer.
func (t *table) fit(width int) {
	widths := make([]int, len(t.titles))
	over := gap*(len(widths)-1) - width
	for c := range widths {
		widths[c] = utf8.RuneCountInString(t.titles[c])
		for _, row := range t.rows {
			widths[c] = max(widths[c], utf8.RuneCountInString(row[c]))
		}
		over += widths[c]
	}
	for _, how := range []Cut{Prose, Place, Naming} {
		for over > 0 {
			widest := -1
			for c, w := range widths {
				if t.cuts[c] == how && w > max(least[how], utf8.RuneCountInString(t.titles[c])) && (widest < 0 || w > widths[widest]) {
					widest = c
				}
			}
			if widest < 0 {
				break
			}
			widths[widest]--
			over--
		}
	}
	for c, how := range t.cuts {
		if how != Whole {
			t.cut(c, widths[c])
		}
	}
}

// cut makes the cells of a column as wide as this; names that would be the same stay.
func (t *table) cut(c, width int) {
	short := make([]string, len(t.rows))
	of := map[string]string{} // whole names by short ones
	clash := map[string]bool{}
	for i, row := range t.rows {
		short[i] = shorten(row[c], width, t.cuts[c])
		if was, ok := of[short[i]]; ok && was != row[c] {
			clash[short[i]] = true
		}
		of[short[i]] = row[c]
	}
	for i, row := range t.rows {
		if t.cuts[c] != Naming || !clash[short[i]] {
			row[c] = short[i]
		}
	}
}

// shorten leaves out of a text what is beyond width, and says so by one sign.
func shorten(text string, width int, how Cut) string {
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	if how != Naming {
		return strings.TrimRight(string(runes[:width-1]), " ,;:") + "…"
	}
	tail := (width - 1) / 2
	return string(runes[:width-1-tail]) + "…" + string(runes[len(runes)-tail:])
}
