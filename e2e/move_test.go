package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"netmon/broker/access"
	"netmon/wire"
)

// movingMesh is `netmon up` on one store, with the agent home inside, and
// another agent of the same host.
type movingMesh struct {
	t     *testing.T
	addr  string
	store string
	dir   string
	up    *proc
}

func newMovingMesh(t *testing.T) *movingMesh {
	return &movingMesh{t: t, addr: freeAddr(t), store: t.TempDir(), dir: t.TempDir()}
}

// start runs `netmon up`, and returns when it answers.
func (m *movingMesh) start(flags ...string) {
	m.t.Helper()
	m.up = spawn(m.t, append([]string{"up", "--listen", m.addr, "--store", m.store, "--state", filepath.Join(m.dir, "home"), "--id", "home"}, flags...)...)
	m.up.line("netmon", "broker on", "agent home")
}

func (m *movingMesh) stop() {
	m.t.Helper()
	if code, _ := m.up.stop(); code != 0 {
		m.t.Errorf("up ended with %d", code)
	}
}

// open says whether nobody is asked who they are.
func (m *movingMesh) open() bool { return strings.Contains(m.up.line("broker on"), "nats://") }

// do runs a command as who may do everything.
func (m *movingMesh) do(args ...string) string {
	m.t.Helper()
	if m.open() {
		return netmonDo(m.t, 0, append(args, "--broker", "nats://"+m.addr)...)
	}
	return netmonDo(m.t, 0, append(args, "--creds", access.AdminFolder(access.FolderOf(m.store)), "--broker", "tls://"+m.addr)...)
}

// results are those that are stored of an agent, in their order.
func (m *movingMesh) results(agent string) (list []wire.Result) {
	m.t.Helper()
	for line := range strings.SplitSeq(strings.TrimSpace(m.do("get", "results", "--agent", agent, "-o", "ndjson")), "\n") {
		var r wire.Result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			m.t.Fatalf("%q: %v", line, err)
		}
		list = append(list, r)
	}
	return list
}

// whole fails where a number of the agent's results is missing or there twice.
func (m *movingMesh) whole(agent string) {
	m.t.Helper()
	seen, most := map[string]map[uint64]bool{}, map[string]uint64{}
	for _, r := range m.results(agent) {
		if seen[r.Epoch] == nil {
			seen[r.Epoch] = map[uint64]bool{}
		}
		if seen[r.Epoch][r.Seq] {
			m.t.Errorf("%s %s %d is there twice", agent, r.Epoch, r.Seq)
		}
		seen[r.Epoch][r.Seq] = true
		most[r.Epoch] = max(most[r.Epoch], r.Seq)
	}
	if len(seen) != 1 {
		m.t.Errorf("%s: %d epochs, want the numbers to go on", agent, len(seen))
	}
	for epoch, last := range most {
		for seq := uint64(1); seq < last; seq++ { // the newest may come in any order
			if !seen[epoch][seq] {
				m.t.Errorf("%s %s: %d of %d is missing", agent, epoch, seq, last)
			}
		}
	}
}

