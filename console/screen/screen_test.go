package screen

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"netmon/console"
	"netmon/console/view"
	"netmon/probes/kinds"
	"netmon/wire"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) {
	time.Local = time.UTC // golden files show times
	os.Exit(m.Run())
}

var t0 = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// office is a mesh with a bit of everything, 100 s after t0.
func office() (*view.Mesh, time.Time) {
	v := view.New(t0)
	v.SetPhases(kinds.All().Phases)
	now := t0.Add(100 * time.Second)
	save := func(name, kind, target string, every time.Duration, paused bool, on ...string) {
		m := &wire.Saved{Monitor: wire.Monitor{Name: name, Kind: kind, Target: target, Every: wire.Duration(every), Revision: 3}, Edition: 3, Paused: paused, Agents: on}
		m.Monitor = m.Monitor.WithDefaults()
		v.Saved(name, m, nil, t0)
	}
	save("web", "https", "https://example.com/", 2*time.Second, false)
	save("gateway", "icmp", "192.0.2.1", time.Second, false)
	save("dns", "dns", "example.com", 10*time.Second, false, "paris")
	save("old-db", "tcp", "db:5432", 10*time.Second, true)
	save("a-rather-long-name-of-a-monitor", "tcp", "h:1", 10*time.Second, false, "oslo")
	v.Saved("broken", nil, fmt.Errorf("decode saved monitor: kind: is missing"), t0)
	for _, a := range []string{"paris", "tokyo", "oslo"} {
		seen := now.Add(-4 * time.Second)
		if a == "oslo" {
			seen = t0
		}
		v.Heartbeat(wire.Alive{Agent: a, At: seen, Version: "0.1.0", Host: a, Monitors: 3, Pending: 2, Labels: map[string]string{"region": "eu"},
			Notes: []string{"the clock is \x1b[31mnot synchronised"}, Cannot: map[string]string{"icmp": "no permission"}}, seen, now)
	}
	ends, loss := now.Add(44*24*time.Hour), 0.0
	for n := range 50 {
		for _, a := range []string{"paris", "tokyo"} {
			ms := int64(20+n%7*9) * 1e6
			r := wire.Result{Agent: a, Monitor: "web", Kind: "https", Target: "https://example.com/", Epoch: "E", Seq: uint64(n), Run: uint64(n), Revision: 3,
				Started: t0.Add(time.Duration(n*2) * time.Second), LatencyNS: &ms, Outcome: wire.OK, Summary: "200 in HTTP/2", CertExpires: &ends,
				Details: json.RawMessage(`{"resolve_ns":3000000,"connect_ns":11000000,"tls_ns":19000000,"processing_ns":30000000,"transfer_ns":2000000,"total_ns":65000000}`)}
			switch {
			case a == "tokyo" && n > 20 && n < 26:
				continue // lost
			case a == "tokyo" && n > 44:
				r.Outcome, r.Failure, r.Error, r.LatencyNS = wire.Failed, wire.FailRefused, "GET https://example.com/: connection refused\x1b[2J\nmore", nil
			case n == 30:
				r.Outcome, r.Failure, r.Error = wire.Failed, wire.FailSlow, "took 83 ms, wanted within 80 ms"
			}
			v.Result(r, now)
		}
	}
	for n := range 100 {
		us := int64(300+n) * 1000
		v.Result(wire.Result{Agent: "paris", Monitor: "gateway", Kind: "icmp", Target: "192.0.2.1", Epoch: "E", Run: uint64(n), Revision: 3,
			Started: t0.Add(time.Duration(n) * time.Second), LatencyNS: &us, Loss: &loss, Outcome: wire.OK, Summary: "1/1 replies"}, now)
		v.Result(wire.Result{Agent: "tokyo", Monitor: "gateway", Kind: "icmp", Target: "192.0.2.1", Epoch: "E", Run: uint64(n), Revision: 3,
			Started: t0.Add(time.Duration(n) * time.Second), Outcome: wire.Failed, Failure: wire.FailNoAnswer, Error: "no reply"}, now)
	}
	for n := range 5 {
		v.Result(wire.Result{Agent: "paris", Monitor: "dns", Kind: "dns", Target: "example.com", Epoch: "E", Run: uint64(n), Revision: 3,
			Started: t0.Add(time.Duration(n) * 20 * time.Second), Outcome: wire.Failed, Failure: wire.FailTimeout, Error: "no answer in 5s"}, now)
	}
	for _, x := range []wire.Verdict{
		{Monitor: "web", State: wire.VerdictDegraded, Was: wire.VerdictUp, Since: t0.Add(90 * time.Second), Why: "tokyo is refused; paris is fine", Blame: &wire.Blame{Class: wire.BlamePath, Names: []string{"tokyo"}, Why: "its other targets are good"},
			Quorum: wire.VerdictQuorum{Need: 2, Down: []string{"tokyo"}, Up: []string{"paris"}, Aside: []string{"oslo"}}, Cross: &wire.CrossCheck{Asked: 1, Answered: 1, TookNS: 31e6},
			Evidence: []wire.Evidence{{Agent: "tokyo", Started: t0.Add(92 * time.Second), Outcome: wire.Failed, Failure: wire.FailRefused, Text: "connection refused\x1b[2J"}}},
		{Monitor: "gateway", State: wire.VerdictDegraded, Since: t0.Add(2 * time.Second), Why: "tokyo gets no answer; paris is fine", Quorum: wire.VerdictQuorum{Need: 2, Down: []string{"tokyo"}, Up: []string{"paris"}, Aside: []string{"oslo"}}},
		{Monitor: "dns", State: wire.VerdictDown, Since: t0.Add(-26 * time.Hour), Why: "times out from 1 of 1 agents", Blame: &wire.Blame{Class: wire.BlameTarget}, Quorum: wire.VerdictQuorum{Need: 1, Down: []string{"paris"}}},
		{Monitor: "a-rather-long-name-of-a-monitor", State: wire.VerdictUnknown, Since: t0, Why: "no agent can tell", Quorum: wire.VerdictQuorum{Need: 1, Aside: []string{"oslo"}}},
	} {
		x.Revision = 3
		v.Verdict(x, now)
	}
	v.AgentVerdict(wire.AgentVerdict{Agent: "oslo", Status: wire.AgentAway, Since: t0.Add(30 * time.Second), Why: "oslo is offline: 3 monitors are judged without it", Monitors: 3})
	v.SetUptimes(map[string]float64{"web": 0.99931, "gateway": 1, "dns": 0}, now)
	v.InContact(now)
	return v, now
}

