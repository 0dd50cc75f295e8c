package screen

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"netmon/console"
	"netmon/console/view"
	"netmon/wire"
)

// Verb is what a key asks the mesh to do.
type Verb string

const (
	Start  Verb = "start"
	Stop   Verb = "stop"
	Probe  Verb = "probe"
	Delete Verb = "delete"
	Edit   Verb = "edit" // in an editor, which takes the terminal
	Add    Verb = "add"  // by questions, which take the terminal

	Ack     Verb = "acknowledge"
	Silence Verb = "silence"
)

// takes says that the terminal is needed.
func (v Verb) takes() bool { return v == Edit || v == Add }

// Request is one change, or one measurement, of one monitor.
type Request struct {
	Verb    Verb
	Monitor string
	On      string // an agent; "" is all

	Incident string         // of Ack and Silence
	Short    string         // its id as people read it
	Of       *wire.Incident // as it was when the key was pressed
	Text     string         // why
	For      time.Duration  // of Silence
}

func (r Request) String() string {
	switch r.Verb {
	case Add:
		return string(Add)
	case Ack:
		return "acknowledge incident " + r.Short
	case Silence:
		return fmt.Sprintf("silence incident %s for %s", r.Short, console.SpanText(r.For))
	}
	if r.On == "" {
		return string(r.Verb) + " " + r.Monitor
	}
	return fmt.Sprintf("%s %s on %s", r.Verb, r.Monitor, r.On)
}

func (r *Request) question() string {
	return fmt.Sprintf("%s, and stop it on every agent?", r)
}

// Effect is what a key does beyond the screen.
type Effect struct {
	Quit, Interrupted bool
	Do                *Request
	Copy              Copy // what goes to the clipboard
}

// Copy says what of the chosen monitor is to be copied.
type Copy uint8

const (
	CopyNothing Copy = iota
	CopyCommand
	CopyName
)

// Key is what a key does, on a screen that shows s. A key that does nothing
// here says why.
func (u *UI) Key(key string, s view.Snapshot) Effect {
	if key == "ctrl+c" {
		return Effect{Quit: true, Interrupted: true}
	}
	switch u.Mode {
	case typing:
		u.typeKey(key)
		return Effect{}
	case choosing:
		u.chooseKey(key)
		return Effect{}
	case asking:
		return u.answer(key)
	case answering:
		if key == "enter" {
			return u.given()
		}
		u.typeKey(key)
		if u.Mode == normal {
			u.Asked = nil
			u.say("nothing is changed")
		}
		return Effect{}
	}
	u.say("")
	u.Chosen = u.Chosen || s.Cursor != "" && !slices.Contains([]string{"1", "2", "3", "5", "i", "a", "tab", "space", "?", "s", "c", "/", "home", "g"}, key)
	if u.Help {
		u.Help = false
		return Effect{Quit: key == "q"}
	}
	if u.Frozen && !slices.Contains([]string{"space", "q", "y", "Y", "?", "esc"}, key) {
		u.refuse("frozen: nothing moves until space is pressed again")
		return Effect{}
	}
	switch key {
	case "q":
		return Effect{Quit: true}
	case "?":
		u.Help = true
	case "space":
		if u.Frozen = !u.Frozen; u.Frozen {
			u.say("frozen; results go on being taken in. space goes on")
		}
	case "tab":
		u.show((u.Tab + 1) % tabs)
	case "shift+tab":
		u.show((u.Tab + tabs - 1) % tabs)
	case "1", "2", "3", "4", "5":
		u.show(Tab(key[0] - '1'))
	case "i":
		u.show(Incidents)
		u.Story = false
	case "a":
		u.ask(Ack, s)
	case "esc":
		u.escape()
	case "enter":
		u.enter(s)
	case "up", "k", "down", "j", "pgup", "pgdown", "home", "g", "end", "G":
		u.move(key, s)
	case "left", "h", "right", "l":
		u.shift(key, s)
	case "/":
		if u.Tab == Agents || u.Tab == Detail || u.Tab == Incidents {
			u.refuse("/ filters monitors: it works in views 1, 2 and 5")
			return Effect{}
		}
		u.Mode, u.Typed = typing, u.Filter
	case "s":
		if u.Tab == Incidents {
			u.ask(Silence, s)
			return Effect{}
		}
		if u.Tab != Monitors && u.Tab != Matrix {
			u.refuse("s sorts monitors: it works in views 1 and 2")
			return Effect{}
		}
		u.Sort = (u.Sort + 1) % view.Sort(len(view.Sorts))
		u.First = 0
	case "c":
		if u.Tab != Monitors {
			u.refuse("c chooses columns of monitors: it works in view 1")
			return Effect{}
		}
		u.Mode = choosing
	default:
		return u.act(key, s)
	}
	return Effect{}
}

