package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"netmon/wire"
)

// mesh is a broker, three agents and two consoles, each a process.
type mesh struct {
	t      *testing.T
	dir    string
	addr   string
	url    string
	broker *proc
	agents map[string]*proc
	watch  [2]*proc
}

func newMesh(t *testing.T) *mesh {
	m := &mesh{t: t, dir: t.TempDir(), addr: freeAddr(t), agents: map[string]*proc{}}
	m.url = "nats://" + m.addr
	m.startBroker()
	for _, id := range []string{"oregon", "paris", "tokyo"} {
		m.startAgent(id)
	}
	for i := range m.watch {
		m.watch[i] = spawn(t, "watch", "--broker", m.url, "-o", "ndjson", "--since", "1h")
	}
	return m
}

func (m *mesh) startBroker() {
	m.broker = spawn(m.t, "broker", "--listen", m.addr, "--store", filepath.Join(m.dir, "broker"))
	m.broker.line("broker ready on", m.url)
}

func (m *mesh) startAgent(id string) {
	region := map[string]string{"oregon": "us", "paris": "eu", "tokyo": "asia"}[id]
	m.agents[id] = spawn(m.t, "agent", "--broker", m.url, "--id", id, "--label", "region="+region, "--state", filepath.Join(m.dir, id))
	m.agents[id].line("agent", id, "connected to", m.url)
}

func (m *mesh) do(code int, args ...string) string {
	m.t.Helper()
	return netmonDo(m.t, code, append(args, "--broker", m.url)...)
}

// seen decodes what a console has printed.
func (m *mesh) seen(i int) map[string]wire.Result {
	out := map[string]wire.Result{}
	for _, line := range m.watch[i].all() {
		var r wire.Result
		if json.Unmarshal([]byte(line), &r) != nil || r.Agent == "" {
			m.t.Fatalf("console %d printed %q", i, line)
		}
		if _, twice := out[r.ID()]; twice {
			m.t.Errorf("console %d shows %s twice", i, r.ID())
		}
		out[r.ID()] = r
	}
	return out
}

// awaitResult waits until both consoles show a further result of the monitor on the agent.
func (m *mesh) awaitResult(agent, monitor string) {
	m.t.Helper()
	for _, w := range m.watch {
		w.lineAfter(w.count(), `"agent":"`+agent+`","monitor":"`+monitor+`"`)
	}
}

func TestMesh_EveryResultOfEveryAgentIsOnEveryConsole(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	out := m.do(0, "add", "tcp", listener(t), "--name", "web", "--every", "50ms")
	for id := range m.agents {
		if !strings.Contains(out, id) {
			t.Errorf("add is not confirmed by %s:\n%s", id, out)
		}
	}
	for id := range m.agents {
		m.awaitResult(id, "web")
	}
	for id, p := range m.agents { // stop all: then what was measured is what was sent
		if code, took := p.stop(); code != 0 || took > 5*time.Second {
			t.Errorf("agent %s ended with %d after %v", id, code, took)
		}
	}
	// One more result by hand, so that both consoles have read to the end.
	m.startAgent("paris")
	m.awaitResult("paris", "web")
	m.agents["paris"].stop()

	one, two := m.seen(0), m.seen(1)
	perAgent := map[string][]uint64{}
	for id, r := range one {
		perAgent[r.Agent+"-"+r.Epoch] = append(perAgent[r.Agent+"-"+r.Epoch], r.Seq)
		if _, ok := two[id]; !ok && r.Agent != "paris" {
			t.Errorf("%s is on the first console only", id)
		}
	}
	for epoch, seqs := range perAgent {
		slices.Sort(seqs)
		if strings.HasPrefix(epoch, "paris-") {
			continue // its last ones may still be on their way
		}
		if seqs[0] != 1 || seqs[len(seqs)-1] != uint64(len(seqs)) {
			t.Errorf("%s: %d results, numbered %d to %d", epoch, len(seqs), seqs[0], seqs[len(seqs)-1])
		}
	}
}

