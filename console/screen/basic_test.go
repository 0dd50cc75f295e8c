package screen

import (
	"io"
	"regexp"
	"strings"
	"testing"
)

// TestBasicScreen writes the lines that have changed, and all where the size has.
func TestBasicScreen(t *testing.T) {
	var out strings.Builder
	b := &basicScreen{out: &out}
	for _, step := range []struct{ text, want string }{
		{"one\ntwo", "\x1b[H\x1b[2J\x1b[1;1Hone\x1b[K\x1b[2;1Htwo\x1b[K\x1b[2;1H"},
		{"one\ntwo", ""},
		{"one\n2", "\x1b[2;1H2\x1b[K\x1b[2;1H"},
		{"\n2", "\x1b[1;1H\x1b[K\x1b[2;1H"},
		{"1\n2\n3", "\x1b[H\x1b[2J\x1b[1;1H1\x1b[K\x1b[2;1H2\x1b[K\x1b[3;1H3\x1b[K\x1b[3;1H"},
	} {
		out.Reset()
		if err := b.draw(step.text); err != nil || out.String() != step.want {
			t.Errorf("%q: %q (%v), want %q", step.text, out.String(), err, step.want)
		}
	}
	out.Reset()
	if b.leave(); out.String() != "\x1b[3;1H\r\n" || b.shown != nil {
		t.Errorf("left by %q", out.String())
	}
}

// TestRun_Basic writes nothing to a vt100 that it does not know.
func TestRun_Basic(t *testing.T) {
	v, _ := office()
	in, keys := io.Pipe()
	var out strings.Builder
	ended := make(chan error, 1)
	go func() {
		ended <- Run(t.Context(), Options{Model: shown{v}, UI: New("nats://there:4222", nil), Actor: noting{}, Styles: Styles{ASCII: true}, In: in, Out: &out, Basic: true, width: 80, height: 24})
	}()
	for _, key := range []string{"\x1b[B", "\r", ":", "m", "a", "t", "\r", "Y", "q"} {
		if _, err := io.WriteString(keys, key); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	known := regexp.MustCompile("\x1b\\[([0-9]+;1H|H|K|2J)")
	if rest := known.ReplaceAllString(out.String(), ""); strings.ContainsAny(rest, "\x1b\x07\x08\t") || !strings.Contains(rest, "[2 matrix]") || !strings.Contains(rest, "no clipboard") {
		t.Errorf("%q", out.String())
	}
}

// TestRender_ASCII draws every view for a terminal that has nothing else.
func TestRender_ASCII(t *testing.T) {
	v, now := wronged()
	for tab := range Tab(tabs) {
		for _, keys := range [][]string{{}, {"enter"}, {"?"}} {
			u := New("nats://127.0.0.1:4222", nil)
			u.Tab, u.Cursor = tab, "web"
			press(t, v, &u, now, keys...)
			got, _ := draw(v, &u, now, 80, 24, Styles{ASCII: true})
			if i := strings.IndexFunc(got, func(r rune) bool { return r > 0x7e || r < ' ' && r != '\n' }); i >= 0 {
				t.Errorf("%v: %q in\n%s", tab, got[i:i+4], got)
			}
			if tab == Monitors && len(keys) == 0 {
				golden(t, "ascii-80x24", got)
			}
		}
	}
}
