package screen

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"netmon/console"
	"netmon/console/view"
	"netmon/wire"
)

// nasty is what other clients and targets might say; no terminal may get it.
const nasty = "N\x1b]52;c;ZXZpbA==\x07\x1b[2J\x1b[35m\u009b31m\u0085\u202e\u2066\u200b\u2028\ufeff\x00\x7f\r\n\t\xff\x9b2J%s"

// TestRender_Injection draws every view of a mesh in which everybody is hostile.
func TestRender_Injection(t *testing.T) {
	v := view.New(t0)
	now := t0.Add(10 * time.Second)
	v.Saved("web", &wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: nasty, Target: nasty, Every: wire.Duration(time.Second), Revision: 1}.WithDefaults(), Author: nasty, Change: nasty}, nil, t0)
	v.Saved("bad", nil, errors.New(nasty), t0)
	v.Heartbeat(wire.Alive{Agent: "paris", At: now, Version: nasty, Host: nasty, Labels: map[string]string{"a": nasty}, Kinds: []string{nasty}, Families: []string{nasty},
		Notes: []string{nasty}, Cannot: map[string]string{nasty: nasty}, Refused: map[string]string{"web": nasty, nasty: nasty}}, now, now)
	ns := int64(1e6)
	details, _ := json.Marshal(map[string]any{nasty: nasty, "connect_ns": 5, "total_ns": 9, nasty + "_ns": 7})
	for _, m := range []string{"web", "bad", "hand"} {
		for n, r := range []wire.Result{
			{Outcome: wire.OK, LatencyNS: &ns, Summary: nasty, Address: nasty}, {Outcome: wire.Failed, Failure: nasty, Error: nasty},
			{Outcome: nasty, Failure: nasty, Error: nasty}, {Outcome: wire.Broken, Failure: nasty, Error: nasty, Unmet: []wire.Unmet{{Expect: nasty, Want: nasty, Got: nasty}}},
		} {
			r.Agent, r.Monitor, r.Kind, r.Target, r.Epoch, r.Run, r.Started, r.Details = "paris", m, nasty, nasty, "E", uint64(n), t0.Add(time.Duration(n)*time.Second), details
			v.Result(r, now)
		}
	}
	u := New("nats://h/"+nasty, nil)
	u.Broker, u.Link = nasty, console.Link{Lost: t0}
	for _, keys := range [][]string{{}, {"down"}, {"enter"}, {"esc", "/", "N", "\x1b[2J"}, {"esc", "esc", "tab"}, {"tab"}, {"tab"}, {"?"}, {"esc", "s"}, {"r"}, {"d"}, {"esc", "x"}} {
		press(t, v, &u, now, keys...)
		u.Message = nasty
		for _, w := range []int{60, 100, 250} {
			got, _ := draw(v, &u, now, w, 50, Colours)
			clean(t, strings.Join(keys, " "), got)
		}
	}
	var b strings.Builder
	if err := Table(&b, v.Snapshot(PlainQuery(nil), now), New("", nil), 0, Styles{}); err != nil {
		t.Fatal(err)
	}
	clean(t, "table", b.String())
	for tab := range Tab(tabs) {
		for _, on := range []string{"web", "bad", "hand"} {
			u := New("x", nil)
			u.Tab, u.Cursor = tab, on
			press(t, v, &u, now, "enter")
			got, _ := draw(v, &u, now, 200, 60, Colours)
			clean(t, tab.String()+" "+on, got)
		}
	}
}

// TestRender_ForgedNumbers draws figures that nobody measured.
func TestRender_ForgedNumbers(t *testing.T) {
	for _, details := range []string{
		`{"connect_ns":9223372036854775807,"tls_ns":9223372036854775807,"total_ns":-1}`,
		`{"connect_ns":-9223372036854775808,"tls_ns":-5}`, `{"connect_ns":0,"tls_ns":0}`, `{"connect_ns":1e300}`, `{"connect_ns":1,"connect_ns":1,"tls_ns":1}`,
	} {
		v := view.New(t0)
		now := t0.Add(10 * time.Second)
		most, least, loss := int64(1<<63-1), int64(-1<<63), -1e300
		for n := range uint64(6) {
			at := t0.Add(time.Duration(n) * time.Second)
			r := wire.Result{Agent: "paris", Monitor: "web", Kind: "tcp", Outcome: wire.OK, Run: n, Due: at, Started: at, Skipped: 1<<64 - 1, Dropped: 1<<64 - 1,
				LateNS: least, ElapsedNS: most, LatencyNS: &most, Loss: &loss, CertExpires: &time.Time{}, Details: json.RawMessage(details)}
			if n%2 == 1 {
				r.LatencyNS, r.LateNS, r.Skipped = &least, most, 1<<63
			}
			v.Result(r, now)
		}
		for tab := range Tab(tabs) {
			u := New("x", nil)
			u.Tab, u.Cursor = tab, "web"
			press(t, v, &u, now, "enter")
			got, _ := draw(v, &u, now, 100, 40, Colours)
			clean(t, tab.String(), got)
		}
	}
}

