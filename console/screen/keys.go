package screen

import (
	"fmt"
	"slices"
	"time"

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
		return fmt.Sprintf("silence incident %s for %s", r.Short, wire.Duration(r.For))
	}
	if r.On == "" {
		return string(r.Verb) + " " + r.Monitor
	}
	return fmt.Sprintf("%s %s on %s", r.Verb, r.Monitor, r.On)
}

// Effect is what a key does beyond the screen.
type Effect struct {
	Quit, Interrupted bool
	Do                *Request
	Copy              Copy          // what goes to the clipboard
	Run               []string      // a command whose output is to be shown
	Pause             bool          // the past stands still, or continues
	Step              time.Duration // so far through the past
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
	case commanding:
		return u.commandKey(key, s)
	case asking:
		return u.answer(key)
	case answering:
		if key == "enter" {
			return u.given()
		}
		u.typeKey(key)
		if u.Mode == normal {
			u.Asked = nil
			u.say("nothing was changed")
		}
		return Effect{}
	}
	u.say("")
	u.Chosen = u.Chosen || s.Cursor != "" && !slices.Contains([]string{"1", "2", "3", "5", "i", "a", "t", "T", "tab", "space", "?", "s", "c", "/", ":", "m", "home", "g"}, key)
	if u.Help || u.Output != nil {
		if by, ok := steps[key]; ok {
			u.scroll(by, s)
			return Effect{}
		}
		quit := u.Help && key == "q"
		u.Help, u.Output, u.Scroll = false, nil, 0
		return Effect{Quit: quit}
	}
	if u.Frozen && !slices.Contains([]string{"space", "q", "y", "Y", "?", "m", "esc"}, key) {
		u.refuse("the screen is frozen: space continues")
		return Effect{}
	}
	if e, ok := u.pastKey(key); ok {
		return e
	}
	switch key {
	case "q":
		return Effect{Quit: true}
	case "?":
		u.Help, u.Scroll = true, 0
	case ":":
		u.Mode, u.Typed = commanding, ""
	case "m":
		u.setMouse(!u.Mouse)
	case "space":
		if u.Frozen = !u.Frozen; u.Frozen {
			u.say("the screen is frozen; results still come in")
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
	case "t":
		u.nextSpan(1)
	case "T":
		u.nextSpan(-1)
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
		u.refuse("the incident is open: esc goes back")
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
	u.moveBy(steps[key], s)
}

// steps is how far each key moves.
var steps = map[string]int{"up": -1, "k": -1, "down": 1, "j": 1, "pgup": -15, "pgdown": 15, "home": -1 << 30, "g": -1 << 30, "end": 1 << 30, "G": 1 << 30}

// moveBy moves what is chosen, or scrolls.
func (u *UI) moveBy(by int, s view.Snapshot) {
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
		u.refuse("the log follows the newest result: space freezes it, / filters it")
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
