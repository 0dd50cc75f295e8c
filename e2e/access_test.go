package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/broker/access"
	"netmon/internal/need"
	"netmon/wire"
)

// person is somebody at a shell, with settings of their own.
type person struct {
	t    *testing.T
	home string
	path string // the folder of another netmon than the one under test
}

func newPerson(t *testing.T) person { return person{t: t, home: t.TempDir()} }

// sh runs what the person types or pastes, and returns what it printed.
func (p person) sh(line string) (string, error) {
	p.t.Helper()
	path := p.path
	if path == "" {
		bin, err := netmon()
		if err != nil {
			p.t.Fatal(err)
		}
		path = filepath.Dir(bin)
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.WaitDelay = time.Second
	cmd.Env = append(os.Environ(), "PATH="+path+":"+os.Getenv("PATH"), "HOME="+p.home,
		"XDG_CONFIG_HOME="+filepath.Join(p.home, "config"), "XDG_STATE_HOME="+filepath.Join(p.home, "state"), "NO_COLOR=1")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %w\n%s%s", line, err, out.String(), errs.String())
	}
	return out.String(), nil
}

func (p person) does(line string) string {
	p.t.Helper()
	out, err := p.sh(line)
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

// until repeats a line until it succeeds.
func (p person) until(line string) string {
	p.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		out, err := p.sh(line)
		if err == nil {
			return out
		}
		if time.Now().After(end) {
			p.t.Fatal(err)
		}
	}
}

// refused runs a line that the broker must refuse, which the nats program does
// not always show in its exit code.
func (m *secureMesh) refused(p person, line, subject string) {
	m.t.Helper()
	if out, err := p.sh(line); err == nil && strings.Contains(out, "{") {
		m.t.Errorf("%s: got an answer: %s", line, out)
	}
	m.broker.line("Publish Violation", `\"`+subject+`\"`)
}

// secureMesh is a broker that has identities, its admin, and one agent that
// joined by a pasted line and measures the monitor web.
type secureMesh struct {
	t      *testing.T
	addr   string
	store  string
	broker *proc
	admin  person

	agentLine  []string
	agentState string
	agent      *proc
}

func newSecureMesh(t *testing.T) *secureMesh { return newSecureMeshWith(t) }

// newSecureMeshWith adds flags to the broker's.
func newSecureMeshWith(t *testing.T, flags ...string) *secureMesh {
	m := &secureMesh{t: t, addr: freeAddr(t), store: t.TempDir(), admin: newPerson(t), agentState: t.TempDir()}
	m.startBroker(append(flags, "--access")...)
	m.admin.does("netmon context add here --broker tls://" + m.addr)
	words := strings.Fields(m.as("netmon token new agent --id paris --label region=eu"))
	if len(words) < 4 || words[0] != "netmon" {
		t.Fatalf("not a line to paste: %q", words)
	}
	m.agentLine = append(words[1:], "--state", m.agentState)
	m.startAgent()
	m.as("netmon add tcp " + listener(t) + " --name web --every 100ms --on region=eu")
	return m
}

func (m *secureMesh) startBroker(flags ...string) {
	m.t.Helper()
	m.broker = spawn(m.t, append([]string{"broker", "--listen", m.addr, "--store", m.store}, flags...)...)
	m.broker.line("broker ready on tls://" + m.addr)
}

func (m *secureMesh) startAgent() {
	m.t.Helper()
	m.agent = spawn(m.t, m.agentLine...)
	m.agent.line("agent paris connected to tls://" + m.addr)
}

// as runs a line as the admin of the broker's host.
func (m *secureMesh) as(line string) string {
	m.t.Helper()
	return m.admin.until("NETMON_CREDS=" + access.AdminFolder(access.FolderOf(m.store)) + " " + line)
}

// join lets a person in, who pastes what the admin was given.
func (m *secureMesh) join(name string, role wire.Role) person {
	m.t.Helper()
	p := newPerson(m.t)
	p.does(m.as("netmon token new console --name " + name + " --role " + string(role)))
	p.does("netmon context use mesh")
	return p
}