// TestRender_HostileHistory draws what only somebody hostile says of history, and of the past.
func TestRender_HostileHistory(t *testing.T) {
	v, now := office()
	v.SetUptimes(map[string]float64{"web": 1e300, "gateway": math.NaN(), "dns": math.Inf(-1), nasty: 1}, now)
	v.SetSums(map[string]map[string]view.Figures{nasty: {nasty: {}}, "old-db": {"": {P50: view.Figure{V: math.Inf(1), OK: true}, Loss: view.Figure{V: math.NaN(), OK: true}}}})
	most, least := int64(1<<63-1), int64(-1<<63)
	nan, huge := math.NaN(), 1e300
	far := time.Unix(1<<40, 0)
	for _, g := range []console.Graph{
		{},
		{Monitor: nasty, Agent: nasty, From: now, To: now, Step: 1},
		{From: now.Add(-time.Hour), To: now, Step: 1<<63 - 1, Since: far},
		{From: now.Add(-time.Hour), To: now, Step: -1 << 63},
		{From: far, To: now, Step: wire.Duration(time.Minute)},
		{From: time.Time{}, To: far, Step: 1},
		{From: now.Add(-time.Hour), To: now, Step: wire.Duration(time.Minute), Columns: []console.GraphColumn{
			{At: now.Add(-time.Hour), MinNS: &most, P10NS: &most, P25NS: &least, P50NS: &most, P75NS: &least, P90NS: &most, MaxNS: &least, Loss: &nan},
			{At: now.Add(-30 * time.Minute), MinNS: &least, P10NS: &most, P25NS: &least, P50NS: &least, P75NS: &least, P90NS: &least, MaxNS: &least, Loss: &huge}, {At: far}, {At: time.Time{}}}},
	} {
		for _, why := range []string{"", nasty} {
			for _, size := range [][2]int{{40, 8}, {60, 15}, {200, 50}} {
				w, h := size[0], size[1]
				u := New("x", nil)
				u.Tab, u.Cursor, u.Chosen, u.Span = Detail, "web", true, Day
				u.HearPast(console.PlayState{Note: nasty, Why: nasty, Speed: math.NaN()})
				_, s := draw(v, &u, now, w, h, Colours)
				key, _ := u.graphWanted(s, w)
				u.Graph = graphed{of: key, graph: g, why: why}
				got, _ := draw(v, &u, now, w, h, Colours)
				clean(t, "graph", got)
				fits(t, "graph", got, w, h)
				u.Tab = Monitors
				got, s = draw(v, &u, now, w, h, Colours)
				clean(t, "uptimes", got)
				if strings.Contains(got, "e+") {
					t.Errorf("an uptime that cannot be: %s", got)
				}
				var b strings.Builder
				if err := Table(&b, s, u, 0, Styles{}); err != nil {
					t.Fatal(err)
				}
				clean(t, "table", b.String())
			}
		}
	}
	v.NoUptimes(nasty, now.Add(time.Hour))
	u := New("x", nil)
	got, s := draw(v, &u, now, 200, 30, Colours)
	clean(t, "no uptimes", got)
	var b strings.Builder
	if err := Table(&b, s, u, 0, Styles{}); err != nil || !strings.Contains(b.String(), "no uptime: N") {
		t.Errorf("%v\n%s", err, b.String())
	}
	clean(t, "no uptimes", b.String())
}

// clean says that nothing in text but colours and line ends is for the terminal.
func clean(t *testing.T, name, text string) {
	t.Helper()
	text = escapes.ReplaceAllString(strings.ReplaceAll(text, "\x1b[35m", "HOSTILE\x1b"), "")
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)) || !unicode.IsPrint(r) && r != '\n' {
			t.Errorf("%s: %q in %q", name, r, text[max(0, i-60):min(len(text), i+60)])
			return
		}
	}
}
