package push

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker"
	"netmon/internal/natstest"
	"netmon/probes/kinds"
	"netmon/wire"
)

var kills = flag.Int("pushkills", 6, "how often each side is killed in the tests of that")

// envPusher has, in a process that a test starts, what it is to do.
const envPusher = "NETMON_TEST_PUSHER"

// order is what such a process does.
type order struct{ Broker, Folder, RemoteWrite, Influx, OTLP, NDJSON string }

// TestMain is the tests or, in a process that a test starts, a pusher to be killed.
func TestMain(m *testing.M) {
	text := os.Getenv(envPusher)
	if text == "" {
		flag.Parse()
		os.Exit(m.Run())
	}
	var o order
	err := json.Unmarshal([]byte(text), &o)
	if err == nil {
		err = o.carryOut()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (o order) carryOut() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	nc, err := nats.Connect(o.Broker, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	if err != nil {
		return err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	tags := &Tags{}
	to, err := o.destinations(tags)
	if err != nil {
		return err
	}
	p, err := New(ctx, Options{JetStream: js, Folder: o.Folder, All: true, Destinations: to, Tags: tags,
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Say: func(line string) { fmt.Fprintln(os.Stderr, line) }})
	if err != nil {
		return err
	}
	p.pause = 20 * time.Millisecond
	fmt.Println("begun")
	defer func() { json.NewEncoder(os.Stderr).Encode(p.Stats()) }()
	return p.Run(ctx)
}

func (o order) destinations(tags *Tags) (out []Destination, err error) {
	add := func(d Destination, err2 error) {
		if err == nil {
			err = err2
		}
		d.Most, d.Every = 200, 20*time.Millisecond // many batches
		out = append(out, d)
	}
	if o.RemoteWrite != "" {
		add(RemoteWrite(Endpoint{URL: o.RemoteWrite}, kinds.All(), tags))
	}
	if o.Influx != "" {
		add(Influx(Endpoint{URL: o.Influx}, kinds.All(), tags))
	}
	if o.OTLP != "" {
		add(OTLP(Endpoint{URL: o.OTLP}, kinds.All(), tags))
	}
	if o.NDJSON != "" {
		add(NDJSONFile(o.NDJSON))
	}
	return out, err
}

// mesh is a broker with results of a few monitors.
type mesh struct {
	t     *testing.T
	b     *broker.Broker
	js    jetstream.JetStream
	start time.Time

	mu   sync.Mutex // guards what follows
	sent []*Result
	seqs map[string]uint64
}

var meshAgents, meshMonitors = []string{"paris", "rome", "oslo"}, []string{"web", "db", "dns", "gw"}

func newMesh(t *testing.T) *mesh {
	t.Helper()
	b := natstest.Start(t)
	m := &mesh{t: t, b: b, js: natstest.JetStream(t, natstest.Connect(t, b)), start: time.Now().Add(-5 * time.Minute).Truncate(time.Millisecond).UTC(), seqs: map[string]uint64{}}
	for _, name := range meshMonitors {
		m.save(name, map[string]string{"team": "shop " + name})
	}
	return m
}

func (m *mesh) save(name string, tags map[string]string) {
	m.t.Helper()
	data, err := json.Marshal(wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: "192.0.2.1:443"}, Tags: tags})
	if err == nil {
		_, err = m.js.Publish(m.t.Context(), monitorsPrefix+name, data)
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// sends publishes so many results, one after the other in time.
func (m *mesh) sends(n int) {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	var last jetstream.PubAckFuture
	for range n {
		i := len(m.sent)
		latency := int64(1e6 + i*1000)
		r := wire.Result{Agent: meshAgents[i%len(meshAgents)], Monitor: meshMonitors[i/len(meshAgents)%len(meshMonitors)], Kind: "tcp", Target: "192.0.2.1:443",
			Started: m.start.Add(time.Duration(i)*5*time.Millisecond + 123456), ElapsedNS: 2 * latency, LatencyNS: &latency, Outcome: wire.OK, Address: "192.0.2.1",
			LateNS:  max(0, int64(time.Since(m.start.Add(time.Duration(i)*5*time.Millisecond)))-2*latency),
			Details: json.RawMessage(fmt.Sprintf(`{"connect_ns":%d}`, latency))}
		if i%7 == 0 {
			r.Outcome, r.Failure, r.LatencyNS, r.Details = wire.Failed, "refused", nil, nil
		}
		sent := numbered(m.t, r, uint64(i+1))
		future, err := m.js.PublishAsync("results."+r.Agent+"."+r.Monitor, sent.Data)
		if err != nil {
			m.t.Fatal(err)
		}
		last, m.sent = future, append(m.sent, sent)
	}
	m.await(last)
}

func (m *mesh) await(last jetstream.PubAckFuture) {
	select {
	case <-last.Ok():
	case err := <-last.Err():
		m.t.Error(err)
	case <-time.After(time.Minute):
		m.t.Error("nothing is stored")
	}
}

// verdict publishes a change.
func (m *mesh) verdict(monitor string, state wire.VerdictState, at time.Time) {
	m.t.Helper()
	m.seqs[monitor]++
	data, err := json.Marshal(wire.Verdict{Monitor: monitor, State: state, Since: at, At: at, N: m.seqs[monitor], Why: "for the test"})
	if err == nil {
		_, err = m.js.Publish(m.t.Context(), "verdicts."+monitor, data)
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// child is a pusher in a process of its own.
type child struct {
	cmd *exec.Cmd
	log string
}

func (m *mesh) child(o order) *child {
	m.t.Helper()
	o.Broker = m.b.URL()
	text, err := json.Marshal(o)
	if err != nil {
		m.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envPusher+"="+string(text))
	log, err := os.OpenFile(filepath.Join(o.Folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		m.t.Fatal(err)
	}
	defer log.Close()
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		m.t.Fatal(err)
	}
	c := &child{cmd, log.Name()}
	m.t.Cleanup(func() {
		c.kill()
		if text, _ := os.ReadFile(c.log); m.t.Failed() {
			m.t.Logf("pusher: %s", text[max(0, len(text)-5000):])
		}
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "begun\n" {
		text, _ := os.ReadFile(c.log)
		m.t.Fatal(line, err, string(text))
	}
	return c
}

func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// sentAll waits until all positions of a folder are at the end of both streams.
func (m *mesh) sentAll(folder string, destinations int) {
	m.t.Helper()
	last := map[string]uint64{}
	for _, name := range []string{wire.ResultsStream, wire.VerdictsStream} {
		s, err := m.js.Stream(m.t.Context(), name)
		if err != nil {
			m.t.Fatal(err)
		}
		last[name] = s.CachedInfo().State.LastSeq
	}
	eventually(m.t, "all is sent", func() bool {
		files, _ := filepath.Glob(filepath.Join(folder, "*.json"))
		for _, file := range files {
			var at Position
			data, err := os.ReadFile(file)
			if err != nil || json.Unmarshal(data, &at) != nil || at.underWay() || at.Results.Sequence != last[wire.ResultsStream] || at.Verdicts.Sequence != last[wire.VerdictsStream] {
				return false
			}
		}
		return len(files) == destinations
	})
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 3 min: %s", what)
		}
	}
}
