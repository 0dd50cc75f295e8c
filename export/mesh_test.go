package export

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/agent"
	"netmon/agent/policy"
	"netmon/broker"
	"netmon/console"
	"netmon/internal/endpoint"
	"netmon/internal/freeport"
	"netmon/internal/host"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/probes/kinds"
	"netmon/wire"
)

// exported is a server of a real mesh.
func exported(t *testing.T, cl *console.Client, access Access) *site {
	t.Helper()
	m := Follow(cl, kinds.All(), "1.2.3")
	s := NewServer(Options{Mesh: m, Access: access, Measure: cl.ProbeOn, RoundTrip: cl.RoundTrip})
	m.Begin()
	h := httptest.NewServer(s.Handler())
	t.Cleanup(func() { h.Close(); m.Close() })
	return &site{t, h, m, s}
}

// await asks until an answer holds a text, and returns that.
func (s *site) await(path, want string) string {
	s.t.Helper()
	for limit := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) { // between two looks
		_, text, _ := s.get(path)
		if strings.Contains(text, want) {
			return text
		}
		if time.Now().After(limit) {
			s.t.Fatalf("%s: there is no %s in\n%s", path, want, text)
		}
	}
}

// controlled is a broker with its controller.
func controlled(t *testing.T) *broker.Broker {
	t.Helper()
	b := natstest.Start(t)
	h, err := host.Around(b, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { h.Control(ctx, b.DefaultLimits(), func() {}) })
	t.Cleanup(func() { stop(); all.Wait() })
	return b
}

// measuring is an agent with a policy, which says nothing of itself before it began.
func measuring(t *testing.T, b *broker.Broker, id, policyText string, own *Own) *agent.Agent {
	t.Helper()
	f := policy.Default()
	if err := wire.DecodeStrict([]byte(policyText), &f); err != nil {
		t.Fatal(err)
	}
	p, err := policy.New(f, kinds.All(), "file")
	if err != nil {
		t.Fatal(err)
	}
	opened := make(chan struct{}, 10)
	o := agent.Options{ID: id, State: t.TempDir(), Version: "1.2.3", Kinds: kinds.All(), Policy: p, Opened: func() { opened <- struct{}{} },
		Connect: func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(b.URL(), o...) }}
	if own != nil {
		o.Measured = own.Measured
	}
	a, err := agent.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		if err := a.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { stop(); all.Wait() })
	select {
	case <-opened:
	case <-time.After(patience):
		t.Fatal("the agent does not connect")
	}
	return a
}

