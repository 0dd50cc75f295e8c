package screen

import (
	"strings"
	"testing"

	"netmon/console/view"
)

// TestKey presses keys on the office's screen and looks at what is asked for,
// what is said, and where one is then.
func TestKey(t *testing.T) {
	for name, tc := range map[string]struct {
		keys   []string
		tab    Tab
		cursor string
		do     string // of the last key
		says   string
		bad    bool
	}{
		"down and up stay on the list": {keys: []string{"down", "j", "up", "up", "up", "up"}, cursor: "dns"},
		"end and home":                 {keys: []string{"G", "home", "end"}, cursor: "old-db"},
		"views by number":              {keys: []string{"3"}, tab: Agents, cursor: "dns"},
		"views by tab":                 {keys: []string{"tab", "tab", "tab", "tab", "tab", "shift+tab"}, tab: Log, cursor: "dns"},
		"enter and esc":                {keys: []string{"down", "enter", "esc"}, cursor: "gateway"},
		"esc leads back to the matrix": {keys: []string{"2", "enter", "esc"}, tab: Matrix, cursor: "dns"},
		"esc on the first view":        {keys: []string{"esc"}, cursor: "dns", says: "q quits", bad: true},
		"a filter":                     {keys: []string{"/", "w", "e", "x", "backspace", "b", "enter"}, cursor: "web"},
		"a filter given up":            {keys: []string{"/", "w", "e", "b", "esc"}, cursor: "dns"},
		"an agent's monitors":          {keys: []string{"3", "down", "down", "enter"}, cursor: "gateway", says: "monitors of tokyo"},
		"keys are text in a filter":    {keys: []string{"/", "q", "x", "d", "space", "down", "tab"}},
		"stop everywhere asks":         {keys: []string{"x"}, cursor: "dns"},
		"stop everywhere, yes":         {keys: []string{"x", "y"}, cursor: "dns", do: "stop dns", says: "stop dns …"},
		"stop everywhere, no":          {keys: []string{"x", "esc"}, cursor: "dns", says: "nothing was changed"},
		"start what is paused":         {keys: []string{"end", "r"}, cursor: "old-db", do: "start old-db", says: "…"},
		"start what runs":              {keys: []string{"r"}, cursor: "dns", says: "dns runs already", bad: true},
		"stop what is paused":          {keys: []string{"end", "x"}, cursor: "old-db", says: "paused already", bad: true},
		"stop on one of the agents":    {keys: []string{"down", "enter", "x"}, tab: Detail, cursor: "gateway", do: "stop gateway on tokyo", says: "…"},
		"stop on the only agent asks":  {keys: []string{"enter", "x"}, tab: Detail, cursor: "dns"},
		"stop on the only agent, yes":  {keys: []string{"enter", "x", "y"}, tab: Detail, cursor: "dns", do: "stop dns on paris", says: "…"},
		"start where it runs":          {keys: []string{"enter", "r"}, tab: Detail, cursor: "dns", says: "dns runs on paris already", bad: true},
		"choose an agent of it":        {keys: []string{"down", "enter", "up", "p"}, tab: Detail, cursor: "gateway", do: "probe gateway on paris", says: "…"},
		"probe everywhere":             {keys: []string{"p"}, cursor: "dns", do: "probe dns", says: "…"},
		"delete asks":                  {keys: []string{"d"}, cursor: "dns"},
		"delete, yes":                  {keys: []string{"d", "y"}, cursor: "dns", do: "delete dns", says: "…"},
		"delete, no":                   {keys: []string{"d", "x", "n"}, cursor: "dns", says: "nothing was changed"},
		"an agent is no monitor":       {keys: []string{"3", "d"}, tab: Agents, cursor: "dns", says: "d (delete) works on a monitor", bad: true},
		"a key that is none":           {keys: []string{"z"}, cursor: "dns", says: `"z" does nothing here`, bad: true},
		"a frozen screen":              {keys: []string{"space", "down"}, cursor: "dns", says: "frozen", bad: true},
		"and on":                       {keys: []string{"space", "space", "down"}, cursor: "gateway"},
		"the log has no cursor":        {keys: []string{"5", "down"}, tab: Log, cursor: "dns", says: "space freezes it", bad: true},
		"sort in the log":              {keys: []string{"5", "s"}, tab: Log, cursor: "dns", says: "views 1 and 2", bad: true},
		"columns in the matrix":        {keys: []string{"2", "c"}, tab: Matrix, cursor: "dns", says: "view 1", bad: true},
		"left in the list":             {keys: []string{"left"}, cursor: "dns", says: "view 2", bad: true},
		"add":                          {keys: []string{"n"}, cursor: "dns", do: "add"},
		"edit":                         {keys: []string{"e"}, cursor: "dns", do: "edit dns", says: "edit dns …"},
		"edit in the detail":           {keys: []string{"enter", "e"}, tab: Detail, cursor: "dns", do: "edit dns", says: "…"},
		"any key ends the help":        {keys: []string{"?", "x"}, cursor: "dns"},
	} {
		t.Run(name, func(t *testing.T) {
			v, now := office()
			u := New("nats://127.0.0.1:4222", nil)
			effects := press(t, v, &u, now, tc.keys...)
			text, _ := draw(v, &u, now, 80, 24, Styles{})
			last := effects[len(effects)-1]
			do := ""
			if last.Do != nil {
				do = last.Do.String()
			}
			if u.Tab != tc.tab || u.Cursor != tc.cursor || do != tc.do || u.Bad != tc.bad || !strings.Contains(u.Message, tc.says) || tc.says == "" && u.Message != "" || last.Quit {
				t.Errorf("%v at %q, does %q, says %q (bad %v)\n%s", u.Tab, u.Cursor, do, u.Message, u.Bad, text)
			}
			if u.Mode == normal && !strings.Contains(strings.Join(strings.Fields(text), " "), strings.Join(strings.Fields(u.Message), " ")) {
				t.Errorf("the screen does not say %q:\n%s", u.Message, text)
			}
			for _, e := range effects[:len(effects)-1] {
				if e.Do != nil || e.Quit {
					t.Errorf("a key before did %+v", e)
				}
			}
		})
	}
}

