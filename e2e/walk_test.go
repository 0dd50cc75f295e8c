package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"netmon/broker/access"
)

// TestWalk_FromOpenToSafe is the life of a mesh: on one host and open, then with
// keys, then on more hosts; an agent is shut out, twenty come by one line, and the
// mesh moves to another host by a backup. Nothing is lost on the way.
func TestWalk_FromOpenToSafe(t *testing.T) {
	t.Parallel()
	m := newMovingMesh(t)
	file := filepath.Join(m.dir, "web.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "monitors:\n- {name: web, kind: tcp, target: %q, every: 200ms}\n", listener(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	m.start(file)
	open := spawn(t, "watch", "--broker", "nats://"+m.addr, "-o", "ndjson")
	open.line(`"agent":"home","monitor":"web"`)
	m.do("config", "save", "office")
	open.kill()
	m.stop()

	m.start("--access", file)
	m.up.line("brought along", "1 monitor", "1 configuration")
	follow := func() *proc {
		return spawn(t, "watch", "--creds", access.AdminFolder(access.FolderOf(m.store)), "--broker", "tls://"+m.addr, "-o", "ndjson")
	}
	watch := follow()
	watch.line(`"agent":"home","monitor":"web"`)
	if out := m.do("config", "ls"); !strings.Contains(out, "office") {
		t.Errorf("configurations: %s", out)
	}

	// paste is a line as it is pasted on another host.
	paste := func(line, state string, more ...string) *proc {
		_, line, _ = strings.Cut(line, "netmon agent --join ")
		return spawn(t, append([]string{"agent", "--join", strings.Fields(line)[0], "--state", state}, more...)...)
	}
	second := paste(m.do("token", "new", "agent", "--id", "paris"), t.TempDir())
	second.line("agent paris connected to tls://")
	watch.line(`"agent":"paris","monitor":"web"`)

	m.do("access", "revoke", "paris")
	second.line("does not let this agent in")
	if out := m.do("get", "agents", "-o", "name"); strings.TrimSpace(out) != "home" {
		t.Errorf("agents, one of which was shut out: %q", out)
	}
	m.do("wait", "web", "--for", "up", "--timeout", "30s")
	if out := m.do("check", "web"); !strings.Contains(out, "1 of 1 agent up") {
		t.Errorf("check: %s", out)
	}

	fleet := m.do("token", "new", "agent", "--uses", "20", "--name", "fleet")
	var agents []*proc
	want := []string{"home"}
	for i := range 20 {
		name := fmt.Sprintf("host%02d", i)
		agents, want = append(agents, paste(fleet, t.TempDir(), "--id", name)), append(want, name)
	}
	for i, a := range agents {
		a.line("agent " + want[i+1] + " connected to tls://")
		watch.line(`"agent":"`+want[i+1]+`"`, `"monitor":"web"`)
	}

	dir := filepath.Join(t.TempDir(), "backup")
	netmonDo(t, 0, "backup", dir, "--store", m.store)
	before := len(m.results("home"))
	m.up.kill()
	watch.kill()
	m.store = filepath.Join(t.TempDir(), "store")
	netmonDo(t, 0, "restore", dir, "--store", m.store)
	m.start()
	for i, a := range agents {
		a.line("agent " + want[i+1] + " connected to tls://")
	}
	again := follow()
	for _, name := range want {
		again.line(`"agent":"`+name+`"`, `"monitor":"web"`)
	}
	got := strings.Fields(m.do("get", "agents", "-o", "name"))
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("agents: %v, want %v", got, want)
	}
	if out := m.do("config", "ls"); !strings.Contains(out, "office") {
		t.Errorf("configurations after the restore: %s", out)
	}
	if n := len(m.results("home")); n == 0 || before == 0 {
		t.Errorf("%d results of home before the backup, %d after the restore", before, n)
	}
	again.kill()
}
