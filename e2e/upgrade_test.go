package e2e

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"netmon/broker/access"
	"netmon/wire"
)

// TestUpgrade runs the netmon of before and this one beside each other, as real programs on one
// store, the same states of agents and the same settings of a person, in the order of
// docs/upgrading.md and back.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	now := thisVersion(t)
	for _, old := range versionsBefore(t) {
		t.Run(old.name, func(t *testing.T) {
			for name, test := range map[string]func(*testing.T, version, version){
				"open": func(t *testing.T, old, now version) { upgrade(t, old, now, false) },
				"with identities": func(t *testing.T, old, now version) {
					if old.unsigned {
						upgradeUnsigned(t, old, now)
						return
					}
					upgrade(t, old, now, true)
				},
				"backup": upgradeBackup,
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(t, old, now)
				})
			}
		})
	}
}

// upgrade takes a mesh with a past from one version to the next, part by part, then its broker
// back, and forth once more.
func upgrade(t *testing.T, old, now version, secure bool) {
	m := newMixedMesh(t, secure)
	m.noAlerts = old.noAlerts
	m.past(old)
	before := m.know(old)

	// The broker goes away, and the agents measure on. One ends with results that it has not
	// delivered, one is killed with them.
	if secure {
		m.broker.kill()
	} else if code, _ := m.broker.stop(); code != 0 {
		t.Errorf("the broker of before ends with %d", code)
	}
	left := time.Now()
	for id, a := range m.agents {
		from := m.spooled(id)
		m.eventually(id+" measures without a broker", func() bool { return m.spooled(id) > from+1000 })
		if id == "paris" {
			a.stop()
		} else {
			a.kill()
		}
	}

	ended := time.Now()

	m.startBroker(now)
	m.startAgent(old, "tokyo")
	m.startAgent(now, "paris")
	m.compressed()
	for id := range m.agents {
		m.eventually("what "+id+" measured while there was no broker", func() bool {
			return slices.ContainsFunc(m.results(now, id), func(r wire.Result) bool {
				return r.Started.After(left) && r.Started.Before(ended)
			})
		})
	}
	m.same("a new broker, an old and a new agent", now, before)
	m.mixed("old agent, new broker, new console", now, "fresh")
	m.mixed("old agent, new broker, old console", old, "byold")
	m.taps()
	m.unknownKind(now)
	m.newKind(old, now)

	if secure {
		m.startAgent(old, "oslo") // it joins only now
	}

	m.agents["tokyo"].stop()
	m.startAgent(now, "tokyo")
	m.same("all is new, but for the console", old, before)

	m.broker.stop()
	m.startBroker(old)
	if secure {
		m.startAgent(now, "rome")
	}
	m.same("back to the broker of before", now, before)
	m.mixed("new agents, old broker, new console", now, "wrongorder")

	m.broker.kill()
	m.startBroker(now)
	m.same("forth once more", now, before)
	if m.noAlerts {
		return
	}
	m.sick.rise(t)
	resolved := m.hook.of(wire.ReasonResolved, "sick")
	if resolved.Incident.ID != strings.TrimSpace(before.Incident) {
		t.Errorf("resolved is %s, want %s", resolved.Incident.ID, before.Incident)
	}
	opened := 0
	for _, n := range m.hook.all() {
		if n.Reason == wire.ReasonOpened && n.about("sick") != nil {
			opened++
		}
	}
	if opened != 1 {
		t.Errorf("somebody was told %d times that sick is down:%s", opened, notices(m.hook.all()))
	}
}