// draw asks and draws as the program does.
func draw(v *view.Mesh, u *UI, now time.Time, w, h int, st Styles) (string, view.Snapshot) {
	s := v.Snapshot(u.Query(w, h), now)
	u.Took(s, h)
	return Render(s, *u, w, h, st), s
}

// press presses keys on a screen.
func press(t *testing.T, v *view.Mesh, u *UI, now time.Time, keys ...string) []Effect {
	t.Helper()
	var out []Effect
	for _, k := range keys {
		_, s := draw(v, u, now, 80, 24, Styles{})
		out = append(out, u.Key(k, s))
	}
	return out
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got+"\n" != string(want) {
		t.Errorf("%s differs (go test ./console/screen -update, and look at the difference):\n%s", file, got)
	}
}

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")

// TestRender_Golden draws each view in two sizes, checks that it fits, and that
// colours add nothing but colours.
func TestRender_Golden(t *testing.T) {
	for name, keys := range map[string][]string{
		"monitors":   nil,
		"chosen":     {"down", "down", "s"},
		"filter":     {"/", "w", "e"},
		"columns":    {"c", "5", "t"},
		"matrix":     {"2"},
		"agents":     {"3"},
		"detail":     {"/", "w", "e", "b", "enter", "enter"},
		"detail-dns": {"/", "d", "n", "s", "enter", "enter"},
		"log":        {"5"},
		"help":       {"?"},
		"delete":     {"d"},
		"stop":       {"x"},
		"stop-only":  {"enter", "x"},
		"command":    {":"},
		"command-s":  {":", "s", "t"},
		"command-on": {":", "s", "t", "o", "p", "space", "w", "tab", "o", "tab", "tab"},
		"command-no": {":", "s", "t", "o", "p", "space", "x", "enter"},
		"nothing":    {"/", "z", "z", "enter"},
		"detail-bad": {":", "o", "p", "e", "n", "space", "b", "r", "o", "k", "e", "n", "enter"},
		"mouse":      {"m"},
		"frozen":     {"space", "down"},
		"refused":    {"3", "r"},
	} {
		v, now := office()
		goldens(t, name, v, now, nil, keys)
	}
}

