package agent

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/nats-io/nats.go"

	"netmon/agent/policy"
	"netmon/internal/natstest"
	"netmon/probes/kinds"
	"netmon/wire"
)

// liveWithPolicy starts an agent with a policy, and returns a connection to command it by.
func liveWithPolicy(t *testing.T, text string, more ...func(*Options)) (*live, *nats.Conn) {
	t.Helper()
	b := natstest.Start(t)
	l := launch(t, "paris", t.TempDir(), over(b), append(more, withPolicy(t, text))...)
	l.awaitOpen()
	nc, err := b.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return l, nc
}

func withPolicy(t *testing.T, text string) func(*Options) {
	t.Helper()
	f := policy.Default()
	if err := wire.DecodeStrict([]byte(text), &f); err != nil {
		t.Fatal(err)
	}
	p, err := policy.New(f, kinds.All(), "file")
	if err != nil {
		t.Fatal(err)
	}
	return func(o *Options) { o.Policy = p }
}

// probeCommand is a probe on demand.
func probeCommand(kind, target, options string) string {
	return fmt.Sprintf(`{"op":"probe","monitors":[{"kind":%q,"target":%q,"timeout":"5s","options":%s}]}`, kind, target, options)
}

// kindTargets is a target of each kind at a host.
func kindTargets(host string) map[string]string {
	return map[string]string{"http": "http://" + host + ":8080/", "https": "https://" + host + "/", "icmp": host, "dns": "example.org@" + host,
		"ntp": host, "tcp": host + ":8080", "tls": host, "udp": host + ":8080"}
}

func TestPolicy_RefusesLiteralsOfEveryKind(t *testing.T) {
	_, nc := liveWithPolicy(t, `{"targets":{"deny":["127.0.0.2"]}}`)
	targets := kindTargets("127.0.0.2")
	for _, k := range kinds.All() {
		if targets[k.Name] == "" { // its targets are no hosts: see TestPolicy_Programs
			continue
		}
		for _, command := range []string{
			probeCommand(k.Name, targets[k.Name], `{}`),
			fmt.Sprintf(`{"op":"start","monitors":[{"name":"m","kind":%q,"target":%q}]}`, k.Name, targets[k.Name]),
			fmt.Sprintf(`{"op":"start","store":"s","revision":3,"monitors":[{"name":"saved","kind":%q,"target":%q,"revision":3}]}`, k.Name, targets[k.Name]),
		} {
			r := ask(t, nc, "paris", command)
			if r.OK || r.Error == nil || r.Error.Code != wire.CodePolicy || r.Error.Field != "monitors[0].target" || !strings.Contains(r.Error.Message, "targets.deny[0]") {
				t.Errorf("%s: %+v", command, r.Error)
			}
		}
	}
	info := ask(t, nc, "paris", `{"op":"info"}`).Info
	if !strings.Contains(info.Refused["saved"], "targets.deny[0]") || info.Policy == nil || info.Policy.Deny != 1 || info.Policy.Source != "file" {
		t.Errorf("heartbeat: refused %v, policy %+v", info.Refused, info.Policy)
	}
}

// resolver is a DNS server that gives every name the address of this moment.
func resolver(t *testing.T, addr *atomic.Value) string {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if q.Question[0].Qtype == dns.TypeA {
			rr, _ := dns.NewRR(q.Question[0].Name + " 0 IN A " + addr.Load().(string))
			m.Answer = append(m.Answer, rr)
		}
		w.WriteMsg(m)
	})}
	go srv.ActivateAndServe()
	t.Cleanup(func() { srv.Shutdown() })
	return pc.LocalAddr().String()
}

// forbidden says that r could not be measured because of the policy, and gives
// no address away.
func forbidden(t *testing.T, what string, r wire.Reply, rule string) {
	t.Helper()
	if r.Result == nil {
		t.Errorf("%s: %+v", what, r.Error)
		return
	}
	res := *r.Result
	if res.Outcome != wire.Broken || res.Failure != wire.BrokenPolicy || !strings.Contains(res.Error, rule) {
		t.Errorf("%s: %s %s %q, want broken by %s", what, res.Outcome, res.Failure, res.Error, rule)
	}
	if all, _ := json.Marshal(res); strings.Contains(string(all), "127.0.0.2") {
		t.Errorf("%s: the result tells what the name resolves to: %s", what, all)
	}
}