func consoleOf(t *testing.T, b *broker.Broker) *console.Client {
	t.Helper()
	cl, err := console.Connect(func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(b.URL(), o...) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func saveMonitor(t *testing.T, cl *console.Client, m wire.Saved) {
	t.Helper()
	store, err := cl.Monitors(t.Context())
	if err == nil {
		_, err = store.Save(t.Context(), m, "added")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestMesh_Scraped: a mesh of a broker, a controller and an agent, as a scraper finds it: what is
// saved by its last results, what is not by a measurement within the agent's policy.
func TestMesh_Scraped(t *testing.T) {
	need.Time(t)
	var hits atomic.Int32
	hosts := make(chan string, 1000)
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		select {
		case hosts <- r.Host:
		default:
		}
		_, _ = io.WriteString(w, "hello")
	}))
	defer target.Close()
	b := controlled(t)
	own := NewOwn(kinds.All(), "1.2.3")
	u, err := url.Parse(target.URL)
	if err != nil {
		t.Fatal(err)
	}
	a := measuring(t, b, "paris", `{"targets":{"allow":["127.0.0.1 ports `+u.Port()+`","127.0.0.3"],"deny":["127.0.0.3 ports 1-79"]}}`, own)
	cl := consoleOf(t, b)
	s := exported(t, cl, here)

	// Nothing is saved: it is measured.
	unsaved := "/probe?module=http_2xx&target=" + url.QueryEscape(target.URL+"/unsaved")
	text := s.await(unsaved, "probe_success 1")
	if !strings.Contains(text, "probe_http_status_code 200") || !strings.Contains(text, `netmon_probe_info{agent="paris",monitor=""} 1`) {
		t.Errorf("%s", text)
	}
	for len(hosts) > 0 {
		<-hosts
	}
	s.want(http.StatusOK, unsaved+"&hostname=shop.example", "probe_success 1")
	if got := <-hosts; got != "shop.example" {
		t.Errorf("the host that is asked for is %q", got)
	}
	s.want(http.StatusOK, unsaved+"&debug=true", "Logs for the probe:", "measured by paris", "HTTP/1.1 200 OK", "probe_success 1", `"kind": "http"`)
	closed := freeport.Addr(t)

	// What the agent's policy denies is not measured, whatever leads there.
	before := hits.Load()
	for _, q := range []string{
		"module=tcp_connect&target=127.0.0.2:22", "module=http_2xx&target=http://169.254.169.254/latest/meta-data", "module=http_2xx&target=http://[::1]/", "module=icmp&target=10.0.0.1",
		"module=tcp_connect&target=127.0.0.3:22", "module=http_2xx&target=http://127.1/", "module=tcp_connect&target=" + closed, "module=dns_udp&target=example.com@10.0.0.1", "module=http_2xx&hostname=127.0.0.1&target=http://127.0.0.2/",
	} {
		code, text, _ := s.get("/probe?" + q)
		if code == http.StatusOK || strings.Contains(text, "probe_success") {
			t.Errorf("%s: %d %s", q, code, text)
		}
	}
	if hits.Load() != before {
		t.Error("the server was asked")
	}

	// What is saved is measured by its schedule.
	m := wire.Saved{Monitor: wire.Monitor{Name: "shop", Kind: "http", Target: target.URL + "/saved", Every: wire.Duration(time.Second)}.WithDefaults(), Tags: map[string]string{"team": "shop"}}
	saveMonitor(t, cl, m)
	labels := `{agent="paris",instance="` + m.Target + `",kind="http",monitor="shop",tag_team="shop"}`
	s.await("/metrics", "probe_success"+labels+" 1")
	s.await("/metrics", `netmon_verdict{monitor="shop",state="up"} 1`)
	s.await("/metrics", `netmon_agent_online{agent="paris"} 1`)
	s.await("/metrics", "netmon_broker_rtt_seconds 0.")
	s.await("/probe?module=http&target="+url.QueryEscape(m.Target), `netmon_probe_info{agent="paris",monitor="shop"} 1`)
	s.await("/probe?module=shop", "probe_success 1")
	var list []group
	if text := s.want(http.StatusOK, "/sd?tag=team=shop"); json.Unmarshal([]byte(text), &list) != nil || len(list) != 1 || list[0].Labels["__param_target"] != m.Target {
		t.Errorf("%s", text)
	}

	// The agent says the same of itself.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- own.Serve(ctx, l, a, Access{Here: true}, slog.New(slog.DiscardHandler)) }()
	defer func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	mine := &site{t: t, Server: &httptest.Server{URL: "http://" + l.Addr().String()}}
	mine.await("/metrics", `probe_success{agent="paris",instance="`+m.Target+`",kind="http",monitor="shop"} 1`)
	mine.want(http.StatusOK, "/metrics", "netmon_broker_connected 1", `netmon_agent_monitors{agent="paris"} 1`, `netmon_agent_results_pending{agent="paris"} `, `netmon_build_info{version="1.2.3"} 1`)
	mine.want(http.StatusOK, "/-/ready", "ready")
	mine.want(http.StatusNotFound, "/probe?target=x", "netmon export has /sd and /probe")
	if code, _, _ := mine.get("/metrics", "Host", "evil.example"); code != http.StatusMisdirectedRequest {
		t.Errorf("for another host: %d", code)
	}

	// Without the broker the agent still says what it measures; the mesh says that it is blind.
	b.Close()
	mine.await("/metrics", "netmon_broker_connected 0")
	mine.await("/metrics", `probe_success{agent="paris",instance="`+m.Target+`",kind="http",monitor="shop"} 1`)
	s.await("/metrics", "netmon_broker_connected 0")
	s.await("/metrics", `netmon_part_readable{part="verdicts"} 0`)
	if text := s.want(http.StatusOK, "/metrics"); strings.Contains(text, "\nnetmon_verdict{") || strings.Contains(text, "\nprobe_success") {
		t.Errorf("it says how things are without knowing:\n%s", text)
	}
	s.want(http.StatusServiceUnavailable, "/probe?module=shop", "the broker is unreachable")
	s.want(http.StatusServiceUnavailable, "/sd", "the broker is unreachable")
}

// TestMesh_Viewer: an exporter by a viewer's credential is scraped, and measures nothing.
func TestMesh_Viewer(t *testing.T) {
	need.Time(t)
	b := natstest.StartSecure(t)
	nc := b.As(t, wire.RoleAgent, "paris")
	beat := wire.Alive{Agent: "paris", Instance: "x", Started: time.Now().UTC(), At: time.Now().UTC(), Kinds: strings.Split(kinds.All().Names(), ", "), Challenge: "c"}
	data, err := json.Marshal(beat)
	if err == nil {
		err = nc.Publish("agent.paris.alive", data)
	}
	if err == nil {
		err = nc.FlushTimeout(patience)
	}
	if err != nil {
		t.Fatal(err)
	}
	id, dir := b.LetIn(t, wire.RoleViewer, "victor")
	options, err := id.Options(dir)
	if err != nil {
		t.Fatal(err)
	}
	cl, err := console.ConnectAs(endpoint.PersonIn(dir), func(o ...nats.Option) (*nats.Conn, error) {
		return nats.Connect(b.Address, append(options, o...)...)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	s := exported(t, cl, here)
	s.await("/metrics", `netmon_agent_online{agent="paris"} 1`)
	text := s.want(http.StatusOK, "/metrics")
	for _, part := range []string{"monitors", "agents", "verdicts", "results", "incidents"} {
		if !strings.Contains(text, `netmon_part_readable{part="`+part+`"} 1`) {
			t.Errorf("a viewer cannot read the %s:\n%s", part, text)
		}
	}
	s.want(http.StatusOK, "/sd")
	s.want(http.StatusForbidden, "/probe?module=tcp_connect&target=192.0.2.1:1", "who runs this exporter may read, and not measure")
}
