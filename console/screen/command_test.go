package screen

import (
	"strings"
	"testing"
)

// typed are the keys of a line.
func typed(line string) (keys []string) {
	for _, r := range line {
		switch r {
		case ' ':
			keys = append(keys, "space")
		case '\t':
			keys = append(keys, "tab")
		case '\n':
			keys = append(keys, "enter")
		default:
			keys = append(keys, string(r))
		}
	}
	return keys
}

func TestCommand(t *testing.T) {
	for line, tc := range map[string]struct {
		tab    Tab
		cursor string
		filter string
		do     string
		run    string
		says   string
		bad    bool
	}{
		":agents\n":                  {tab: Agents},
		":mat\n":                     {tab: Matrix},
		":incidents\n":               {tab: Incidents},
		":log\n":                     {tab: Log},
		":\n":                        {},
		":open web\n":                {tab: Detail, cursor: "web"},
		":op\tw\t\n":                 {tab: Detail, cursor: "web"},
		":filter we b\n":             {filter: "we b"},
		":sort name\n":               {says: ""},
		":sort colour\n":             {says: "want sort state|name", bad: true},
		":stop gateway on paris\n":   {do: "stop gateway on paris", says: "…"},
		":stop gateway paris\n":      {do: "stop gateway on paris", says: "…"},
		":stop gateway\n":            {},
		":stop gateway\ny":           {do: "stop gateway", says: "…"},
		":stop gateway\nn":           {says: "nothing was changed"},
		":stop dns on paris\n":       {},
		":stop dns on paris\ny":      {do: "stop dns on paris", says: "…"},
		":stop old-db\n":             {says: "paused already", bad: true},
		":start old-db\n":            {do: "start old-db", says: "…"},
		":probe w\t\n":               {do: "probe web", says: "…"},
		":delete web\ny":             {do: "delete web", says: "…"},
		":edit web\n":                {do: "edit web", says: "…"},
		":add\n":                     {do: "add"},
		":explain web\n":             {run: "explain web"},
		":show old-\t\n":             {run: "show old-db"},
		":mouse off\n":               {says: "the mouse is off"},
		":mouse\n":                   {says: "want mouse on|off", bad: true},
		":stop nosuch\n":             {says: `there is no monitor "nosuch"`, bad: true},
		":stop web on nowhere\n":     {says: `there is no agent "nowhere"`, bad: true},
		":stop web at paris\n":       {says: "want stop NAME [on AGENT]", bad: true},
		":stop web on\n":             {says: "want stop NAME [on AGENT]", bad: true},
		":open\n":                    {says: "open takes the name of a monitor", bad: true},
		":open web dns\n":            {says: `want open NAME, got "dns" as well`, bad: true},
		":agents all\n":              {says: `agents takes nothing after it, got "all"`, bad: true},
		":nosuch\n":                  {says: `there is no command "nosuch"`, bad: true},
		":st\n":                      {says: `"st" can be start or stop`, bad: true},
		":ack nosuch\n":              {says: `there is no incident "nosuch"`, bad: true},
		":open web\n:stop web\n":     {tab: Detail, cursor: "web"},
		":filter web\n:filter dns\n": {filter: "dns"},
	} {
		t.Run(line, func(t *testing.T) {
			v, now := office()
			u := New("nats://127.0.0.1:4222", nil)
			effects := press(t, v, &u, now, typed(line)...)
			text, _ := draw(v, &u, now, 80, 24, Styles{})
			last, do := effects[len(effects)-1], ""
			if last.Do != nil {
				do = last.Do.String()
			}
			if u.Tab != tc.tab || tc.cursor != "" && u.Cursor != tc.cursor || u.Filter != tc.filter || do != tc.do || strings.Join(last.Run, " ") != tc.run ||
				u.Bad != tc.bad || !strings.Contains(u.Message, tc.says) || tc.says == "" && u.Message != "" || last.Quit {
				t.Errorf("%v at %q by %q, does %q, runs %q, says %q (bad %v)\n%s", u.Tab, u.Cursor, u.Filter, do, last.Run, u.Message, u.Bad, text)
			}
		})
	}
}

// TestCommand_Asks with a question that stays on the screen.
func TestCommand_Asks(t *testing.T) {
	v, now := office()
	u := New("", nil)
	press(t, v, &u, now, typed(":stop dns on paris\n")...)
	if got, _ := draw(v, &u, now, 80, 24, Styles{}); !strings.Contains(got, "stop dns on paris, the only agent that runs it? (y/n)") {
		t.Error(got)
	}
}

func TestCommand_Quits(t *testing.T) {
	v, now := office()
	for _, line := range []string{":q\n", ":quit\n", ":qu\t\n"} {
		u := New("", nil)
		if e := press(t, v, &u, now, typed(line)...); !e[len(e)-1].Quit {
			t.Errorf("%q does not quit", line)
		}
	}
}

// TestCommand_IsLeft by esc, and by erasing the colon.
func TestCommand_IsLeft(t *testing.T) {
	v, now := office()
	for _, keys := range [][]string{{":", "esc"}, {":", "x", "backspace", "backspace"}} {
		u := New("", nil)
		press(t, v, &u, now, keys...)
		if u.Mode != normal || u.Message != "" {
			t.Errorf("%v: mode %v, says %q", keys, u.Mode, u.Message)
		}
	}
}

func TestCommand_Completes(t *testing.T) {
	for line, want := range map[string]string{
		":sto\t": "stop ", ":s\t": "s", ":stop d\t": "stop dns ", ":stop web \t": "stop web on ", ":stop web on t\t": "stop web on tokyo ",
		":sort up\t": "sort uptime ", ":mouse o\t": "mouse o", ":nosuch x\t": "nosuch x", ":\t": "", ":open a\t": "open a-rather-long-name-of-a-monitor ",
	} {
		v, now := office()
		u := New("", nil)
		if press(t, v, &u, now, typed(line)...); u.Typed != want {
			t.Errorf("%q: %q, want %q", line, u.Typed, want)
		}
	}
}
