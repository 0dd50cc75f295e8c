package e2e

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"netmon/wire"
)

// The monitors of the cities: one for each fault, and many, so that a cut line is
// many that fail at once.
func cityMonitors() string {
	var b strings.Builder
	b.WriteString(`monitors:
- {name: web, kind: http, target: "http://10.77.1.11/", every: 2s, timeout: 1s, options: {expect: {status: "200"}}}
- {name: shop, kind: https, target: "https://10.77.1.11/", every: 2s, timeout: 1s}
- {name: named, kind: http, target: "http://web.lab.example/", every: 2s, timeout: 1s, options: {resolver: 10.77.1.11}}
- {name: db, kind: tcp, target: "10.77.1.12:80", every: 2s, timeout: 1s}
- {name: mail, kind: tcp, target: "10.77.1.13:80", every: 2s, timeout: 1s}
`)
	for i := range 50 {
		fmt.Fprintf(&b, "- {name: m%02d, kind: tcp, target: \"10.77.1.%d:80\", every: 2s, timeout: 1s}\n", i, 11+i%4)
	}
	return b.String()
}

// faultClass is one kind of fault, produced for real, and whose it is.
type faultClass struct {
	name  string
	what  string // is done
	class wire.BlameClass
	names []string // that the blame has to name
	sure  bool
	do    func(c *cities)
	undo  func(c *cities)
	// found says whether the verdict is there, and gives it in words. It is asked again
	// and again.
	found func(c *cities) (blame *wire.Blame, said string, ok bool)
	// may are the monitors whose state may change by it; all others must keep theirs.
	may []string
}

// monitorIs waits for a monitor to be in a state, and for so many agents to find it bad.
func monitorIs(name string, state wire.VerdictState, down int) func(*cities) (*wire.Blame, string, bool) {
	return func(c *cities) (*wire.Blame, string, bool) {
		v := c.verdicts.of[name]
		return v.Blame, fmt.Sprintf("%s is %s: %s", name, v.State, v.Why), v.State == state && v.Blame != nil && len(v.Quorum.Down) == down
	}
}

// agentIs waits for an agent to have such a status.
func agentIs(id string, status wire.AgentStatus) func(*cities) (*wire.Blame, string, bool) {
	return func(c *cities) (*wire.Blame, string, bool) {
		v := c.verdicts.agents[id]
		return v.Blame, v.Why, v.Status == status && v.Blame != nil
	}
}

func faultClasses() []faultClass {
	mend := func(c *cities) { c.mend() }
	return []faultClass{
		{name: "target", what: "the web server answers 503", class: wire.BlameTarget, sure: true, may: []string{"web", "named", "shop"},
			do: func(c *cities) { c.status.Store(503) }, undo: func(c *cities) { c.status.Store(200) }, found: monitorIs("web", wire.VerdictDown, 3)},
		{name: "dns", what: "the name server answers SERVFAIL", class: wire.BlameDNS, sure: true, may: []string{"named"},
			do: func(c *cities) { c.names.Store(dns.RcodeServerFailure) }, undo: func(c *cities) { c.names.Store(0) }, found: monitorIs("named", wire.VerdictDown, 3)},
		{name: "tls", what: "the web server's certificate is an expired one", class: wire.BlameTLS, sure: true, may: []string{"shop"},
			do: func(c *cities) { c.expired.Store(true) }, undo: func(c *cities) { c.expired.Store(false) }, found: monitorIs("shop", wire.VerdictDown, 3)},
		{name: "path", what: "packets from rome to one host vanish", class: wire.BlamePath, names: []string{"rome"}, sure: true, may: hostMonitors(12, "db"),
			do: func(c *cities) { c.drop("rome", "10.77.1.12") }, undo: mend, found: monitorIs("db", wire.VerdictDegraded, 1)},
		{name: "region", what: "packets from paris and rome to one host vanish", class: wire.BlameRegion, names: []string{"region=eu"}, sure: true, may: hostMonitors(13, "mail"),
			do: func(c *cities) { c.drop("paris", "10.77.1.13"); c.drop("rome", "10.77.1.13") }, undo: mend, found: monitorIs("mail", wire.VerdictDown, 2)},
		{name: "uplink", what: "all that rome sends to targets vanishes", class: wire.BlameUplink, names: []string{"rome"}, sure: true,
			do: func(c *cities) { c.dropAll("rome") }, undo: mend, found: agentIs("rome", wire.AgentAside)},
		{name: "broker", what: "all agents' lines to the broker are cut", class: wire.BlameBroker,
			do: func(c *cities) {
				for _, a := range agentsOfCities {
					c.cut(a.id)
				}
			}, undo: mend, found: func(c *cities) (*wire.Blame, string, bool) {
				if !c.verdicts.mesh.Frozen {
					return nil, "", false
				}
				return &wire.Blame{Class: wire.BlameBroker}, c.verdicts.mesh.Why, true
			}},
	}
}

