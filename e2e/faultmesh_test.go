package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/internal/badlink"
	"netmon/internal/ledger"
	"netmon/internal/targets"
	"netmon/wire"
)

// faultMesh is a broker or a cluster of three, a controller, a console and two
// agents under load, each a process; each agent reaches the broker over a link
// of its own.
type faultMesh struct {
	*testing.T
	dir        string
	setup      setup
	addrs      []string // of the servers, for clients
	routes     []string // and for each other
	health     []string // and for whoever asks how they are
	brokers    []*proc
	links      map[string][]*badlink.Link // by agent, one to each server
	agents     map[string]*proc
	states     map[string]string // folders
	programs   map[string]string // of agents and the controller that are not the usual one
	creds      []string          // of commands, where the servers know who is who
	controller *proc
	console    *proc
	deleted    bool // the stream was deleted by hand
	killed     int  // processes, by kill -9
}

// setup is how a fault wants its mesh. Zero values are the usual ones.
type setup struct {
	servers   int
	store     func(*testing.T) string // of the broker
	state     func(*testing.T) string // of agent paris
	agentArgs []string
	history   func(*testing.T) string      // folder of the controller's file; none: a new one at each start
	scheme    string                       // of its address
	config    func(*faultMesh, int) string // of a server of a cluster, but for what makes it one
}

var faultAgents = []string{"paris", "tokyo"}

// The load: monitors on each agent, and how often each of them runs: together
// 1,000 results a second.
const (
	loadMonitors = 25
	loadEvery    = "50ms"
)

// newCluster is the servers alone, of which there may be one.
func newCluster(t *testing.T, s setup) *faultMesh {
	m := &faultMesh{T: t, dir: t.TempDir(), setup: s, links: map[string][]*badlink.Link{}, agents: map[string]*proc{}, states: map[string]string{}, programs: map[string]string{}}
	for range max(1, s.servers) {
		m.addrs, m.routes, m.health, m.brokers = append(m.addrs, freeAddr(t)), append(m.routes, freeAddr(t)), append(m.health, freeAddr(t)), append(m.brokers, nil)
	}
	for i := range m.brokers {
		m.startBroker(i)
	}
	for _, b := range m.brokers { // of a cluster, none is ready alone
		b.line("broker ready on")
	}
	return m
}

func newFaultMesh(t *testing.T, s setup) *faultMesh {
	m := newCluster(t, s)
	m.startController()
	for _, id := range faultAgents {
		m.states[id] = filepath.Join(m.dir, id)
		if id == "paris" && s.state != nil {
			m.states[id] = s.state(t)
		}
		for _, addr := range m.addrs {
			m.links[id] = append(m.links[id], badlink.New(t, addr))
		}
		m.startAgent(id)
	}
	echo, err := targets.ServeUDP("127.0.0.1:0", func(_ int, b []byte) []targets.UDPReply { return []targets.UDPReply{{Payload: b}} })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { echo.Close() })
	apply(t, m.urls(), m.dir, "udp", echo.Addr, loadEvery, "{payload: hello}", loadMonitors)
	m.startConsole()
	m.flow()
	return m
}

func (m *faultMesh) urls() string {
	scheme := cmp.Or(m.setup.scheme, "nats") + "://"
	return scheme + strings.Join(m.addrs, ","+scheme)
}

func (m *faultMesh) startBroker(i int) {
	m.Helper()
	store := filepath.Join(m.dir, fmt.Sprint("broker", i))
	if m.setup.store != nil {
		store = m.setup.store(m.T)
	}
	args := []string{"broker", "--no-controller", "--listen", m.addrs[i], "--store", store}
	if m.setup.servers > 1 {
		args = []string{"broker", "--no-controller", "--config", m.clusterConfig(i, store)}
	}
	m.brokers[i] = spawn(m.T, args...)
}

func (m *faultMesh) startController() {
	m.Helper()
	args := []string{"controller", "--broker", m.urls()}
	if m.setup.servers > 1 {
		args = append(args, "--replicas", "3")
	}
	if m.setup.history != nil {
		args = append(args, "--state", m.setup.history(m.T))
	}
	m.controller = spawnProgram(m.T, m.program("controller"), args...)
	m.controller.line("controller ready")
}

func (m *faultMesh) startAgent(id string) {
	m.Helper()
	var urls []string
	for _, l := range m.links[id] {
		urls = append(urls, "nats://"+l.Addr())
	}
	args := []string{"agent", "--broker", strings.Join(urls, ","), "--id", id, "--state", m.states[id]}
	m.agents[id] = spawnProgram(m.T, m.program(id), append(args, m.setup.agentArgs...)...)
}

// program is the netmon of one process: another than the usual one where the test says so.
func (m *faultMesh) program(of string) string {
	m.Helper()
	if bin := m.programs[of]; bin != "" {
		return bin
	}
	bin, err := netmon()
	if err != nil {
		m.Fatal(err)
	}
	return bin
}

func (m *faultMesh) startConsole() {
	m.Helper()
	m.console = spawn(m.T, "watch", "--broker", m.urls(), "-o", "ndjson", "--last")
}

func (m *faultMesh) kill(p *proc) {
	p.kill()
	m.killed++
}

// flow waits until the console shows new results of both agents.
func (m *faultMesh) flow() {
	m.Helper()
	from := time.Now()
	for _, id := range faultAgents {
		m.flowOf(id, from)
	}
}