func TestMesh_StartAndStopAreConfirmedAndTakeEffect(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	m.do(0, "add", "tcp", listener(t), "--name", "web", "--every", "50ms", "--on", "paris")
	m.awaitResult("paris", "web")

	out := m.do(0, "start", "web", "--on", "tokyo,region=us")
	if !strings.Contains(out, "tokyo        web running") || !strings.Contains(out, "oregon       web running") {
		t.Errorf("start says\n%s", out)
	}
	m.awaitResult("tokyo", "web")
	m.awaitResult("oregon", "web")

	begin := time.Now().UTC()
	out = m.do(0, "stop", "web", "--on", "paris")
	ended := time.Now().UTC()
	if !strings.Contains(out, "paris        web stopped") {
		t.Errorf("stop says\n%s", out)
	}
	m.awaitResult("tokyo", "web")
	for _, r := range m.seen(0) {
		if r.Agent == "paris" && r.Started.After(ended) {
			t.Errorf("paris measured at %v, after the stop of %v to %v was confirmed", r.Started, begin, ended)
		}
	}
	if took := ended.Sub(begin); took > 5*time.Second {
		t.Errorf("the stop took %v", took)
	}

	m.agents["tokyo"].stop()
	if out = m.do(0, "stop", "web"); !strings.Contains(out, "tokyo") || !strings.Contains(out, "it will stop when it returns") {
		t.Errorf("stop with an agent away says\n%s", out)
	}
	if out = m.do(0, "start", "web"); !strings.Contains(out, "it will start when it returns") {
		t.Errorf("start with an agent away says\n%s", out)
	}
	m.startAgent("tokyo")
	m.awaitResult("tokyo", "web")

	if out = m.do(0, "delete", "web"); !strings.Contains(out, "stopped") {
		t.Errorf("delete says\n%s", out)
	}
	if out = m.do(0, "get", "monitors"); strings.Contains(out, "web") {
		t.Errorf("after delete\n%s", out)
	}
	m.do(1, "start", "web")
}

func TestMesh_EachProcessMayBeKilled(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	m.do(0, "add", "tcp", listener(t), "--name", "web", "--every", "100ms")
	m.awaitResult("paris", "web")

	m.broker.kill()
	m.startBroker()
	for id := range m.agents {
		m.awaitResult(id, "web")
	}
	m.agents["paris"].kill()
	m.awaitResult("tokyo", "web")
	m.startAgent("paris")
	m.awaitResult("paris", "web")
	m.watch[0].kill()
	m.awaitResultOn(1, "oregon", "web")
	m.watch[0] = spawn(t, "watch", "--broker", m.url, "-o", "ndjson")
	m.awaitResult("oregon", "web")
}

func (m *mesh) awaitResultOn(i int, agent, monitor string) {
	m.t.Helper()
	m.watch[i].lineAfter(m.watch[i].count(), `"agent":"`+agent+`","monitor":"`+monitor+`"`)
}

func TestMesh_AStoppedConsoleDisturbsNobodyAndMissesNothing(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	m.do(0, "add", "tcp", listener(t), "--name", "web", "--every", "20ms")
	m.awaitResult("paris", "web")
	if err := m.watch[0].cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		m.awaitResultOn(1, "paris", "web")
	}
	if err := m.watch[0].cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	var last wire.Result // the newest on the other console must come on this one too
	lines := m.watch[1].all()
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil {
		t.Fatal(err)
	}
	m.watch[0].line(fmt.Sprintf(`"epoch":"%s","seq":%d,`, last.Epoch, last.Seq))
	if one, two := m.seen(0), m.seen(1); len(one) < len(lines) {
		t.Errorf("the stopped console shows %d results, the other one %d", len(one), len(two))
	}
}

func TestMesh_RefusesSecondsOfOne(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	second := spawn(t, "agent", "--broker", m.url, "--id", "paris", "--state", t.TempDir())
	if code := second.wait(); code != 1 {
		t.Errorf("a second paris ends with %d", code)
	}
	second.line(`agent id is in use: "paris" runs on host`)

	store := filepath.Join(m.dir, "broker")
	other := spawn(t, "broker", "--listen", "127.0.0.1:0", "--store", store)
	if code := other.wait(); code != 1 {
		t.Errorf("a second broker on one store ends with %d", code)
	}
	other.line(fmt.Sprint(m.broker.cmd.Process.Pid))

	clash := spawn(t, "broker", "--listen", m.addr, "--store", t.TempDir())
	if code := clash.wait(); code != 1 {
		t.Errorf("a second broker on one port ends with %d", code)
	}
	clash.line(m.addr)
}

func TestMesh_ApplyTakesBackWhatGetPrints(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	m.do(0, "add", "tcp", listener(t), "--name", "a", "--on", "region=eu;region=us", "--except", "tokyo", "--invert")
	m.do(0, "add", "icmp", "127.0.0.1", "--name", "b", "--every", "1m")
	file := filepath.Join(t.TempDir(), "all.yaml")
	if err := os.WriteFile(file, []byte(m.do(0, "get", "monitors", "-o", "yaml")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := m.do(0, "apply", "-f", file); !strings.Contains(out, "0 added, 0 changed, 2 unchanged") {
		t.Errorf("apply says\n%s", out)
	}
}