// hostMonitors are those of one target, and more.
func hostMonitors(host int, more ...string) []string {
	for i := range 50 {
		if 11+i%4 == host {
			more = append(more, fmt.Sprintf("m%02d", i))
		}
	}
	return more
}

// TestBlame produces each kind of fault for real, in a mesh of three agents over
// network namespaces, and compares what netmon says with docs/verdicts.md.
func TestBlame(t *testing.T) {
	t.Parallel() // it waits, most of the time
	c := newCities(t, cityMonitors())
	c.allUp()
	var rows strings.Builder
	rows.WriteString("| what happens | whose fault | after | what is said |\n|---|---|---|---|\n")
	for _, f := range faultClasses() {
		rows.WriteString(c.produce(f))
	}
	t.Log("\n" + rows.String())
	shownAs(t, "../docs/verdicts.md", "faults", rows.String())
}

// shownAs compares a part of a document, between <!-- NAME --> and <!-- /NAME -->, with
// what was found, but for figures.
func shownAs(t *testing.T, path, name, found string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
	before, rest, ok1 := strings.Cut(string(data), begin)
	shown, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("%s lacks the markers %q and %q", path, begin, end)
	}
	figures := regexp.MustCompile(`\d+(\.\d+)?`)
	if figures.ReplaceAllString(shown, "#") == figures.ReplaceAllString(found, "#") {
		return
	}
	if !*update {
		t.Errorf("%s shows\n%s\nrewrite it with go test ./e2e -run TestBlame$ -update", path, shown)
		return
	}
	if err := os.WriteFile(path, []byte(before+begin+found+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// allUp waits until everything is up, and every agent counts.
func (c *cities) allUp() {
	c.Helper()
	want := strings.Count(cityMonitors(), "{name:")
	c.verdicts.await("all is up", 2*patience, func() bool {
		n := 0
		for _, v := range c.verdicts.of {
			if v.State == wire.VerdictUp && len(v.Quorum.Up) == len(agentsOfCities) {
				n++
			}
		}
		for _, a := range c.verdicts.agents {
			if a.Status != wire.AgentAble {
				return false
			}
		}
		return n == want && !c.verdicts.mesh.Frozen
	})
}

// produce makes a fault, waits for what netmon says of it, and mends it.
func (c *cities) produce(f faultClass) string {
	c.Helper()
	c.verdicts.recount()
	begin := time.Now()
	f.do(c)
	var blame *wire.Blame
	var said string
	var took time.Duration // until it is named, though not by all yet
	c.verdicts.await(f.what, 2*patience, func() (ok bool) {
		blame, said, ok = f.found(c)
		if took == 0 && blame != nil && blame.Class == f.class {
			took = time.Since(begin)
		}
		return ok && blame.Class == f.class
	})
	if blame.Sure != f.sure && f.class != wire.BlameBroker {
		c.Errorf("%s: sure is %t, want %t: %s", f.what, blame.Sure, f.sure, said)
	}
	for _, name := range f.names {
		if !strings.Contains(strings.Join(blame.Names, " "), name) {
			c.Errorf("%s: the blame names %q, want %s", f.what, blame.Names, name)
		}
	}
	f.undo(c)
	c.allUp()
	may := map[string]bool{}
	for _, name := range f.may {
		may[name] = true
	}
	if others := c.verdicts.changed(may); len(others) > 0 {
		c.Errorf("%s: others changed their state, so many times: %v", f.what, others)
	}
	return fmt.Sprintf("| %s | `%s` | %.1f s | %s |\n", f.what, blame.Class, took.Seconds(), said)
}

// TestBlame_FewEyes cuts two of three uplinks, and then the target dies.
func TestBlame_FewEyes(t *testing.T) {
	t.Parallel()
	c := newCities(t, cityMonitors())
	c.allUp()
	c.verdicts.recount()
	c.dropAll("rome")
	c.verdicts.await("rome is set aside", patience, func() bool { return c.verdicts.agents["rome"].Status == wire.AgentAside })
	c.dropAll("paris")
	c.verdicts.await("paris is set aside", patience, func() bool { return c.verdicts.agents["paris"].Status == wire.AgentAside })
	c.verdicts.await("web is up, seen from one", patience, func() bool {
		v := c.verdicts.of["web"]
		return v.State == wire.VerdictUp && strings.Contains(v.Why, "1 of 3")
	})
	if changed := c.verdicts.changed(nil); len(changed) > 0 {
		t.Errorf("changed their state: %v", changed)
	}
	c.status.Store(503)
	c.verdicts.await("web is down, and not surely", patience, func() bool {
		v := c.verdicts.of["web"]
		return v.State == wire.VerdictDown && v.Blame != nil && !v.Blame.Sure
	})
}
