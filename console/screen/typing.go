package screen

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// typeKey is what a key does to the text that is being typed.
func (u *UI) typeKey(key string) {
	switch key {
	case "enter":
		u.Mode, u.Filter, u.First = normal, strings.TrimSpace(u.Typed), 0
	case "esc":
		u.Mode = normal
	case "backspace":
		_, n := utf8.DecodeLastRuneInString(u.Typed)
		u.Typed = u.Typed[:len(u.Typed)-n]
	case "ctrl+u":
		u.Typed = ""
	case "space":
		u.Typed += " "
	default:
		u.Type(key)
	}
}

// Type adds text to what is being typed.
func (u *UI) Type(text string) {
	if u.Mode != typing && u.Mode != answering && u.Mode != commanding || utf8.RuneCountInString(text) > 1 && strings.Contains(text, "+") || isNamed(text) {
		return
	}
	for _, r := range text {
		if unicode.IsPrint(r) && len(u.Typed) < typedMost {
			u.Typed += string(r)
		}
	}
}

// typedMost is how many bytes are typed at most.
const typedMost = 200

func isNamed(key string) bool {
	return slices.Contains([]string{"up", "down", "left", "right", "tab", "home", "end", "pgup", "pgdown", "delete", "insert"}, key)
}

// chooseKey shows or hides a column.
func (u *UI) chooseKey(key string) {
	if key == "enter" || key == "esc" || key == "q" {
		u.Mode = normal
		return
	}
	for i, c := range allColumns {
		if key == string(c.key) {
			u.Columns ^= 1 << i
		}
	}
}

// answer is what a key says to a question.
func (u *UI) answer(key string) Effect {
	r := u.Asked
	switch key {
	case "y", "Y":
		u.Mode, u.Asked = normal, nil
		u.say(r.String() + " …")
		return Effect{Do: r}
	case "n", "N", "esc", "q", "enter":
		u.Mode, u.Asked = normal, nil
		u.say("nothing was changed")
	}
	return Effect{}
}
