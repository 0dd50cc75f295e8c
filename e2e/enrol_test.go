package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"netmon/broker/access"
)

// TestEnrol_TwentyByOneToken: twenty hosts take one line, and a twenty-first none;
// one that loses its state comes back under its name, with its monitors.
func TestEnrol_TwentyByOneToken(t *testing.T) {
	t.Parallel()
	m := newSecureMesh(t)
	line := strings.Fields(m.as("netmon token new agent --uses 20 --name hosts --label region=eu"))
	start := func(line []string, name, state string) *proc {
		return spawn(t, append(append([]string(nil), line[1:]...), "--id", name, "--state", state)...)
	}
	agents, states := map[string]*proc{}, map[string]string{}
	for i := range 20 {
		name := fmt.Sprintf("web%02d", i)
		states[name] = t.TempDir()
		agents[name] = start(line, name, states[name])
	}
	for name, a := range agents {
		a.line("agent " + name + " connected to tls://" + m.addr)
	}
	m.as(`sh -c 'test "$(netmon access ls --by hosts -o name | grep -c ^web)" = 20'`)
	m.as("netmon access ls | grep '^hosts .* used '")
	m.as(`sh -c 'test "$(netmon get agents -o name | grep -c ^web)" = 20'`)
	late := start(line, "web20", t.TempDir())
	late.line("not valid here")
	if code := late.wait(); code == 0 {
		t.Error("a twenty-first agent runs")
	}

	watch := spawn(t, "watch", "--creds", access.AdminFolder(access.FolderOf(m.store)), "-o", "ndjson")
	for name := range agents { // each got the monitor by its label
		watch.line(`"agent":"` + name + `","monitor":"web"`)
	}
	agents["web07"].kill()
	if err := os.RemoveAll(states["web07"]); err != nil {
		t.Fatal(err)
	}
	start(line, "web07", states["web07"]).line("netmon token new agent --id web07 --replace")
	again := strings.Fields(m.as("netmon token new agent --id web07 --replace"))
	n := watch.count()
	start(again, "web07", states["web07"]).line("agent web07 connected")
	watch.lineAfter(n, `"agent":"web07","monitor":"web"`)
}

// TestReplace_WhileTheOtherRuns: a name moves to another host while the agent of
// before is still there.
func TestReplace_WhileTheOtherRuns(t *testing.T) {
	t.Parallel()
	m := newSecureMesh(t)
	line := strings.Fields(m.as("netmon token new agent --id paris --replace"))
	moved := spawn(t, append(line[1:], "--state", t.TempDir())...)
	moved.line("agent paris connected to tls://" + m.addr)
	m.agent.line("does not let this agent in")
}

// packaged is a way to run netmon that comes with it, as its files say.
type packaged struct{ broker, agent []string }

// unit is the command of a unit for systemd, with the arguments that it has where
// no file says others.
func unit(t *testing.T, name string) (words []string) {
	t.Helper()
	data, err := os.ReadFile("../packaging/systemd/" + name)
	if err != nil {
		t.Fatal(err)
	}
	vars := map[string]string{}
	for line := range strings.Lines(string(data)) {
		if set, ok := strings.CutPrefix(strings.TrimSpace(line), "Environment="); ok {
			key, value, _ := strings.Cut(strings.Trim(set, `"`), "=")
			vars[key] = value
		}
		if command, ok := strings.CutPrefix(line, "ExecStart=/usr/local/bin/netmon "); ok {
			words = strings.Fields(os.Expand(command, func(key string) string { return vars[key] }))
		}
	}
	return words
}

// manifests are the commands of the pods for Kubernetes.
func manifests(t *testing.T) (p packaged) {
	t.Helper()
	data, err := os.ReadFile("../packaging/kubernetes/netmon.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.SplitSeq(string(data), "\n---\n") {
		var object map[string]any
		if err := yaml.Unmarshal([]byte(text), &object); err != nil {
			t.Fatal(err)
		}
		switch object["kind"] {
		case "StatefulSet":
			p.broker = commandOf(object)[1:]
		case "DaemonSet":
			p.agent = commandOf(object)[1:]
		}
	}
	return p
}

// TestPackaged_Runs what the units and the manifests say, but for the port, the host
// and the folders: a broker that has identities, and an agent that joins by a
// line in its environment and no longer needs it once it is in.
func TestPackaged_Runs(t *testing.T) {
	for name, p := range map[string]packaged{
		"systemd":    {unit(t, "netmon-broker.service"), unit(t, "netmon-agent.service")},
		"kubernetes": manifests(t),
	} {
		t.Run(name, func(t *testing.T) {
			addr, root := freeAddr(t), t.TempDir()
			at := func(words []string) (out []string) {
				for _, w := range words {
					w = strings.NewReplacer("0.0.0.0:4222", addr, "netmon-broker.netmon.svc", "127.0.0.1", "%S", root).Replace(w)
					if strings.HasPrefix(w, "/state") {
						w = filepath.Join(root, words[0], w)
					}
					out = append(out, w)
				}
				return out
			}
			command := at(p.broker)
			spawn(t, command...).line("broker ready on tls://127.0.0.1:")
			store := ""
			for i, w := range command {
				if w == "--store" {
					store = command[i+1]
				}
			}
			admin := newPerson(t)
			t.Setenv("NETMON_CREDS", access.AdminFolder(access.FolderOf(store)))
			line := admin.until("netmon token new agent --uses 2 --name nodes --label cluster=main")
			t.Setenv("NETMON_CREDS", "")
			t.Setenv("NETMON_JOIN", line)
			agent := spawn(t, at(p.agent)...)
			agent.line(" connected to tls://127.0.0.1:")
			admin.until("NETMON_CREDS=" + access.AdminFolder(access.FolderOf(store)) + " netmon access revoke nodes")
			agent.kill()
			spawn(t, at(p.agent)...).line(" connected to tls://127.0.0.1:")
		})
	}
}