// TestAccess_SecondHostInTwoLines is a newcomer's second host, and what becomes
// of it when processes are killed and when it is shut out.
func TestAccess_SecondHostInTwoLines(t *testing.T) {
	t.Parallel()
	m := newSecureMesh(t)
	viewer := m.join("vic", wire.RoleViewer)
	creds := filepath.Join(viewer.home, "config/netmon/identities/vic")
	watch := spawn(t, "watch", "--creds", creds, "-o", "ndjson")
	const result = `"agent":"paris","monitor":"web"`
	watch.line(result, `"outcome":"ok"`)

	m.agent.kill()
	m.startAgent() // by the same line, whose token is used up: it has its key
	watch.lineAfter(watch.count(), result)

	m.broker.kill()
	m.startBroker() // without --access: it knows people, and continues to
	m.as("netmon access ls")
	watch.lineAfter(watch.count(), result)
	viewer.until("netmon get agents -o name | grep -x paris")

	m.as("netmon access revoke paris")
	m.agent.line("does not let this agent in", "netmon token new agent")
	n := watch.count()
	m.as("netmon access ls") // a round trip; more results would be on their way before
	if late := watch.count() - n; late > 1 {
		t.Errorf("%d results after the agent was shut out", late)
	}
	m.agent.stop()
	again := spawn(t, m.agentLine...)
	again.line("does not let this agent in")
}

// TestAccess_NatsCLI uses the nats program by the line that netmon prints.
func TestAccess_NatsCLI(t *testing.T) {
	t.Parallel()
	need.Tool(t, "nats", "none: go build -C internal/natscli -o DIR github.com/nats-io/natscli/nats")
	m := newSecureMesh(t)
	viewer, operator := m.join("vic", wire.RoleViewer), m.join("olga", wire.RoleOperator)
	for _, p := range []person{viewer, operator} {
		p.does(`eval "$(netmon access nats)"`)
		var r wire.Result
		out := p.does("nats sub --raw --count 1 'results.>'")
		if err := json.Unmarshal([]byte(out), &r); err != nil || r.Agent != "paris" || r.Monitor != "web" {
			t.Errorf("sub: %s %v", out, err)
		}
		if out = p.does("nats stream ls --names"); !strings.Contains(out, wire.ResultsStream) || !strings.Contains(out, wire.AgentsStream) {
			t.Errorf("streams: %s", out)
		}
		if out = p.does("nats kv history " + wire.MonitorsBucket + " web"); !strings.Contains(out, "PUT") {
			t.Errorf("history: %s", out)
		}
		if out = p.does("nats micro ls"); !strings.Contains(out, "netmon agent paris") {
			t.Errorf("services: %s", out)
		}
	}
	const command = ` agent.paris.cmd '{"op":"list"}'`
	m.refused(viewer, "nats req --raw --timeout 2s"+command, "agent.paris.cmd")
	m.refused(viewer, "nats kv put --timeout 2s "+wire.MonitorsBucket+" web x", "$KV.monitors.web")
	var list wire.Reply
	out := operator.does("nats req --raw --timeout 20s" + command)
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list.Monitors) != 1 || list.Monitors[0].Name != "web" {
		t.Errorf("list: %s %v", out, err)
	}
}

// TestUp_BeyondThisHost has TLS and identities without being asked for.
func TestUp_BeyondThisHost(t *testing.T) {
	t.Parallel()
	store := t.TempDir()
	file := filepath.Join(t.TempDir(), "one.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "monitors:\n- {name: web, kind: tcp, target: %q, every: 100ms}\n", listener(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	p := spawn(t, "up", "--listen", "0.0.0.0:0", "--store", store, "--state", filepath.Join(store, "agent"), "--id", "home", "--results", file)
	p.line("made keys and a certificate")
	p.line("broker on tls://", "agent home", "1 monitor")
	p.line("netmon token new agent")
	p.line("home", "web", "● ok")
	admin := newPerson(t)
	creds := "NETMON_CREDS=" + access.AdminFolder(access.FolderOf(store)) + " "
	if line := admin.until(creds + "netmon token new agent --id paris"); !strings.HasPrefix(line, "netmon agent --join tls://") {
		t.Errorf("token: %q", line)
	}
	if code, _ := p.stop(); code != 0 {
		t.Errorf("ended with %d", code)
	}
}
