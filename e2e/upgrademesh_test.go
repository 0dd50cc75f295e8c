package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"netmon/broker/access"
	"netmon/wire"
)

// mixedMesh is a mesh whose parts are of different versions: one store, agents with their
// states and one person with settings, which all of them find as another version left them.
type mixedMesh struct {
	t        *testing.T
	secure   bool // it has identities
	addr     string
	dir      string
	broker   *proc
	agents   map[string]*proc
	lines    map[string][]string // by which an agent joins
	admin    person
	hook     *receiver
	good     string // a target that answers
	sick     *flaky // one that does not, until the end
	noAlerts bool   // the older version has none
}

func newMixedMesh(t *testing.T, secure bool) *mixedMesh {
	t.Helper()
	m := &mixedMesh{t: t, secure: secure, addr: freeAddr(t), dir: t.TempDir(), agents: map[string]*proc{}, lines: map[string][]string{},
		admin: newPerson(t), hook: newReceiver(t), good: listener(t), sick: newFlaky(t, "127.0.0.1")}
	m.sick.die()
	write(t, filepath.Join(m.dir, "notifier.yaml"), "targets: {reopen: [loopback]}\n")
	write(t, filepath.Join(m.dir, "mesh.yaml"), fmt.Sprintf(`monitors:
- {name: web, kind: tcp, target: %q, every: 100ms}
- {name: sick, kind: tcp, target: %q, every: 250ms}
`, m.good, m.sick.addr))
	write(t, filepath.Join(m.dir, "alerts.yaml"), fmt.Sprintf(`channels:
- {name: hook, kind: webhook, url: %q}
rules:
- {name: rest, to: [hook], wait: 1s}
windows:
- {name: night, weekly: "Sun 02:00-02:01", match: {monitors: [web]}}
groups:
- {name: shop, of: [web, sick], rule: all}
`, m.hook.url))
	return m
}

func (m *mixedMesh) url() string {
	if m.secure {
		return "tls://" + m.addr
	}
	return "nats://" + m.addr
}

func (m *mixedMesh) store() string { return filepath.Join(m.dir, "broker") }

// startBroker starts the broker of a version on what another one left.
func (m *mixedMesh) startBroker(v version) {
	m.t.Helper()
	args := []string{"broker", "--listen", m.addr, "--store", m.store()}
	if !v.noAlerts {
		args = append(args, "--notify-policy", filepath.Join(m.dir, "notifier.yaml"))
	}
	if m.secure {
		args = append(args, "--access")
	}
	m.broker = spawnProgram(m.t, v.bin(), args...)
	m.broker.line("broker ready on " + m.url())
}

// startAgent starts an agent of a version with the state that another one left.
func (m *mixedMesh) startAgent(v version, id string) {
	m.t.Helper()
	if m.lines[id] == nil {
		m.lines[id] = []string{"agent", "--broker", m.url(), "--id", id}
		if m.secure {
			m.lines[id] = strings.Fields(m.until(v, "netmon token new agent --id "+id))[1:]
		}
	}
	m.agents[id] = spawnProgram(m.t, v.bin(), append(m.lines[id], "--state", filepath.Join(m.dir, id))...)
	m.agents[id].line("agent "+id, "connected to", m.url())
}

// with has the person, whose settings stay, type commands of a version.
func (m *mixedMesh) with(v version) person {
	p := m.admin
	p.path = v.dir
	return p
}

func (m *mixedMesh) typed(line string) string {
	if m.secure { // on the broker's own host
		return "NETMON_CREDS=" + access.AdminFolder(access.FolderOf(m.store())) + " " + line
	}
	return line
}

func (m *mixedMesh) does(v version, line string) string {
	m.t.Helper()
	return m.with(v).does(m.typed(line))
}

func (m *mixedMesh) until(v version, line string) string {
	m.t.Helper()
	return m.with(v).until(m.typed(line))
}

// items reads a list.
func items[T any](m *mixedMesh, v version, line string) []T {
	m.t.Helper()
	var list struct{ Items []T }
	out := m.does(v, line+" -o json 2>/dev/null")
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		m.t.Fatalf("%s: %v: %s", line, err, out)
	}
	return list.Items
}