func (u *UI) show(t Tab) {
	if t == Detail && u.Tab != Detail {
		u.Back = u.Tab
	}
	u.Tab = t
}

func (u *UI) escape() {
	switch {
	case u.Frozen:
		u.Frozen = false
	case u.Tab == Incidents && u.Story:
		u.Story, u.Scroll = false, 0
	case u.Tab == Detail:
		u.Tab = u.Back
	case u.Filter != "":
		u.Filter, u.First = "", 0
	case u.Tab != Monitors:
		u.Tab = Monitors
	default:
		u.refuse("this is the first view: q quits")
	}
}

func (u *UI) enter(s view.Snapshot) {
	switch {
	case u.Tab == Incidents && len(s.Incidents.All) == 0:
		u.refuse("there is no incident to open")
	case u.Tab == Incidents && !u.Story:
		u.Incident, u.Story, u.Scroll = u.incident(s), true, 0
	case u.Tab == Incidents:
		u.refuse("this is all of it: esc goes back")
	case u.Tab == Detail || u.Tab == Log:
		u.refuse("enter opens a monitor or an agent: it works in views 1, 2 and 3")
	case u.Tab == Agents:
		if len(s.Agents) == 0 {
			u.refuse("there is no agent to open")
			return
		}
		u.Filter, u.First = u.agentOf(s), 0
		u.show(Monitors)
		u.say("monitors of " + u.Filter + "; esc shows all")
	case s.Cursor == "":
		u.refuse("there is no monitor to open")
	default:
		u.Agent = ""
		u.show(Detail)
	}
}

// agentOf is the agent that is chosen in the agents' view.
func (u *UI) agentOf(s view.Snapshot) string {
	if len(s.Agents) == 0 || slices.ContainsFunc(s.Agents, func(a view.AgentRow) bool { return a.ID == u.Agent }) {
		return u.Agent
	}
	return s.Agents[0].ID
}

func (u *UI) move(key string, s view.Snapshot) {
	by := map[string]int{"up": -1, "k": -1, "down": 1, "j": 1, "pgup": -15, "pgdown": 15, "home": -1 << 30, "g": -1 << 30, "end": 1 << 30, "G": 1 << 30}[key]
	switch u.Tab {
	case Monitors, Matrix:
		u.Move += by
		if by < -1<<20 {
			u.Chosen, u.First, u.Move = false, 0, 0
		}
	case Agents:
		ids := make([]string, len(s.Agents))
		for i, a := range s.Agents {
			ids[i] = a.ID
		}
		u.Agent = step(ids, u.agentOf(s), by)
	case Detail:
		if s.Detail == nil {
			return
		}
		ids := make([]string, len(s.Detail.Agents))
		for i, a := range s.Detail.Agents {
			ids[i] = a.Agent
		}
		u.Agent = step(ids, s.Detail.On, by)
	case Incidents:
		if u.Story {
			u.scroll(by, s)
			return
		}
		ids := make([]string, len(s.Incidents.All))
		for i, x := range s.Incidents.All {
			ids[i] = x.ID
		}
		u.Incident = step(ids, u.incident(s), by)
	case Log:
		u.refuse("the log follows the newest result: space holds it, / filters it")
	}
}

func step(ids []string, from string, by int) string {
	if len(ids) == 0 {
		return from
	}
	return ids[min(max(max(0, slices.Index(ids, from))+by, 0), len(ids)-1)]
}

func (u *UI) shift(key string, s view.Snapshot) {
	if u.Tab != Matrix {
		u.refuse("← and → move through the agents of view 2")
		return
	}
	if key == "left" || key == "h" {
		u.Shift = max(0, u.Shift-1)
		return
	}
	u.Shift = min(u.Shift+1, max(0, len(s.AgentIDs)-1))
}

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
	if u.Mode != typing && u.Mode != answering || utf8.RuneCountInString(text) > 1 && strings.Contains(text, "+") || isNamed(text) {
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

func (u *UI) answer(key string) Effect {
	r := u.Asked
	switch key {
	case "y", "Y":
		u.Mode, u.Asked = normal, nil
		u.say(r.String() + " …")
		return Effect{Do: r}
	case "n", "N", "esc", "q", "enter":
		u.Mode, u.Asked = normal, nil
		u.say("nothing is deleted")
	}
	return Effect{}
}
