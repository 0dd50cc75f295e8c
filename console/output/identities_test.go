package output

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"netmon/wire"
)

// TestIdentities_Sessions: people see who acts in whose name until when, within 80
// columns, and what somebody calls a session does nothing to their terminal.
func TestIdentities_Sessions(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	until := at.Add(8 * time.Hour)
	l := Identities([]wire.Identity{
		{Name: "anna", Role: wire.RoleAdmin, State: "joined", Made: at, Joined: at, Key: "U", Sessions: []wire.Session{
			{Key: "UA", Role: wire.RoleOperator, Of: "http://shop:8080 \x1b[2J", Made: at, Until: until}, {Key: "UB", Role: wire.RoleViewer, Made: at, Until: until}}},
		{Name: "vic", Role: wire.RoleViewer, State: "joined", Made: at, Joined: at, Key: "U"}})
	l.Width = 80
	var out strings.Builder
	if err := l.Write(&out, &out, "table"); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{"SESSIONS", "anna has a session until ", ", as operator\n   http://shop:8080", ", as viewer\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if strings.Contains(text, "\x1b") || strings.Contains(text, "vic has") {
		t.Errorf("%q", text)
	}
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
			t.Errorf("a line of %d columns: %s", n, line)
		}
	}
}
