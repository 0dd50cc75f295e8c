package screen

import (
	"strings"
	"testing"
	"time"

	"netmon/console/view"
)

// lineOf is where text stands on a screen.
func lineOf(t *testing.T, screen, text string) int {
	t.Helper()
	for y, l := range strings.Split(screen, "\n") {
		if strings.Contains(l, text) {
			return y
		}
	}
	t.Fatalf("no %q on\n%s", text, screen)
	return 0
}

// click clicks on the first line with this text.
func click(t *testing.T, v *view.Mesh, u *UI, now time.Time, on string) {
	t.Helper()
	text, s := draw(v, u, now, 80, 24, Styles{})
	y := lineOf(t, text, on)
	x := strings.Index(strings.Split(text, "\n")[y], on)
	u.Click(len([]rune(strings.Split(text, "\n")[y][:x])), y, s, 80, 24)
	draw(v, u, now, 80, 24, Styles{})
}

func TestClick(t *testing.T) {
	v, now := wronged()
	for name, tc := range map[string]struct {
		keys   []string
		clicks []string
		tab    Tab
		cursor string // monitor, agent or incident
	}{
		"a row chooses":              {clicks: []string{"  web "}, cursor: "web"},
		"the chosen row opens":       {clicks: []string{"  web ", "▸ web "}, tab: Detail, cursor: "web"},
		"in the matrix":              {keys: []string{"2"}, clicks: []string{"  web ", "▸ web "}, tab: Detail, cursor: "web"},
		"a view":                     {clicks: []string{"3 agents"}, tab: Agents, cursor: "dns"},
		"another view":               {clicks: []string{"i incidents"}, tab: Incidents, cursor: "dns"},
		"an agent":                   {keys: []string{"3"}, clicks: []string{"  tokyo "}, tab: Agents, cursor: "dns"},
		"an agent, again":            {keys: []string{"3"}, clicks: []string{"  tokyo ", "▸ tokyo "}, cursor: "gateway"},
		"an agent of a monitor":      {keys: []string{"down", "enter"}, clicks: []string{"  paris "}, tab: Detail, cursor: "gateway"},
		"a result of the log":        {keys: []string{"5"}, clicks: []string{"gateway ● ok"}, tab: Detail, cursor: "gateway"},
		"a heading does nothing":     {clicks: []string{"MONITOR"}, cursor: "dns"},
		"the end of it does nothing": {clicks: []string{"dns example.com every"}, cursor: "dns"},
		"any closes the help":        {keys: []string{"?"}, clicks: []string{"signs"}, cursor: "dns"},
		"none answers a question":    {keys: []string{"d"}, clicks: []string{"  web "}, cursor: "dns"},
	} {
		t.Run(name, func(t *testing.T) {
			u := New("nats://127.0.0.1:4222", nil)
			press(t, v, &u, now, tc.keys...)
			for _, on := range tc.clicks {
				click(t, v, &u, now, on)
			}
			if u.Tab != tc.tab || u.Cursor != tc.cursor || u.Help {
				t.Errorf("%v at %q (help %v)", u.Tab, u.Cursor, u.Help)
			}
		})
	}
}

func TestClick_Incident(t *testing.T) {
	v, now := wronged()
	u := New("", nil)
	press(t, v, &u, now, "i")
	if click(t, v, &u, now, "  3f2b"); u.Story || !strings.Contains(u.Incident, "3f2b") {
		t.Errorf("%q, opened %v", u.Incident, u.Story)
	}
	if click(t, v, &u, now, "▸ 3f2b"); !u.Story {
		t.Error("the chosen one does not open")
	}
}

func TestClick_ChoosesTheAgent(t *testing.T) {
	v, now := office()
	u := New("", nil)
	press(t, v, &u, now, "down", "enter")
	if click(t, v, &u, now, "  paris "); u.Agent != "paris" {
		t.Errorf("chose %q", u.Agent)
	}
}

func TestWheel(t *testing.T) {
	v, now := office()
	u := New("", nil)
	_, s := draw(v, &u, now, 80, 24, Styles{})
	u.Wheel(false, s)
	if _, s = draw(v, &u, now, 80, 24, Styles{}); u.Cursor != "a-rather-long-name-of-a-monitor" {
		t.Errorf("down leads to %q", u.Cursor)
	}
	u.Wheel(true, s)
	if draw(v, &u, now, 80, 24, Styles{}); u.Cursor != "dns" {
		t.Errorf("up leads to %q", u.Cursor)
	}
	press(t, v, &u, now, "?")
	_, s = draw(v, &u, now, 80, 24, Styles{})
	if u.Wheel(false, s); u.Scroll != wheelStep || !u.Help {
		t.Errorf("in the help: line %d", u.Scroll)
	}
}

func TestMouse_CanBeOff(t *testing.T) {
	v, now := office()
	p := &program{ui: New("", nil), o: Options{}}
	press(t, v, &p.ui, now, "m")
	if p.ui.Mouse || p.View().MouseMode != 0 {
		t.Error("m does not turn it off")
	}
	press(t, v, &p.ui, now, "m")
	if p.View().MouseMode == 0 {
		t.Error("m does not turn it on")
	}
}
