package e2e

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestBackup_AnotherStore takes a backup from a running broker, loses that, and
// continues from the backup: the agent comes back by its key, and measures what was
// saved; who was shut out stays so; what was saved after the backup is not there, and
// runs on until a person decides.
func TestBackup_AnotherStore(t *testing.T) {
	t.Parallel()
	m := newSecureMesh(t)
	viewer, gone := m.join("vic", "viewer"), m.join("gus", "operator")
	creds := filepath.Join(viewer.home, "config/netmon/identities/vic")
	watch := spawn(t, "watch", "--creds", creds, "-o", "ndjson")
	const result = `"agent":"paris","monitor":"web"`
	watch.line(result, `"outcome":"ok"`)
	m.as("netmon config save office")
	m.as("netmon access revoke gus")

	dir := filepath.Join(t.TempDir(), "backup")
	out := m.admin.does("netmon backup " + dir + " --store " + m.store)
	if !strings.Contains(out, "9 streams") || !strings.Contains(out, "4 identities") {
		t.Errorf("backup says %q", out)
	}
	if sums, err := exec.LookPath("sha256sum"); err == nil {
		m.admin.does("cd " + dir + " && " + sums + " --quiet -c SHA256SUMS")
	}
	m.as("netmon add tcp " + listener(t) + " --name late --every 100ms")
	watch.line(`"agent":"paris","monitor":"late"`)

	if _, err := m.admin.sh("netmon restore " + dir + " --store " + m.store); err == nil || !strings.Contains(err.Error(), "keys of a mesh") {
		t.Errorf("restore into the store of a broker that runs: %v", err)
	}
	m.broker.kill()
	m.store = filepath.Join(t.TempDir(), "store")
	m.admin.does("netmon restore " + dir + " --store " + m.store)
	n := watch.count()
	m.startBroker()
	watch.lineAfter(n, result)
	m.agent.line("agent paris connected")
	viewer.until("netmon get agents -o name | grep -x paris")
	m.admin.until("NETMON_CREDS=" + m.store + "/access/admin netmon get monitors -o name | grep -x web")
	if out := m.as("netmon config ls"); !strings.Contains(out, "office") {
		t.Errorf("saved configurations: %s", out)
	}
	if out, err := gone.sh("netmon get monitors"); err == nil {
		t.Errorf("who was shut out reads: %s", out)
	}
	if out := m.as("netmon get monitors -o name"); strings.Contains(out, "late") {
		t.Errorf("what was saved after the backup is there: %s", out)
	}
	m.as("netmon add tcp " + listener(t) + " --name fresh --every 100ms")
	watch.lineAfter(n, `"agent":"paris","monitor":"fresh"`, `"outcome":"ok"`)
	m.admin.until("NETMON_CREDS=" + m.store + "/access/admin netmon recover late 2>&1 | grep 'save 1 monitor'")
	watch.lineAfter(watch.count(), `"agent":"paris","monitor":"late"`)
	if out := m.as("netmon recover late --discard --yes"); !strings.Contains(out, "late stopped") {
		t.Errorf("recover --discard: %s", out)
	}
	stopped := func() bool {
		n := watch.count()
		for range 5 {
			watch.lineAfter(watch.count(), result)
		}
		return !slices.ContainsFunc(watch.all()[n:], func(line string) bool { return strings.Contains(line, `"monitor":"late"`) })
	}
	for end := time.Now().Add(patience); !stopped(); {
		if time.Now().After(end) {
			t.Fatal("what was discarded runs on")
		}
	}
}

func TestBackup_NoBroker(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "backup")
	out := netmonDo(t, 3, "backup", dir, "--store", t.TempDir(), "--broker", "nats://"+freeAddr(t))
	if !strings.Contains(out, "is `netmon up` or `netmon broker` running there?") {
		t.Errorf("it says %q", out)
	}
}