// flowOf waits until the console shows a result of the agent that began after from.
func (m *faultMesh) flowOf(id string, from time.Time) {
	m.Helper()
	defer m.explain()
	for n := m.console.count(); ; {
		line := m.console.lineAfter(n, `"agent":"`+id+`"`)
		var r wire.Result
		if json.Unmarshal([]byte(line), &r) == nil && r.Started.After(from) {
			return
		}
		n++
	}
}

// explain says, when the test has failed, where results were then.
func (m *faultMesh) explain() {
	if !m.Failed() {
		return
	}
	nc, err := nats.Connect(m.urls())
	if err != nil {
		m.Log(err)
		return
	}
	defer nc.Close()
	for _, id := range faultAgents {
		a, err := m.info(nc, id)
		m.Logf("agent %s: %d results wait; notes %q; %v", id, a.Pending, a.Notes, err)
	}
	for _, about := range []string{"STREAM.INFO.", "CONSUMER.LIST."} {
		if msg, err := nc.Request("$JS.API."+about+wire.ResultsStream, []byte("{}"), 5*time.Second); err != nil {
			m.Logf("%s: %v", about, err)
		} else {
			m.Logf("%s", msg.Data)
		}
	}
}

// during lets the load run on for a while: a fault needs time to hurt.
func (m *faultMesh) during(d time.Duration) { <-time.After(d) }

func (m *faultMesh) connect() *nats.Conn {
	m.Helper()
	nc, err := nats.Connect(m.urls(), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond), nats.RetryOnFailedConnect(true))
	if err != nil {
		m.Fatal(err)
	}
	m.Cleanup(nc.Close)
	return nc
}

// eventually tries until it succeeds; what it last said is why it does not.
func (m *faultMesh) eventually(what string, try func() error) {
	m.Helper()
	limit := time.Now().Add(2 * patience)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(limit) {
			m.Fatalf("%s: %v", what, err)
		}
		<-time.After(100 * time.Millisecond)
	}
}

// info asks an agent how it is.
func (m *faultMesh) info(nc *nats.Conn, id string) (wire.Alive, error) {
	msg, err := nc.Request("agent."+id+".cmd", []byte(`{"op":"info"}`), 2*time.Second)
	if err != nil {
		return wire.Alive{}, err
	}
	var r wire.Reply
	if err := json.Unmarshal(msg.Data, &r); err != nil || r.Info == nil {
		return wire.Alive{}, fmt.Errorf("info of %s: %s: %w", id, msg.Data, err)
	}
	return *r.Info, nil
}

// finish waits until both agents run everything and nothing waits, stops the
// monitors and the agents, and compares what was numbered with what is stored.
func (m *faultMesh) finish() *ledger.Ledger {
	m.Helper()
	nc := m.connect()
	for _, id := range faultAgents {
		m.eventually("agent "+id+" runs all and catches up", func() error {
			a, err := m.info(nc, id)
			if err == nil && (a.Monitors != loadMonitors || a.Pending > 500) {
				err = fmt.Errorf("it runs %d of %d monitors, %d results wait; notes: %q", a.Monitors, loadMonitors, a.Pending, a.Notes)
			}
			return err
		})
	}
	for _, id := range faultAgents {
		if code, _ := m.agents[id].stop(); code != 0 {
			m.Errorf("agent %s ended with %d", id, code)
		}
	}
	ctx, cancel := context.WithTimeout(m.Context(), 2*patience)
	defer cancel()
	l, err := ledger.Read(ctx, nc, m.deleted)
	if err != nil {
		m.Fatal(err)
	}
	for _, id := range faultAgents {
		n := m.numbers(id)
		if !m.deleted {
			l.Sent(id, n.Epoch, n.Seq, n.unstated())
		}
		if d := n.cursor; d != n.Seq {
			m.Errorf("agent %s numbered %d results, and %d are acknowledged", id, n.Seq, d)
		}
	}
	for _, f := range l.Faults {
		m.Error(f)
	}
	m.verdicts(nc)
	return l
}

// numbers is what an agent's spool says when it has ended.
type numbers struct {
	Epoch string
	Seq   uint64
	Gaps  map[string][]struct{ Next, Count uint64 }

	cursor uint64
}

func (n numbers) unstated() (sum uint64) {
	for _, list := range n.Gaps {
		for _, g := range list {
			sum += g.Count
		}
	}
	return sum
}

func (m *faultMesh) numbers(id string) (n numbers) {
	m.Helper()
	var c struct{ Done uint64 }
	for name, v := range map[string]any{"numbers.json": &n, "cursor.json": &c} {
		data, err := os.ReadFile(filepath.Join(m.states[id], "spool", name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			m.Fatal(err)
		}
		if err := json.Unmarshal(data, v); err != nil {
			m.Fatalf("%s of %s: %v", name, id, err)
		}
	}
	n.cursor = c.Done
	return n
}

// clusterConfig writes the configuration of server i of three.
func (m *faultMesh) clusterConfig(i int, store string) string {
	m.Helper()
	var routes []string
	for _, r := range m.routes {
		routes = append(routes, fmt.Sprintf("%q", "nats://"+r))
	}
	text := fmt.Sprintf("listen: %q\njetstream { store_dir: %q }\n", m.addrs[i], store)
	if m.setup.config != nil {
		text = m.setup.config(m, i)
	}
	text += fmt.Sprintf(`server_name: s%d
http: %q
cluster { name: lab, listen: %q, routes: [%s] }
`, i, m.health[i], m.routes[i], strings.Join(routes, ", "))
	path := filepath.Join(m.dir, fmt.Sprintf("nats%d.conf", i))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		m.Fatal(err)
	}
	return path
}
