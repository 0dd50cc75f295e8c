package screen

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"netmon/console"
	"netmon/judge"
)

// Styles are escape sequences of a terminal; the zero value has none.
type Styles struct {
	Good, Warn, Bad, Dim, Head, Chosen, Reset string
	Line                                      console.Styles
	ASCII                                     bool // the terminal has no other signs
}

// Colours are the 16 basic ones, legible on light and on dark.
var Colours = Styles{Good: "\x1b[32m", Warn: "\x1b[33m", Bad: "\x1b[31m", Dim: "\x1b[2m", Head: "\x1b[1m", Chosen: "\x1b[7m",
	Reset: "\x1b[0m", Line: console.Colours}

// Mono is for terminals, or people, without colours: bold and reverse.
var Mono = Styles{Bad: "\x1b[1m", Head: "\x1b[1m", Chosen: "\x1b[7m", Reset: "\x1b[0m"}

// ascii has for each sign of ours one that every terminal has, as wide.
var ascii = strings.NewReplacer("●", "*", "▲", "^", "✕", "X", "○", "o", "▸", ">", "…", "~", "│", "|", "·", "-", "█", "#", "▇", "#", "▆", "#", "▅", "#",
	"▄", "=", "▃", "=", "▂", "_", "▁", "_", "←", "<", "→", ">", "↑", "^", "↓", "v", "×", "x", "µ", "u", "▓", "%", "▒", ":", "░", ".", "┤", "|")

// signs writes text with the signs that the terminal has.
func (st Styles) signs(text string) string {
	if st.ASCII {
		return ascii.Replace(text)
	}
	return text
}

// in wraps text in a style.
func (st Styles) in(style, text string) string {
	if style == "" || text == "" {
		return text
	}
	return style + text + st.Reset
}

func (st Styles) state(s judge.State) string {
	switch s {
	case judge.Up:
		return st.Good
	case judge.Down:
		return st.Bad
	case judge.Degraded, judge.Unknown:
		return st.Warn
	}
	return st.Dim
}

// strip writes states as signs, equal neighbours in one style.
func (st Styles) strip(list []judge.State) string {
	var b strings.Builder
	for i := 0; i < len(list); {
		j := i
		for j < len(list) && list[j] == list[i] {
			j++
		}
		b.WriteString(st.in(st.state(list[i]), strings.Repeat(list[i].Mark(), j-i)))
		i = j
	}
	return b.String()
}

// fit makes text exactly w wide: cut with an ellipsis, or filled with spaces.
func fit(text string, w int) string {
	if w <= 0 {
		return ""
	}
	n := ansi.StringWidth(text)
	if n > w {
		text = ansi.Truncate(text, w, "…")
		n = ansi.StringWidth(text)
	}
	return text + strings.Repeat(" ", max(0, w-n))
}

// right is fit with the text at the right.
func right(text string, w int) string {
	if n := ansi.StringWidth(text); n < w {
		return strings.Repeat(" ", w-n) + text
	}
	return fit(text, w)
}

// sides puts one text at the left and one at the right; the left one gives way.
func sides(left, end string, w int) string {
	n := ansi.StringWidth(end)
	if n >= w {
		return fit(left, w)
	}
	return fit(left, w-n) + end
}

// wrap breaks text into lines of at most w: at spaces, and words that are wider
// anywhere. (ansi.Wrap also breaks at hyphens, which tears flags apart.)
func wrap(text string, w int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && ansi.StringWidth(line)+1+ansi.StringWidth(word) <= w {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		parts := strings.Split(ansi.Hardwrap(word, w, true), "\n")
		lines = append(lines, parts[:len(parts)-1]...)
		line = parts[len(parts)-1]
	}
	return append(lines, line)
}
