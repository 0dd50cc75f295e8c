package screen

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"netmon/console"
	"netmon/console/view"
)

// TestRender_Past draws the past: it says that it is, of when, and offers nothing that
// would change something.
func TestRender_Past(t *testing.T) {
	for name, c := range map[string]struct {
		play  console.PlayState
		keys  []string
		sizes [][2]int
	}{
		"past":        {play: console.PlayState{Paused: true}, sizes: [][2]int{{80, 24}, {60, 15}, {40, 8}}},
		"past-replay": {play: console.PlayState{Speed: 10, Note: "figures: sums of the 30m before"}, sizes: [][2]int{{80, 24}}},
		"past-ended":  {play: console.PlayState{Speed: 10, Paused: true, Ended: true}, sizes: [][2]int{{80, 24}}},
		"past-detail": {play: console.PlayState{Speed: 10, Paused: true}, keys: []string{"/", "w", "e", "b", "enter", "enter"}, sizes: [][2]int{{80, 24}}},
		"past-help":   {play: console.PlayState{Paused: true}, keys: []string{"?"}, sizes: [][2]int{{80, 24}}},
		"past-matrix": {play: console.PlayState{Speed: 10}, keys: []string{"2", "x"}, sizes: [][2]int{{60, 15}}},
	} {
		for _, size := range c.sizes {
			v, now := office()
			u := New("nats://127.0.0.1:4222", nil)
			u.HearPast(c.play)
			press(t, v, &u, now, c.keys...)
			got, s := draw(v, &u, now, size[0], size[1], Styles{})
			golden(t, fmt.Sprintf("%s-%dx%d", name, size[0], size[1]), got)
			fits(t, name, got, size[0], size[1])
			if help := helpLines(size[0], true, Styles{}); size[1] >= 24 && len(help) > body(24) {
				t.Errorf("%d lines of help", len(help))
			}
			fits(t, name, Render(s, u, size[0], size[1], Colours), size[0], size[1])
			if !strings.HasPrefix(got, "PAST 2026-11-25 12:01:40 UTC") {
				t.Errorf("%s does not begin with when it is:\n%s", name, got)
			}
		}
	}
}

// TestUI_Past: no key and no command changes anything in the past, and keys move through it.
func TestUI_Past(t *testing.T) {
	v, now := office()
	u := New("nats://127.0.0.1:4222", nil)
	u.HearPast(console.PlayState{Speed: 10})
	for _, tab := range []Tab{Monitors, Matrix, Agents, Detail, Log, Incidents} {
		for _, key := range []string{"r", "x", "p", "d", "e", "n", "a", "y"} {
			u.Tab, u.Cursor = tab, "web"
			effects := press(t, v, &u, now, key)
			if e := effects[0]; e.Do != nil || e.Copy != CopyNothing || u.Mode != normal || !u.Bad {
				t.Errorf("%s in %v: %+v, %q", key, tab, e, u.Message)
			}
		}
	}
	u.Tab = Incidents
	if press(t, v, &u, now, "s"); !u.Bad {
		t.Error("s silences in the past")
	}
	u.Tab = Monitors
	for _, line := range []string{"start web", "stop web", "stop web on paris", "probe web", "edit web", "delete web", "add", "ack", "silence", "show web"} {
		press(t, v, &u, now, ":")
		for _, r := range line {
			u.Type(string(r))
		}
		if e := press(t, v, &u, now, "enter")[0]; e.Do != nil || len(e.Run) > 0 || u.Mode != normal || !u.Bad {
			t.Errorf(":%s: %+v, %q", line, e, u.Message)
		}
	}
	press(t, v, &u, now, ":")
	for _, r := range "explain web" {
		u.Type(string(r))
	}
	if e := press(t, v, &u, now, "enter")[0]; !slices.Equal(e.Run, []string{"explain", "--at", "2026-11-25T12:01:40Z", "web"}) {
		t.Errorf(":explain: %+v", e)
	}
	u.Output = nil
	if e := press(t, v, &u, now, "space")[0]; !e.Pause || u.Frozen {
		t.Errorf("space: %+v", e)
	}
	for key, by := range map[string]time.Duration{"left": -time.Minute, "right": time.Minute, ",": -time.Minute, ".": time.Minute} {
		if e := press(t, v, &u, now, key)[0]; e.Step != by {
			t.Errorf("%s steps %v", key, e.Step)
		}
	}
	u.Tab = Matrix
	if e := press(t, v, &u, now, "right")[0]; e.Step != 0 {
		t.Error("→ is of the agents in the matrix")
	}
	u.HearPast(console.PlayState{Speed: 10, Paused: true, Ended: true})
	if !strings.Contains(u.Message, "has reached now") {
		t.Errorf("%q", u.Message)
	}
	u.HearPast(console.PlayState{Speed: 10, Paused: true, Why: "no answer"})
	if !u.Bad || !strings.Contains(u.Message, "cannot be read on: no answer") {
		t.Errorf("%q", u.Message)
	}
}

func TestTable_Past(t *testing.T) {
	v, now := office()
	u := New("", nil)
	u.HearPast(console.PlayState{Note: "figures: sums of the 30m before"})
	var b strings.Builder
	if err := Table(&b, v.Snapshot(PlainQuery(nil), now), u, 0, Styles{}); err != nil || !strings.HasPrefix(b.String(), "PAST 2026-11-25 12:01:40 UTC  6 monitors") || !strings.Contains(b.String(), "\nfigures: sums of the 30m before\n") {
		t.Errorf("%v\n%s", err, b.String())
	}
	b.Reset()
	if err := Table(&b, view.New(now).Snapshot(PlainQuery(nil), now), u, 0, Styles{}); err != nil || !strings.Contains(b.String(), "No monitor was saved then.") {
		t.Errorf("%v\n%s", err, b.String())
	}
}