// TestPolicy_AsksAboutEachAddress: a name that resolved to an allowed address
// turns to a denied one between two probes.
func TestPolicy_AsksAboutEachAddress(t *testing.T) {
	_, nc := liveWithPolicy(t, `{"targets":{"deny":["127.0.0.2"]}}`)
	var addr atomic.Value
	addr.Store("127.0.0.1")
	options := fmt.Sprintf(`{"resolver":%q}`, resolver(t, &addr))
	var hits atomic.Int32
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { hits.Add(1) }))
	defer web.Close()
	u, _ := url.Parse(web.URL)
	target := "http://rebind.example:" + u.Port() + "/"
	if r := ask(t, nc, "paris", probeCommand("http", target, options)); r.Result == nil || r.Result.Outcome != wire.OK {
		t.Fatalf("%+v %+v", r.Error, r.Result)
	}
	addr.Store("127.0.0.2")
	// Who looks names up may know the old address for as long as its TTL says.
	r := ask(t, nc, "paris", probeCommand("http", target, options))
	for limit := time.Now().Add(15 * time.Second); r.Result != nil && r.Result.Outcome == wire.OK && time.Now().Before(limit); {
		<-time.After(50 * time.Millisecond)
		r = ask(t, nc, "paris", probeCommand("http", target, options))
	}
	forbidden(t, "the name that turned", r, "targets.deny[0]")
	before := hits.Load()
	targets := kindTargets("rebind.example")
	targets["http"] = target
	for _, k := range kinds.All() {
		if targets[k.Name] == "" {
			continue
		}
		forbidden(t, k.Name, ask(t, nc, "paris", probeCommand(k.Name, targets[k.Name], options)), "targets.deny[0]")
	}
	if n := hits.Load() - before; n != 0 {
		t.Errorf("the target was reached %d times", n)
	}
	forbidden(t, "a name behind socks5", ask(t, nc, "paris", probeCommand("http", target, `{"resolver":`+options[len(`{"resolver":`):len(options)-1]+`,"proxy":{"url":"socks5://rebind.example:1080"}}`)), "targets.deny[0]")
}

// TestPolicy_AsksAtRedirects: where a redirect leads is asked about as well.
func TestPolicy_AsksAtRedirects(t *testing.T) {
	var hits atomic.Int32
	denied := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer denied.Close()
	deniedURL, _ := url.Parse(denied.URL)
	var addr atomic.Value
	addr.Store("127.0.0.2")
	names := resolver(t, &addr)
	_, nc := liveWithPolicy(t, fmt.Sprintf(`{"targets":{"deny":["127.0.0.2","any ports %s"]}}`, deniedURL.Port()))
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusFound)
	}))
	defer web.Close()
	for what, c := range map[string]struct{ to, rule string }{
		"a denied address":    {"http://127.0.0.2:1/", "targets.deny[0]"},
		"a denied name":       {"http://inside.example/", "targets.deny[0]"},
		"a denied port":       {denied.URL, "targets.deny[1]"},
		"a metadata service":  {"http://169.254.169.254/latest/meta-data/", "metadata"},
		"the same, mapped":    {"http://[::ffff:169.254.169.254]/", "metadata"},
		"the same, by NAT64":  {"http://[64:ff9b::a9fe:a9fe]/", "metadata"},
		"the same, zoned":     {"http://[fe80::a9fe:a9fe%25lo]/", "link-local"},
		"a denied TLS server": {"https://127.0.0.2/", "targets.deny[0]"},
	} {
		r := ask(t, nc, "paris", probeCommand("http", web.URL+"/?to="+url.QueryEscape(c.to), fmt.Sprintf(`{"resolver":%q}`, names)))
		if r.Result == nil || r.Result.Failure != wire.BrokenPolicy || r.Result.Outcome != wire.Broken || !strings.Contains(r.Result.Error, c.rule) {
			t.Errorf("%s: %+v %+v", what, r.Error, r.Result)
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("the denied port was reached %d times", n)
	}
}

