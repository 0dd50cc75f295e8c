package prompt

import (
	"slices"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// editor is one line of text with a cursor.
type editor struct {
	text []rune
	at   int    // the cursor stands before this rune
	cut  []rune // what was cut last
}

func (e *editor) String() string { return string(e.text) }

// before is the text up to the cursor.
func (e *editor) before() string { return string(e.text[:e.at]) }

func (e *editor) set(s string) { e.text, e.at = []rune(s), len([]rune(s)) }

// insert types s; control characters are left out.
func (e *editor) insert(s string) {
	for _, r := range s {
		switch {
		case r == '\t':
			r = ' '
		case !unicode.IsPrint(r):
			continue
		}
		e.text = slices.Insert(e.text, e.at, r)
		e.at++
	}
}

// replace puts s in the place of the text from byte start to the cursor.
func (e *editor) replace(start int, s string) {
	head := []rune(e.before()[:start] + s)
	e.text = append(slices.Clip(head), e.text[e.at:]...)
	e.at = len(head)
}

// key carries out an editing key, named as bubbletea names it.
func (e *editor) key(name string) bool {
	switch name {
	case "left", "ctrl+b":
		e.at = max(0, e.at-1)
	case "right", "ctrl+f":
		e.at = min(len(e.text), e.at+1)
	case "home", "ctrl+a":
		e.at = 0
	case "end", "ctrl+e":
		e.at = len(e.text)
	case "alt+left", "ctrl+left", "alt+b":
		e.at = e.wordLeft()
	case "alt+right", "ctrl+right", "alt+f":
		e.at = e.wordRight()
	case "backspace", "ctrl+h":
		if e.at > 0 {
			e.at--
			e.text = slices.Delete(e.text, e.at, e.at+1)
		}
	case "delete", "ctrl+d":
		if e.at < len(e.text) {
			e.text = slices.Delete(e.text, e.at, e.at+1)
		}
	case "ctrl+w", "alt+backspace":
		e.remove(e.wordLeft(), e.at)
	case "alt+d":
		e.remove(e.at, e.wordRight())
	case "ctrl+u":
		e.remove(0, e.at)
	case "ctrl+k":
		e.remove(e.at, len(e.text))
	case "ctrl+y":
		e.insert(string(e.cut))
	default:
		return false
	}
	return true
}

func (e *editor) remove(from, to int) {
	e.cut = slices.Clone(e.text[from:to])
	e.text, e.at = slices.Delete(e.text, from, to), from
}

func (e *editor) wordLeft() int {
	i := e.at
	for i > 0 && e.text[i-1] == ' ' {
		i--
	}
	for i > 0 && e.text[i-1] != ' ' {
		i--
	}
	return i
}

func (e *editor) wordRight() int {
	i := e.at
	for i < len(e.text) && e.text[i] == ' ' {
		i++
	}
	for i < len(e.text) && e.text[i] != ' ' {
		i++
	}
	return i
}

// view is the part of the line that fits into width columns, and the column of
// the cursor in it. The cursor is always in sight.
func (e *editor) view(width int) (string, int) {
	width = max(width, 4)
	from := 0
	for from < e.at && ansi.StringWidth(string(e.text[from:e.at])) >= width {
		from++
	}
	text := ansi.Truncate(string(e.text[from:]), width-1, "")
	if from > 0 {
		text = "…" + strings.TrimPrefix(text, string(e.text[from:from+1]))
	}
	return text, ansi.StringWidth(string(e.text[from:e.at]))
}
