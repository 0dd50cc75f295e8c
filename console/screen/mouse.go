package screen

import "netmon/console/view"

// wheelStep is how many rows the wheel moves.
const wheelStep = 3

func (u *UI) setMouse(on bool) {
	if u.Mouse = on; on {
		u.say("the mouse is on: click chooses, click again opens; shift+drag selects text")
	} else {
		u.say("the mouse is off: drag selects text; m turns it on")
	}
}

// Click is what a click on a column and a line does, both counted from 0, on a screen of
// that size that shows s: it chooses what is there, and opens what is chosen already.
func (u *UI) Click(x, y int, s view.Snapshot, w, h int) Effect {
	switch {
	case u.Mode == asking || u.Frozen:
		return Effect{}
	case u.Help || u.Output != nil:
		return u.Key("esc", s)
	case u.Mode != normal:
		return Effect{}
	}
	u.say("")
	if y == 1 {
		u.clickTab(x, s, w)
		return Effect{}
	}
	id, ok := pageOf(s, *u, w, h, Styles{}).ids[y-2]
	if !ok {
		return Effect{}
	}
	switch u.Tab {
	case Monitors, Matrix:
		if id == s.Cursor {
			u.Chosen = true
			u.enter(s)
		}
		u.Cursor, u.Chosen = id, true
	case Agents:
		if id == u.agentOf(s) {
			u.enter(s)
			return Effect{}
		}
		u.Agent = id
	case Detail:
		u.Agent = id
	case Log:
		u.open(id)
	case Incidents:
		if id == u.incident(s) {
			u.enter(s)
		}
		u.Incident = id
	}
	return Effect{}
}

// clickTab shows the view whose label is at x.
func (u *UI) clickTab(x int, s view.Snapshot, w int) {
	_, ends := tabLine(s, *u, w, Styles{})
	for t, end := range ends {
		if x < end {
			u.show(Tab(t))
			u.Story = false
			return
		}
	}
}

// Wheel moves what is chosen, or scrolls: up where up is true, else down.
func (u *UI) Wheel(up bool, s view.Snapshot) {
	by := wheelStep
	if up {
		by = -by
	}
	switch {
	case u.Help || u.Output != nil:
		u.scroll(by, s)
	case u.Mode == normal && !u.Frozen && u.Tab != Log:
		u.Chosen = u.Chosen || s.Cursor != ""
		u.moveBy(by, s)
	}
}