// TestPolicy_BoundsWhatRuns: what is saved and finds no room runs once there is some.
func TestPolicy_BoundsWhatRuns(t *testing.T) {
	addr := target(t)
	_, nc := liveWithPolicy(t, `{"max_monitors":2,"min_every":"11s","max_target_rate":0.2,"max_rate":30}`)
	start := func(name string, revision int, every string) wire.Reply {
		return ask(t, nc, "paris", fmt.Sprintf(`{"op":"start","store":"s","revision":%d,"monitors":[{"name":%q,"kind":"tcp","target":%q,"every":%q,"revision":%d}]}`, revision, name, addr, every, revision))
	}
	for _, c := range []struct{ name, every, want, field string }{
		{"a", "11s", "", ""}, {"b", "10s", "min_every", "monitors[0].every"}, {"c", "11s", "", ""}, {"d", "11s", "max_monitors", "monitors[0]"},
	} {
		r := start(c.name, int(c.name[0]), c.every)
		if r.OK != (c.want == "") || r.Error != nil && (r.Error.Code != wire.CodePolicy || r.Error.Field != c.field || !strings.Contains(r.Error.Message, c.want)) {
			t.Errorf("start %s: %+v", c.name, r.Error)
		}
	}
	if r := ask(t, nc, "paris", `{"op":"stop","store":"s","revision":120,"names":["a"]}`); !r.OK {
		t.Errorf("stop: %+v", r.Error)
	}
	running := func() (out []string) {
		for _, m := range ask(t, nc, "paris", `{"op":"list"}`).Monitors {
			if m.State == wire.Running {
				out = append(out, m.Name)
			}
		}
		return out
	}
	if got := running(); !slices.Equal(got, []string{"c", "d"}) {
		t.Errorf("running %q, want c, and d in the place of a", got)
	}
	// On demand there is one probe, and then what the two leave: one in 55 s.
	if r := ask(t, nc, "paris", probeCommand("tcp", addr, `{}`)); r.Result == nil || r.Result.Outcome != wire.OK {
		t.Errorf("a probe on demand: %+v %+v", r.Error, r.Result)
	}
	if r := ask(t, nc, "paris", probeCommand("tcp", addr, `{}`)); r.Error == nil || r.Error.Code != wire.CodePolicy || !strings.Contains(r.Error.Message, "max_target_rate is 0.2 a second, and that limit is reached") {
		t.Errorf("another at once: %+v", r.Error)
	}
}

// TestPolicy_BoundsWhatResumes: a policy that became stricter holds after a restart.
func TestPolicy_BoundsWhatResumes(t *testing.T) {
	b := natstest.Start(t)
	state, addr := t.TempDir(), target(t)
	l := launch(t, "paris", state, over(b))
	l.awaitOpen()
	nc, err := b.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for _, name := range []string{"b", "a"} {
		if r := ask(t, nc, "paris", startCommand(name, addr)); !r.OK {
			t.Fatal(r.Error)
		}
	}
	l.stop()
	l.awaitEnd()
	again := launch(t, "paris", state, over(b), withPolicy(t, `{"max_monitors":1}`))
	again.awaitOpen()
	got := map[string]wire.State{}
	for _, m := range ask(t, nc, "paris", `{"op":"list"}`).Monitors {
		got[m.Name] = m.State
	}
	if got["a"] != wire.Running || got["b"] != wire.Refused {
		t.Errorf("resumed %v, want a running and b refused", got)
	}
}

func TestPolicy_WithoutAFile(t *testing.T) {
	b := natstest.Start(t)
	l := launch(t, "paris", t.TempDir(), over(b))
	l.awaitOpen()
	nc, err := b.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for _, host := range []string{"169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "[fe80::1%25eth0]"} {
		if r := ask(t, nc, "paris", probeCommand("http", "http://"+host+"/", `{}`)); r.Error == nil || r.Error.Code != wire.CodePolicy {
			t.Errorf("%s: %+v", host, r.Error)
		}
	}
	if r := ask(t, nc, "paris", probeCommand("tcp", target(t), `{}`)); r.Result == nil || r.Result.Outcome != wire.OK {
		t.Errorf("%+v", r)
	}
	if p := l.alive().Policy; p == nil || p.Source != "default" {
		t.Errorf("policy %+v", p)
	}
}
