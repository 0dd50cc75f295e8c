package e2e

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// mixed changes the mesh by a console of a version: what it saves is confirmed by every agent,
// measured, and gone when it is deleted.
func (m *mixedMesh) mixed(when string, console version, name string) {
	m.t.Helper()
	out := m.until(console, "netmon add tcp "+m.good+" --name "+name+" --every 100ms")
	for id := range m.agents {
		if !strings.Contains(out, fmt.Sprintf("%-12s %s running", id, name)) {
			m.t.Errorf("%s: %s does not confirm what was added:\n%s", when, id, out)
		}
		m.until(console, "netmon get results "+name+" --agent "+id+" -o ndjson | grep ok")
	}
	if out = m.does(console, "netmon delete "+name); !strings.Contains(out, "stopped") {
		m.t.Errorf("%s: delete says\n%s", when, out)
	}
}

// taps reads and commands an agent with nothing but NATS, as anybody may where nobody is asked.
func (m *mixedMesh) taps() {
	m.t.Helper()
	if m.secure {
		return
	}
	nc, err := nats.Connect(m.url())
	if err != nil {
		m.t.Fatal(err)
	}
	defer nc.Close()
	for id := range m.agents {
		sub, err := nc.SubscribeSync("results." + id + ".web")
		if err != nil {
			m.t.Fatal(err)
		}
		msg, err := sub.NextMsg(patience)
		if err != nil {
			m.t.Fatalf("no result of %s: %v", id, err)
		}
		var r wire.Result
		if err := json.Unmarshal(msg.Data, &r); err != nil || r.Agent != id || r.Outcome != wire.OK {
			m.t.Errorf("tapped %s: %v", msg.Data, err)
		}
		answer, err := nc.Request("agent."+id+".cmd", fmt.Appendf(nil, `{"op":"list"}`), patience)
		if err != nil {
			m.t.Fatalf("list of %s: %v", id, err)
		}
		var list wire.Reply
		if err := json.Unmarshal(answer.Data, &list); err != nil || !list.OK || len(list.Monitors) < 2 {
			m.t.Errorf("list of %s: %s", id, answer.Data)
		}
	}
}

// unknownKind saves what a console of a later version saves: a kind that no agent here has. They
// say so, the state is unknown, and all else goes on.
func (m *mixedMesh) unknownKind(now version) {
	m.t.Helper()
	if m.secure {
		return // it would have to be signed
	}
	nc, err := nats.Connect(m.url())
	if err != nil {
		m.t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		m.t.Fatal(err)
	}
	bucket, err := js.KeyValue(m.t.Context(), wire.MonitorsBucket)
	if err != nil {
		m.t.Fatal(err)
	}
	web, err := bucket.Get(m.t.Context(), "web")
	if err != nil {
		m.t.Fatal(err)
	}
	later := strings.NewReplacer(`"web"`, `"disk"`, `"tcp"`, `"later"`, m.good, "/a/later/target", `"every"`, `"later":{"a":1},"every"`).Replace(string(web.Value()))
	if _, err := bucket.Put(m.t.Context(), "disk", []byte(later)); err != nil {
		m.t.Fatal(err)
	}
	for id := range m.agents {
		m.until(now, `netmon get monitors 2>&1 | grep 'disk on `+id+`: the agent cannot run it: .*unknown kind "later"'`)
	}
	m.until(now, "netmon get monitors | grep 'disk *unknown'")
	m.flow(now)
	m.does(now, "netmon delete disk")
}

// newKind saves a monitor of a kind that this version has and the one of before has not: agents
// of before say so, and consoles of before show it.
func (m *mixedMesh) newKind(old, now version) {
	m.t.Helper()
	has := func(v version) bool { return strings.Contains(m.does(v, "netmon probe --help"), "exec") }
	if has(old) || !has(now) {
		return
	}
	_, err := m.with(now).sh(m.typed("netmon add exec /bin/true --name plug"))
	wantError(m.t, "a new kind on an old agent", err, `plug refused: monitors[0].kind: unknown kind "exec"`)
	if out := m.does(old, "netmon get monitors -o name"); !strings.Contains(out, "plug") {
		m.t.Errorf("an old console does not list a monitor of a kind that it does not know: %s", out)
	}
	m.flow(now)
	m.does(now, "netmon delete plug")
}
