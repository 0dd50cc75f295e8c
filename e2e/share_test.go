package e2e

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/identity"
	"netmon/wire"
)

// TestAccess_StolenKeyFloods floods with the key of an agent that continues
// measuring. Both are shut out. Let in again, the agent delivers all that it
// measured meanwhile.
func TestAccess_StolenKeyFloods(t *testing.T) {
	// So much that what is measured outlasts the flood: docs/security.md.
	m := newSecureMeshWith(t, "--results-size", "1GiB")
	watch := spawn(t, "watch", "web", "--creds", filepath.Join(m.join("vic", wire.RoleViewer).home, "config/netmon/identities/vic"), "-o", "ndjson")
	const result = `"agent":"paris","monitor":"web"`
	watch.line(result, `"outcome":"ok"`)

	stolen := filepath.Join(m.agentState, "identity")
	id, err := identity.Load(stolen)
	if err != nil {
		t.Fatal(err)
	}
	o, err := id.Options(stolen)
	if err != nil {
		t.Fatal(err)
	}
	thief, err := nats.Connect(id.URL, append(o, nats.NoReconnect())...)
	if err != nil {
		t.Fatal(err)
	}
	for data := make([]byte, 48<<10); thief.Publish("results.paris.flood", data) == nil; {
	}
	m.agent.line("does not let this agent in", "netmon access ls", "A suspension ends by itself")
	m.broker.line("suspended an agent above its share", "agent=paris")
	if out := m.as("netmon access ls"); !strings.Contains(out, "suspended") {
		t.Errorf("access ls: %s", out)
	}
	if out := m.as("netmon audit"); !strings.Contains(out, "suspend") || !strings.Contains(out, "the broker") {
		t.Errorf("audit: %s", out)
	}
	n := m.agent.count()
	m.as("netmon access resume paris")
	m.agent.lineWithin(5*time.Minute, n, "connected to the broker") // it tries ever more seldom
	for range 20 {
		watch.lineAfter(watch.count(), result)
	}
	var last uint64
	for _, line := range watch.all() {
		var r wire.Result
		if !strings.Contains(line, result) || json.Unmarshal([]byte(line), &r) != nil {
			continue
		}
		if last != 0 && r.Seq != last+1 || r.Dropped != 0 {
			t.Errorf("after result %d came %d; %d were dropped", last, r.Seq, r.Dropped)
		}
		last = r.Seq
	}
}
