package screen

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"netmon/console"
	"netmon/console/view"
	"netmon/internal/plural"
	"netmon/internal/timetext"
)

// Player moves through the past: [console.Past].
type Player interface {
	Play() console.PlayState
	Pause() // or continues
	Step(by time.Duration)
}

// pastStep is how far a key steps through the past.
const pastStep = time.Minute

// notInPast is why keys that change something do nothing.
const notInPast = "this is the past, and nothing can be changed in it: netmon dash shows now"

// HearPast takes how far the past has gone, and tells what has changed.
func (u *UI) HearPast(s console.PlayState) {
	was := u.Past
	s.Note, s.Why = console.Printable(s.Note), console.Printable(s.Why)
	u.Past = &s
	switch {
	case s.Why != "" && (was == nil || was.Why != s.Why):
		u.refuse("it cannot be read on: " + s.Why)
	case s.Note != "" && (was == nil || was.Note != s.Note):
		u.say(s.Note)
	case s.Ended && (was == nil || !was.Ended):
		u.say("the replay has reached now and ends: netmon dash continues from here")
	}
}

// pastKey is what a key does in the past that it does not do otherwise; ok says that it
// does.
func (u *UI) pastKey(key string) (e Effect, ok bool) {
	if u.Past == nil {
		return e, false
	}
	switch {
	case key == "space" && u.Past.Ended:
		u.refuse("the replay has reached now: ← steps back")
	case key == "space":
		return Effect{Pause: true}, true
	case key == "," || (key == "left" || key == "h") && u.Tab != Matrix:
		return Effect{Step: -pastStep}, true
	case key == "." || (key == "right" || key == "l") && u.Tab != Matrix:
		return Effect{Step: pastStep}, true
	case key == "y" || slices.Contains([]string{"r", "x", "p", "d", "e", "n", "a"}, key) || key == "s" && u.Tab == Incidents:
		u.refuse(notInPast)
	default:
		return e, false
	}
	return e, true
}

// pastHeader says that what is shown is past, of when, and whether it plays.
func pastHeader(s view.Snapshot, u UI, states string, w int, st Styles) string {
	head := st.in(st.Chosen, "PAST") + " " + timetext.Zoned(s.At) + " " + st.in(st.Warn, playWord(u.Past))
	counts := "  " + plural.Count(s.Totals.All, "monitor", "monitors") + ":" + states
	if s.Totals.All == 0 {
		counts = "  no monitor"
	}
	end := fmt.Sprintf("  agents %d/%d", s.Totals.Online, s.Totals.Agents)
	for _, left := range []string{head + counts, head + " " + states} {
		if ansi.StringWidth(left)+ansi.StringWidth(end) <= w {
			return sides(left, end, w)
		}
	}
	return fit(head+" "+states, w)
}

// playWord says how the past plays.
func playWord(p *console.PlayState) string {
	switch {
	case p.Ended:
		return "ended: this is now"
	case p.Paused && p.Speed > 0:
		return fmt.Sprintf("%g× paused", p.Speed)
	case p.Paused:
		return "still"
	}
	return fmt.Sprintf("%g×", p.Speed)
}

// pastHints are the keys of a view in the past: those that change nothing, and those that move through it.
func pastHints(list []hint, u UI) []hint {
	list = slices.DeleteFunc(list, func(h hint) bool {
		return slices.Contains([]string{"r", "x", "p", "d", "e", "n", "a", "y", "space"}, h.key) || h.key == "s" && u.Tab == Incidents
	})
	does, step := "pause", "←→"
	if u.Past.Paused {
		does = "continue"
	}
	if u.Tab == Matrix {
		step = ",."
	}
	list = append([]hint{{step, "step " + strings.TrimSuffix(pastStep.String(), "0s"), 2}}, list...)
	if u.Past.Ended {
		return list
	}
	return append([]hint{{"space", does, 1}}, list...)
}