// TestMove_AccessTurnedOnAndOff is the README's own order: a mesh on one host,
// then others are to come. All that was there continues.
func TestMove_AccessTurnedOnAndOff(t *testing.T) {
	t.Parallel()
	m := newMovingMesh(t)
	file := filepath.Join(m.dir, "two.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "monitors:\n- {name: web, kind: tcp, target: %q, every: 100ms}\n- {name: shop, kind: tcp, target: %q, every: 100ms, agents: [home]}\n", listener(t), listener(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	m.start(file)
	paris := spawn(t, "agent", "--broker", "nats://"+m.addr, "--id", "paris", "--state", filepath.Join(m.dir, "paris"))
	paris.line("agent paris connected")
	m.do("config", "save", "office")
	m.do("start", "web") // confirmed by both
	nc, err := nats.Connect("nats://" + m.addr)
	if err != nil {
		t.Fatal(err)
	}
	byHand := fmt.Appendf(nil, `{"op":"start","monitors":[{"name":"by-hand","kind":"tcp","target":%q,"every":"100ms"}]}`, listener(t))
	if _, err := nc.Request("agent.paris.cmd", byHand, patience); err != nil {
		t.Fatal(err)
	}
	nc.Close()
	watch := spawn(t, "watch", "--broker", "nats://"+m.addr, "-o", "ndjson")
	watch.line(`"agent":"paris","monitor":"web"`)
	watch.line(`"agent":"home","monitor":"shop"`)
	watch.kill()
	m.stop()
	state := func(agent string) (s struct {
		Store    string
		Monitors []struct{ Name string }
	}) {
		data, err := os.ReadFile(filepath.Join(m.dir, agent, "state.json"))
		if err == nil {
			err = json.Unmarshal(data, &s)
		}
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	life := state("paris").Store
	if life == "" {
		t.Fatal("paris knows no bucket")
	}

	m.start("--access", file)
	if line := m.up.line("agent home, 2 monitors"); strings.Contains(line, "new") {
		t.Errorf("the monitors of the file are saved once more: %s", line)
	}
	m.up.line("brought along from before this mesh had identities: 2 monitors, ", " results, 1 configuration")
	m.up.line("earlier agents come back with a line each", "paris")
	m.up.line("netmon token new agent --id paris")
	if m.open() {
		t.Fatal("nobody is asked who they are")
	}
	monitors := m.do("get", "monitors", "-o", "name")
	if got := strings.Fields(monitors); strings.Join(got, " ") != "shop web" && strings.Join(got, " ") != "web shop" {
		t.Errorf("monitors: %q", got)
	}
	if got := m.do("config", "ls"); !strings.Contains(got, "office") {
		t.Errorf("configurations: %s", got)
	}
	// The earlier agent joins, with its state: what it measured meanwhile comes, too.
	paris.kill()
	_, line, _ := strings.Cut(m.do("token", "new", "agent", "--id", "paris"), "netmon agent --join ")
	paris = spawn(t, "agent", "--join", strings.Fields(line)[0], "--state", filepath.Join(m.dir, "paris"))
	paris.line("agent paris connected to tls://")
	secure := spawn(t, "watch", "--creds", access.AdminFolder(access.FolderOf(m.store)), "--broker", "tls://"+m.addr, "-o", "ndjson")
	secure.line(`"agent":"paris","monitor":"web"`)
	secure.line(`"agent":"paris","monitor":"by-hand"`)
	secure.line(`"agent":"home","monitor":"shop"`)
	m.do("stop", "shop") // confirmed, by what the mesh accepts
	m.do("start", "shop")
	if got := state("paris").Store; got != life {
		t.Errorf("paris follows the bucket %s, want %s as before", got, life)
	}
	secure.lineAfter(secure.count(), `"agent":"home","monitor":"shop"`)
	m.whole("paris")
	m.whole("home")
	m.do("config", "use", "office")
	secure.kill()
	paris.stop()

	// And back, on a network that is trusted.
	all := len(m.results("paris"))
	m.stop()
	m.start("--insecure")
	m.up.line("brought along from when this mesh had identities: 2 monitors, ", " results, 1 configuration")
	if got := len(m.results("paris")); got != all {
		t.Errorf("%d results of paris, want %d", got, all)
	}
	m.do("add", "tcp", listener(t), "--name", "open", "--every", "100ms", "--on", "home")
	m.stop()

	// Once more: what was saved meanwhile counts, too, and what is accepted stays as it is.
	m.start()
	m.up.line("brought along", "3 monitors")
	after := spawn(t, "watch", "--creds", access.AdminFolder(access.FolderOf(m.store)), "--broker", "tls://"+m.addr, "-o", "ndjson")
	after.line(`"agent":"home","monitor":"open"`)
	m.whole("home")
	after.kill()
	m.up.kill()

	m.start()
	for _, line := range m.up.all() {
		if strings.Contains(line, "brought") {
			t.Errorf("it says once more: %s", line)
		}
	}
}

// monitorNames are the names that a list says, without the hints beside it: that an agent
// has monitors of another store is true until the controller told it of this one.
func monitorNames(out string) string {
	var names []string
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "netmon: ") {
			names = append(names, strings.TrimSpace(line))
		}
	}
	return strings.Join(names, "\n")
}

// TestMove_AfterTheMistake: an older netmon began an empty mesh, people saved
// their monitors once more, and what was there before waits beside it.
func TestMove_AfterTheMistake(t *testing.T) {
	t.Parallel()
	m := newMovingMesh(t)
	m.start()
	m.do("add", "tcp", listener(t), "--name", "first", "--every", "1s")
	m.stop()
	of := func(account string) string { return filepath.Join(m.store, "jetstream", account) }
	hidden := filepath.Join(m.dir, "hidden")
	if err := os.Rename(of("$G"), hidden); err != nil {
		t.Fatal(err)
	}
	m.start("--access")
	m.do("add", "tcp", listener(t), "--name", "second", "--every", "1s")
	m.stop()
	if err := os.Rename(hidden, of("$G")); err != nil {
		t.Fatal(err)
	}

	m.start()
	m.up.line("WARNING", "also holds data that this mesh does not use (open)", "of saved monitors")
	m.up.line("--bring-along open")
	if got := monitorNames(m.do("get", "monitors", "-o", "name")); got != "second" {
		t.Errorf("monitors: %q", got)
	}
	m.stop()
	m.start("--bring-along", "open")
	m.up.line("brought along", "1 monitor,")
	_, aside, _ := strings.Cut(m.up.line("set aside in", "netmon broker --store"), "set aside in ")
	aside, _, _ = strings.Cut(aside, ":")
	if got := monitorNames(m.do("get", "monitors", "-o", "name")); got != "first" {
		t.Errorf("monitors: %q", got)
	}
	m.stop()
	m.start("--bring-along", "open")
	m.up.line("--bring-along open", "brought along before, or never existed")
	look := spawn(t, "broker", "--store", aside, "--listen", freeAddr(t))
	_, url, _ := strings.Cut(look.line("broker ready on"), "broker ready on ")
	if got := monitorNames(netmonDo(t, 0, "get", "monitors", "-o", "name", "--broker", url)); got != "second" {
		t.Errorf("set aside: %q", got)
	}
}