func TestKey_Leaves(t *testing.T) {
	v, now := office()
	for _, keys := range [][]string{{"q"}, {"ctrl+c"}, {"/", "ctrl+c"}, {"d", "ctrl+c"}, {"c", "ctrl+c"}, {"?", "q"}, {"space", "q"}, {"4", "q"}} {
		u := New("", nil)
		effects := press(t, v, &u, now, keys...)
		if last := effects[len(effects)-1]; !last.Quit || last.Interrupted != (keys[len(keys)-1] == "ctrl+c") {
			t.Errorf("%v: %+v", keys, last)
		}
	}
}

func TestKey_Copies(t *testing.T) {
	v, now := office()
	u := New("", nil)
	if e := press(t, v, &u, now, "y", "Y"); e[0].Copy != CopyCommand || e[1].Copy != CopyName {
		t.Errorf("%+v", e)
	}
}

// TestFooter_Fits the narrowest screen that is promised, and the help does.
func TestFooter_Fits(t *testing.T) {
	help := helpLines(80, false, Styles{})
	if len(help) > body(24) {
		t.Errorf("%d lines of help", len(help))
	}
	for _, l := range help {
		if n := len([]rune(l)); n > 80 {
			t.Errorf("%d wide: %s", n, l)
		}
	}
	for tab := range Tab(tabs) {
		for _, m := range []mode{normal, typing, choosing, asking} {
			for _, frozen := range []bool{false, true} {
				u := New("", nil)
				u.Tab, u.Mode, u.Frozen = tab, m, frozen
				if n := len([]rune(footer(view.Snapshot{}, u, 80))); n > 80 {
					t.Errorf("%d wide: %s", n, footer(view.Snapshot{}, u, 80))
				}
			}
		}
	}
}
