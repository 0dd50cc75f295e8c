package agent

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/probes/kinds"
	"netmon/wire"
)

// hourly starts monitors that will not run by themselves while a test continues.
func hourly(name, kind, target string) string {
	return fmt.Sprintf(`{"op":"start","monitors":[{"name":%q,"kind":%q,"target":%q,"every":"24h","timeout":"5s"}]}`, name, kind, target)
}

// TestAgent_RunsEveryKindOnceMore: whatever way a kind is measured, its monitor
// runs at once when it is asked for, again and again, and its results say so.
func TestAgent_RunsEveryKindOnceMore(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	launch(t, "paris", t.TempDir(), over(b)).awaitOpen()
	got := results(t, nc)
	targets := liveTargets(t)
	var names []string
	for _, k := range kinds.All() {
		if targets[k.Name] == "" { // an agent without a policy runs no programs
			continue
		}
		if r := ask(t, nc, "paris", hourly(k.Name, k.Name, targets[k.Name])); !r.OK {
			t.Fatal(r.Error)
		}
		names = append(names, fmt.Sprintf("%q", k.Name))
	}
	for round := 1; round <= 2; round++ {
		token := fmt.Sprint("ROUND-", round)
		r := ask(t, nc, "paris", fmt.Sprintf(`{"op":"run","asked":%q,"names":[%s]}`, token, strings.Join(names, ",")))
		if !r.OK || len(r.Monitors) != len(names) {
			t.Fatalf("%+v", r)
		}
		for _, m := range r.Monitors {
			if m.State != wire.Asked || m.Note != "" {
				t.Errorf("%+v", m)
			}
		}
		for range names {
			r := await(t, got, "a result")
			if r.Asked != token || r.Run != uint64(round) || r.Due.IsZero() || r.Skipped+r.Covers+r.Missed > 0 {
				t.Errorf("round %d: %+v", round, r)
			}
			switch r.Monitor {
			case "http", "tcp", "dns", "udp":
				if r.Outcome != wire.OK {
					t.Errorf("%s is %s: %s", r.Monitor, r.Outcome, r.Error)
				}
			}
		}
	}
}

// liveTargets is a target of each kind on this host. Of tls, https and ntp nothing
// listens there, and who may ping is the host's to say: these give a result, too.
func liveTargets(t *testing.T) map[string]string {
	t.Helper()
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	ok := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(ok.Close)
	var addr atomic.Value
	addr.Store("127.0.0.1")
	echo, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { echo.Close() })
	go func() {
		for buf := make([]byte, 2048); ; {
			n, from, err := echo.ReadFrom(buf)
			if err != nil {
				return
			}
			echo.WriteTo(buf[:n], from)
		}
	}()
	return map[string]string{"http": ok.URL, "https": "https://127.0.0.1:1/", "icmp": "127.0.0.1", "dns": "example.org@" + resolver(t, &addr),
		"ntp": "127.0.0.1:1", "tcp": target(t), "tls": "127.0.0.1:1", "udp": echo.LocalAddr().String()}
}

// TestAgent_AskedForWhatDoesNotRun: each name has its own answer.
func TestAgent_AskedForWhatDoesNotRun(t *testing.T) {
	l, nc := liveWithPolicy(t, `{"targets":{"deny":["127.0.0.2"]}}`)
	got := results(t, nc)
	ask(t, nc, "paris", hourly("web", "tcp", target(t)))
	ask(t, nc, "paris", `{"op":"start","store":"s","revision":3,"monitors":[{"name":"denied","kind":"tcp","target":"127.0.0.2:1","revision":3}]}`)
	r := ask(t, nc, "paris", `{"op":"run","names":["web","nothing","denied"]}`)
	if r.OK || len(r.Monitors) != 3 || len(r.Errors) != 2 {
		t.Fatalf("%+v", r)
	}
	web, nothing, denied := r.Monitors[0], r.Monitors[1], r.Monitors[2]
	token, noted := strings.CutPrefix(web.Note, "its result has asked ")
	if web.State != wire.Asked || !noted || wire.CheckToken(token) != nil {
		t.Errorf("web: %+v", web)
	}
	if nothing.State != wire.Absent || nothing.Errors[0].Error() != `names[1]: "nothing" does not run here` {
		t.Errorf("nothing: %+v", nothing)
	}
	if denied.State != wire.Refused || denied.Errors[0].Code != wire.CodePolicy || denied.Revision != 3 {
		t.Errorf("denied: %+v", denied)
	}
	if res := await(t, got, "the result"); res.Monitor != "web" || res.Asked != token {
		t.Errorf("asked %q, want %q: %+v", res.Asked, token, res)
	}
	l.mu.Lock()
	l.stopping = true
	l.mu.Unlock()
	if r := ask(t, nc, "paris", `{"op":"run","names":["web"]}`); r.OK || r.Error.Code != wire.CodeStopping {
		t.Errorf("while it stops: %+v", r)
	}
	l.mu.Lock()
	l.stopping = false
	l.mu.Unlock()
}