// goldens compares a screen after some keys with what it was: at 80×24, and the main
// ones also on a small and on a large screen.
func goldens(t *testing.T, name string, v *view.Mesh, now time.Time, names, keys []string) {
	t.Helper()
	sizes := [][2]int{{80, 24}}
	if slices.Contains([]string{"monitors", "matrix", "agents", "detail", "log", "help", "incidents", "incident", "many"}, name) {
		sizes = append(sizes, [2]int{60, 15}, [2]int{200, 50})
	}
	for _, size := range sizes {
		u := New("nats://127.0.0.1:4222", names)
		press(t, v, &u, now, keys...)
		w, h := size[0], size[1]
		draw(v, &u, now, w, h, Styles{}) // which tells how many notices there are
		got, s := draw(v, &u, now, w, h, Styles{})
		golden(t, fmt.Sprintf("%s-%dx%d", name, w, h), got)
		fits(t, name, got, w, h)
		for _, st := range []Styles{Colours, Mono} {
			coloured := Render(s, u, w, h, st)
			fits(t, name, coloured, w, h)
			if got, plain := squeeze(got), squeeze(escapes.ReplaceAllString(coloured, "")); got != plain {
				t.Errorf("%s: in colours it says\n%s\nwithout\n%s", name, plain, got)
			}
		}
	}
}

// TestRender_GoldenMeshes draws meshes with nothing, without agents, and with much.
func TestRender_GoldenMeshes(t *testing.T) {
	save := func(v *view.Mesh, name string) {
		m := wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: "10.0.0.1:22", Every: wire.Duration(10 * time.Second), Revision: 1}}
		m.Monitor = m.Monitor.WithDefaults()
		v.Saved(name, &m, nil, t0)
	}
	nobody := view.New(t0)
	goldens(t, "empty", nobody, t0, nil, nil)
	goldens(t, "empty-agents", nobody, t0, nil, []string{"3"})
	goldens(t, "empty-detail", nobody, t0, nil, []string{"4"})
	goldens(t, "empty-log", nobody, t0, nil, []string{"5"})
	goldens(t, "empty-named", nobody, t0, []string{"web"}, nil)

	alone := view.New(t0) // an agent, and no monitor
	alone.Heartbeat(wire.Alive{Agent: "paris", At: t0, Version: "0.1.0", Host: "p1"}, t0, t0)
	alone.Incidents(view.IncidentFacts{})
	goldens(t, "no-monitors", alone, t0, nil, nil)
	goldens(t, "no-incidents", alone, t0, nil, []string{"i"})

	agentless := view.New(t0)
	save(agentless, "web")
	save(agentless, "gateway")
	goldens(t, "no-agents", agentless, t0.Add(time.Minute), nil, nil)
	goldens(t, "no-agents-matrix", agentless, t0.Add(time.Minute), nil, []string{"2"})
	goldens(t, "no-agents-detail", agentless, t0.Add(time.Minute), nil, []string{"enter"})

	many := view.New(t0)
	for n := range 200 {
		save(many, fmt.Sprintf("svc-%03d", n))
	}
	for n := range 24 {
		many.Heartbeat(wire.Alive{Agent: fmt.Sprintf("agent-%02d", n), At: t0, Monitors: 200, Version: "0.1.0", Labels: map[string]string{"region": "eu"}}, t0, t0)
	}
	goldens(t, "many", many, t0.Add(time.Second), nil, nil)
	goldens(t, "many-end", many, t0.Add(time.Second), nil, []string{"end"})
	goldens(t, "many-matrix", many, t0.Add(time.Second), nil, []string{"2", "down", "right"})
	goldens(t, "many-agents", many, t0.Add(time.Second), nil, []string{"3", "end"})
	goldens(t, "many-detail", many, t0.Add(time.Second), nil, []string{"enter"})
}

func squeeze(s string) string {
	var out []string
	for l := range strings.SplitSeq(s, "\n") {
		out = append(out, strings.TrimRight(l, " "))
	}
	return strings.Join(out, "\n")
}

// fits says that there are h lines, none of them wider than w, and nothing
// that a terminal would obey but colours.
func fits(t *testing.T, name, text string, w, h int) {
	t.Helper()
	lines := strings.Split(text, "\n")
	if len(lines) != h {
		t.Errorf("%s: %d lines, want %d", name, len(lines), h)
	}
	for _, l := range lines {
		if ansi.StringWidth(l) > w {
			t.Errorf("%s: wider than %d: %q", name, w, l)
		}
		if rest := escapes.ReplaceAllString(l, ""); strings.ContainsAny(rest, "\x1b\x07\r\t") {
			t.Errorf("%s: a control character: %q", name, l)
		}
	}
}