// results are those that are stored of an agent.
func (m *mixedMesh) results(v version, agent string) (list []wire.Result) {
	m.t.Helper()
	for line := range strings.Lines(m.does(v, "netmon get results --from 1h --agent "+agent+" -o ndjson 2>/dev/null")) {
		var r wire.Result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			m.t.Fatalf("%q: %v", line, err)
		}
		list = append(list, r)
	}
	return list
}

// spooled is the size of what an agent has written down for delivery.
func (m *mixedMesh) spooled(agent string) (sum int64) {
	m.t.Helper()
	segments, err := filepath.Glob(filepath.Join(m.dir, agent, "spool", "*.segment"))
	if err != nil {
		m.t.Fatal(err)
	}
	for _, path := range segments {
		if info, err := os.Stat(path); err == nil {
			sum += info.Size()
		}
	}
	return sum
}

// flow waits for a fresh result of each agent.
func (m *mixedMesh) flow(v version) {
	m.t.Helper()
	from := time.Now()
	for id := range m.agents {
		m.eventually("a fresh result of "+id, func() bool {
			return slices.ContainsFunc(m.results(v, id), func(r wire.Result) bool { return r.Monitor == "web" && r.Started.After(from) })
		})
	}
}

func (m *mixedMesh) eventually(what string, ok func() bool) {
	m.t.Helper()
	for limit := time.Now().Add(2 * patience); !ok(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(limit) {
			m.t.Fatalf("%s: not within %v", what, 2*patience)
		}
	}
}

// whole waits until all numbers of an agent are stored up to the newest that is stored now, and
// fails where one is there twice, or where the agent has begun to number anew.
func (m *mixedMesh) whole(v version, agent string) {
	m.t.Helper()
	var upTo, next uint64
	m.eventually("results of "+agent+" without a hole", func() bool {
		seen, epochs := map[uint64]bool{}, map[string]bool{}
		for _, r := range m.results(v, agent) {
			if seen[r.Seq] {
				m.t.Fatalf("%s: result %d is stored twice", agent, r.Seq)
			}
			seen[r.Seq], epochs[r.Epoch] = true, true
		}
		if len(epochs) != 1 {
			m.t.Fatalf("%s: results of %d epochs, want the numbers to go on", agent, len(epochs))
		}
		if upTo == 0 {
			upTo = slices.Max(slices.Collect(maps.Keys(seen)))
		}
		for next = 1; seen[next]; {
			next++
		}
		return next > upTo
	})
}

// known is what a mesh must not lose: names of what is saved, identities, and what is wrong.
type known struct {
	Saved    map[string]string // a list's names
	Incident string            // of sick
	Since    time.Time         // it is down
}

// know reads it.
func (m *mixedMesh) know(v version) known {
	m.t.Helper()
	lists := []string{"netmon get monitors -o name"}
	if !m.noAlerts {
		for list := range strings.FieldsSeq("channels rules windows groups silences") {
			lists = append(lists, "netmon get "+list+" -o name")
		}
	}
	if m.secure {
		lists = append(lists, "netmon access ls -o name")
	}
	k := known{Saved: map[string]string{}}
	for _, list := range lists {
		names := strings.Fields(m.does(v, list+" 2>/dev/null"))
		slices.Sort(names)
		k.Saved[list] = strings.Join(names, " ")
	}
	out := m.does(v, "netmon config ls")
	k.Saved["netmon config ls"] = fmt.Sprint("office listed: ", strings.Contains(out, "office"))
	if m.noAlerts {
		return k
	}
	for _, inc := range items[wire.Incident](m, v, "netmon get incidents --all") {
		if slices.ContainsFunc(inc.Members, func(one wire.IncidentMember) bool { return one.Name == "sick" }) {
			k.Incident += inc.ID + " "
		}
	}
	for _, mon := range items[struct {
		Name, State string
		Since       time.Time
	}](m, v, "netmon get monitors") {
		if mon.Name == "sick" {
			k.Since = mon.Since
		}
		if want := map[string]string{"web": "up", "sick": "down"}[mon.Name]; want != "" && mon.State != want {
			m.t.Errorf("%s is %s, want %s", mon.Name, mon.State, want)
		}
	}
	return k
}
