package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/broker/access"
	"netmon/wire"
)

// TestAuthority_ChangesWhileAllStay changes the keys of a mesh of real processes:
// three agents that measure, a person who is away at first, a broker that is killed in the
// middle and afterwards.
func TestAuthority_ChangesWhileAllStay(t *testing.T) {
	t.Parallel()
	m := newSecureMesh(t)
	agents := []*proc{m.agent}
	for _, name := range []string{"oslo", "tokyo"} {
		words := strings.Fields(m.as("netmon token new agent --id " + name + " --label region=eu"))
		a := spawn(t, append(words[1:], "--state", t.TempDir())...)
		a.line("agent " + name + " connected")
		agents = append(agents, a)
	}
	viewer := m.join("vic", wire.RoleViewer)
	folder := access.FolderOf(m.store)
	stolen := filepath.Join(t.TempDir(), "stolen")
	if err := os.CopyFS(stolen, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	m.admin.does("chmod -R go-rwx " + stolen)

	rotate := spawn(t, "access", "authority", "rotate", "--creds", access.AdminFolder(folder))
	rotate.line("the next authority is")
	rotate.line("3 of 4 have it", "not yet: vic (viewer)")
	m.broker.kill()
	m.startBroker()
	if out := m.as("netmon access authority"); !strings.Contains(out, "next ") || !strings.Contains(out, "vic (viewer)") {
		t.Errorf("after the broker was killed: %s", out)
	}
	for end := time.Now().Add(patience); strings.Contains(m.as("netmon access authority"), "vic (viewer)"); {
		if time.Now().After(end) {
			t.Fatal("vic runs commands, and does not have it")
		}
		viewer.until("netmon get agents")
	}
	rotate.line("is the authority, and")
	if code := rotate.wait(); code != 0 {
		t.Errorf("rotate ended with %d", code)
	}
	for _, a := range agents {
		a.line("the mesh changed its authority")
	}

	watch := spawn(t, "watch", "--creds", filepath.Join(viewer.home, "config/netmon/identities/vic"), "-o", "ndjson")
	flow := func() {
		t.Helper()
		n := watch.count()
		for _, name := range []string{"paris", "oslo", "tokyo"} {
			watch.lineAfter(n, `"agent":"`+name+`","monitor":"web"`, `"outcome":"ok"`)
		}
	}
	flow()
	m.as("netmon add tcp " + listener(t) + " --name more --every 100ms --on region=eu")
	watch.line(`"agent":"tokyo","monitor":"more"`)
	if out := m.as("netmon get monitors -o name"); !strings.Contains(out, "web") {
		t.Errorf("monitors: %s", out)
	}
	if out, err := m.admin.sh("NETMON_CREDS=" + access.AdminFolder(stolen) + " netmon access ls"); err == nil {
		t.Errorf("the stolen key lets in: %s", out)
	}
	m.broker.kill()
	m.startBroker()
	flow()
	if out := m.as("netmon access authority"); strings.Contains(out, "next ") || !strings.Contains(out, "before ") {
		t.Errorf("at the end: %s", out)
	}
}