// TestRender_AnySize draws every view in sizes that nobody has thought of.
func TestRender_AnySize(t *testing.T) {
	v, now := office()
	for tab := range Tab(tabs) {
		for w := 1; w < 130; w += 3 {
			for _, h := range []int{1, 7, 8, 11, 24, 70} {
				u := New("nats://127.0.0.1:4222", nil)
				u.Tab, u.Cursor = tab, "web"
				got, _ := draw(v, &u, now, w, h, Colours)
				if w >= leastWidth && h >= leastHeight {
					fits(t, fmt.Sprintf("%v %dx%d", tab, w, h), got, w, h)
				} else if strings.Contains(got, "\n") || ansi.StringWidth(got) > w {
					t.Errorf("%dx%d: %q", w, h, got)
				}
			}
		}
	}
}

func TestRender_LosingTheBrokerShows(t *testing.T) {
	v, now := office()
	u := New("nats://127.0.0.1:4222", nil)
	u.Link = console.Link{Lost: now.Add(-5 * time.Second)}
	got, _ := draw(v, &u, now, 80, 24, Styles{})
	if !strings.Contains(got, "✕ broker lost 5s ago, reconnecting") {
		t.Error(got)
	}
	press(t, v, &u, now, "x")
	if !u.Bad || !strings.Contains(u.Message, "the broker is away") {
		t.Errorf("%+v", u.Message)
	}
}

// troubled is a model that tells of a broker.
type troubled struct {
	shown
	link     console.Link
	troubles []console.Trouble
}

func (m *troubled) Link() console.Link          { return m.link }
func (m *troubled) Troubles() []console.Trouble { return m.troubles }

func TestUI_Hear(t *testing.T) {
	u, m := New("there", nil), &troubled{}
	hears := func(bad bool, want string) {
		t.Helper()
		u.Message = ""
		if u.Hear(m); u.Bad != bad || !strings.Contains(u.Message, want) {
			t.Errorf("%q, bad %v; want %q, %v", u.Message, u.Bad, want, bad)
		}
		u.Message = ""
		if u.Hear(m); u.Message != "" {
			t.Errorf("told twice: %q", u.Message)
		}
	}
	m.link = console.Link{Lost: t0, Why: "EOF"}
	hears(true, "the broker is away (EOF)")
	m.link = console.Link{}
	hears(false, "the broker is back")
	m.troubles = []console.Trouble{{Part: console.PartMonitors, Err: errors.New("no bucket")}, {Part: console.PartResults, Err: errors.New("no stream")}}
	hears(true, "the saved monitors cannot be read: no bucket; results cannot be read: no stream")
	m.troubles = nil
	hears(false, "everything can be read again")
}

// TestRender_Loading says nothing of monitors before they were read.
func TestRender_Loading(t *testing.T) {
	u := New("nats://127.0.0.1:4222", nil)
	u.Loading = true
	got, _ := draw(view.New(t0), &u, t0, 80, 24, Styles{})
	golden(t, "loading-80x24", got)
	u.Hear(shown{view.New(t0)})
	if u.Loading {
		t.Error("still loading when the model is ready")
	}
}

func TestRender_NothingThere(t *testing.T) {
	v := view.New(t0)
	v.SetPhases(kinds.All().Phases)
	for tab := range Tab(tabs) {
		u := New("nats://127.0.0.1:4222", []string{"nobody"})
		u.Tab = tab
		got, _ := draw(v, &u, t0, 80, 24, Styles{})
		fits(t, tab.String(), got, 80, 24)
		press(t, v, &u, t0, "down", "enter", "r", "x", "p", "d", "y", "Y", "left", "esc", "s", "/", "x", "enter", "pgdown")
	}
}

func TestTable(t *testing.T) {
	v, now := office()
	var b strings.Builder
	if err := Table(&b, v.Snapshot(PlainQuery(nil), now), New("", nil), 0, Styles{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "table", strings.TrimSuffix(b.String(), "\n"))
	b.Reset()
	if err := Table(&b, view.New(t0).Snapshot(PlainQuery(nil), now), New("", nil), 0, Styles{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "table-empty", strings.TrimSuffix(b.String(), "\n"))
}

func TestPercent(t *testing.T) {
	for v, want := range map[float64]string{0: "0%", 1: "100%", 0.99999: "99.99%", 0.0000001: "<0.1%", 0.5: "50.0%", 0.1234: "12.3%", 0.991: "99.10%"} {
		if got := percent(view.Figure{V: v, OK: true}); got != want {
			t.Errorf("percent(%v) = %q, want %q", v, got, want)
		}
	}
	if got := percent(view.Figure{}); got != "-" {
		t.Errorf("not measured: %q", got)
	}
}
