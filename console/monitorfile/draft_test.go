package monitorfile

import (
	"strings"
	"testing"

	"netmon/wire"
)

// TestDraft_GoesThroughAnEditor: what is written is read back, and mistakes are
// below their lines until they are taken out.
func TestDraft_GoesThroughAnEditor(t *testing.T) {
	m := wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "tcp", Target: "h:1", Every: wire.Duration(10e9), Revision: 7}, Author: "anna"}
	text, err := Draft(m)
	if err != nil {
		t.Fatal(err)
	}
	if is, err := ParseDraft("web.yaml", text, "web", checks); err != nil || is.Target != "h:1" || is.Timeout == 0 {
		t.Errorf("%+v %v", is, err)
	}
	wrong := strings.Replace(text, "every: 10s", "every: soon", 1)
	_, err = ParseDraft("web.yaml", wrong, "web", checks)
	if err == nil {
		t.Fatal("soon is a duration")
	}
	marked := Mark(wrong, err)
	if want := "every: soon\n# ✕ monitors[0].every: "; !strings.Contains(marked, want) {
		t.Errorf("%s\nwant %q", marked, want)
	}
	if got := Unmark(marked); got != wrong {
		t.Errorf("unmarked it is\n%s\nwant\n%s", got, wrong)
	}
	for _, c := range []struct{ text, want string }{
		{"monitors: []", `web.yaml:1: want the one monitor "web", got 0`},
		{strings.Replace(text, "name: web", "name: shop", 1), `web.yaml:1: name: want "web", got "shop"`},
	} {
		if _, err := ParseDraft("web.yaml", c.text, "web", checks); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}