// upgradeUnsigned: a version whose commands nobody signs and this one refuse each other with a
// word where a mesh has identities. Agents measure on and deliver until they are updated.
func upgradeUnsigned(t *testing.T, old, now version) {
	m := newMixedMesh(t, true)
	m.noAlerts = old.noAlerts
	m.past(old)
	before := m.know(old)
	m.broker.stop()

	m.startBroker(now)
	m.compressed()
	m.broker.line("an agent cannot check who commands it", "update netmon there", "agent=paris")
	m.flow(now)
	creds := "NETMON_CREDS=" + access.AdminFolder(access.FolderOf(m.store())) + " "
	_, err := m.with(now).sh(creds + "netmon add tcp " + m.good + " --name fresh")
	wantError(t, "new console, old agents", err, "its netmon cannot check who commands it: update it there; it keeps measuring")
	_, err = m.with(old).sh(creds + "netmon add tcp " + m.good + " --name byold")
	wantError(t, "old console, new broker", err, "it is not signed, and this mesh requires signatures: use netmon, as new as the broker's")

	for id, a := range m.agents {
		a.stop()
		m.startAgent(now, id)
	}
	m.same("all is new", now, before)
	m.mixed("all is new", now, "fresh2")
	m.broker.stop()
	back := spawnProgram(t, old.bin(), "broker", "--listen", m.addr, "--store", m.store())
	if code := back.wait(); code == 0 {
		t.Error("the broker of before runs on the identities of this one")
	}
	back.line("identities.json")
	m.startBroker(now)
	m.same("after the broker of before was refused", now, before)
}

func wantError(t *testing.T, when string, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("%s: %v, want %q", when, err, words)
	}
}

// upgradeBackup restores what the other version has backed up: forward, and back.
func upgradeBackup(t *testing.T, old, now version) {
	if old.noAlerts {
		t.Skip("it has no backup")
	}
	m := newMixedMesh(t, true)
	m.past(old)
	before := m.know(old)
	for i, step := range []struct{ from, to version }{{old, now}, {now, old}} {
		m.does(step.from, fmt.Sprintf("netmon backup %s/backup%d --store %s", m.dir, i, m.store()))
		m.broker.kill()
		if err := os.Rename(m.store(), fmt.Sprintf("%s/lost%d", m.dir, i)); err != nil {
			t.Fatal(err)
		}
		m.with(step.to).does(fmt.Sprintf("netmon restore %s/backup%d --store %s", m.dir, i, m.store()))
		m.startBroker(step.to)
		m.flow(step.to)
		got := m.know(step.to)
		if !reflect.DeepEqual(got, before) {
			t.Errorf("backed up by %s, restored by %s: known is %+v, want %+v", step.from.name, step.to.name, got, before)
		}
	}
}

// past gives the mesh what it has after a while: saved monitors and alerts, a configuration, an
// incident that somebody was told of, and results of two agents.
func (m *mixedMesh) past(v version) {
	m.t.Helper()
	m.startBroker(v)
	m.does(v, "netmon context add here --broker "+m.url())
	for _, id := range []string{"paris", "tokyo"} {
		m.startAgent(v, id)
	}
	files := " -f " + m.dir + "/mesh.yaml"
	if !m.noAlerts {
		files += " -f " + m.dir + "/alerts.yaml"
	}
	m.does(v, "netmon apply"+files)
	m.does(v, "netmon config save office")
	if m.noAlerts {
		m.until(v, "netmon get monitors | grep 'sick *down'")
	} else {
		m.does(v, "netmon silence web --for 1d -m upgrade")
		m.hook.of(wire.ReasonOpened, "sick")
	}
	m.flow(v)
}

// compressed waits for what a broker does once to a store whose results are not compressed yet.
func (m *mixedMesh) compressed() {
	m.t.Helper()
	if m.noAlerts {
		m.broker.line("restarting the broker once: results are compressed from now on")
		m.broker.lineAfter(m.broker.count(), "this controller leads")
	}
}

// same fails where something that was known is lost or another one, or results are.
func (m *mixedMesh) same(when string, v version, before known) {
	m.t.Helper()
	m.flow(v)
	got := m.know(v)
	for list, names := range before.Saved {
		if !containsAll(strings.Fields(got.Saved[list]), strings.Fields(names)) {
			m.t.Errorf("%s: %s says %q, want %q", when, list, got.Saved[list], names)
		}
	}
	got.Saved = before.Saved
	if !reflect.DeepEqual(got, before) {
		m.t.Errorf("%s: known is %+v, want %+v", when, got, before)
	}
	for id := range m.agents {
		m.whole(v, id)
	}
}

func containsAll(have, want []string) bool {
	all := map[string]bool{}
	for _, w := range have {
		all[w] = true
	}
	for _, w := range want {
		if !all[w] {
			return false
		}
	}
	return true
}