// TestAgent_AskedWithinBounds: of one agent so many runs may be asked for, and no
// more than its owner's policy lets it send.
func TestAgent_AskedWithinBounds(t *testing.T) {
	for name, c := range map[string]struct {
		policy  string
		targets []string // of the monitors
		made    int      // of these, how many may run once at once
		code    wire.Code
		want    string
	}{
		"whoever asks": {`{}`, many("127.0.0.1:1", wire.MaxAsked+5), wire.MaxAsked, wire.CodeLimit, "names[20]: at most 10 runs a second may be requested"},
		"of the agent": {`{"max_rate":0.1}`, []string{"127.0.0.1:1", "127.0.0.2:1"}, 1, wire.CodePolicy, "names[1]: the agent's policy does not allow it: max_rate is 0.1 a second"},
		"towards one":  {`{"max_target_rate":0.1}`, []string{"127.0.0.1:1", "127.0.0.1:1", "127.0.0.2:1"}, 2, wire.CodePolicy, "names[1]: the agent's policy does not allow it: max_target_rate is 0.1 a second"},
	} {
		t.Run(name, func(t *testing.T) {
			_, nc := liveWithPolicy(t, c.policy)
			got := results(t, nc)
			var names []string
			for i, target := range c.targets {
				name := fmt.Sprintf("m%02d", i)
				if r := ask(t, nc, "paris", hourly(name, "tcp", target)); !r.OK {
					t.Fatal(r.Error)
				}
				names = append(names, fmt.Sprintf("%q", name))
			}
			r := ask(t, nc, "paris", fmt.Sprintf(`{"op":"run","asked":"A","names":[%s]}`, strings.Join(names, ",")))
			if r.OK != (c.code == "") || r.Error != nil && (r.Error.Code != c.code || !strings.Contains(r.Error.Error(), c.want)) {
				t.Errorf("answered %+v", r.Error)
			}
			asked := 0
			for _, m := range r.Monitors {
				switch m.State {
				case wire.Asked:
					asked++
				case wire.Refused:
				default:
					t.Errorf("%+v", m)
				}
			}
			if asked < c.made || asked > c.made+5 { // a slow machine earns a few more
				t.Errorf("%d were asked for, want %d", asked, c.made)
			}
			for range asked {
				if r := await(t, got, "a result"); r.Asked != "A" {
					t.Errorf("%+v", r)
				}
			}
		})
	}
}

func many(s string, n int) (out []string) {
	for range n {
		out = append(out, s)
	}
	return out
}

// TestAgent_WhoMayAsk: a run is asked for by who may change something, signed; the
// audit has those of people.
func TestAgent_WhoMayAsk(t *testing.T) {
	need.Time(t)
	s := natstest.StartSecure(t)
	boss, bossSigns := s.Signing(t, wire.RoleController, "controller")
	olga, olgaSigns := s.Signing(t, wire.RoleOperator, "olga")
	_, viewerSigns := s.Signing(t, wire.RoleViewer, "vera")
	l := launch(t, "oslo", t.TempDir(), as(s, "oslo"), func(o *Options) { o.Trust = trusting(t, s) })
	l.awaitOpen()
	if r := askSigned(t, olga, olgaSigns, "oslo", hourly("web", "tcp", target(t))); !r.OK {
		t.Fatal(r.Error)
	}
	const run = `{"op":"run","names":["web"]}`
	if r := ask(t, olga, "oslo", run); r.OK || r.Error.Code != wire.CodeUnsigned {
		t.Errorf("unsigned: %+v", r)
	}
	if r := askSigned(t, olga, viewerSigns, "oslo", run); r.OK || r.Error.Code != wire.CodeUnknown && r.Error.Code != wire.CodeDenied {
		t.Errorf("by a viewer: %+v", r)
	}
	for range 2 {
		if r := askSigned(t, olga, olgaSigns, "oslo", run); !r.OK {
			t.Errorf("by an operator: %+v", r.Error)
		}
		await(t, l.put, "the result")
	}
	for range 5 {
		if r := askSigned(t, boss, bossSigns, "oslo", run); !r.OK {
			t.Errorf("by the controller: %+v", r.Error)
		}
		await(t, l.put, "the result")
	}
	if r := askSigned(t, olga, olgaSigns, "oslo", `{"op":"run","names":["nothing"]}`); r.OK {
		t.Errorf("of nothing: %+v", r)
	}
	l.stop()
	if err := l.awaitEnd(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range audited(t, boss, "oslo") {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", e.By, e.Did, strings.Join(e.What, ","), e.Error)))
	}
	want := []string{"olga start web", "olga run web", "olga run web", `olga run nothing names[0]: "nothing" does not run here`}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("audit:\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}
