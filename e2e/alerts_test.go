package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

// flaky is a TCP target that can be dead for a while.
type flaky struct {
	addr string
	l    net.Listener
}

func newFlaky(t testing.TB, host string) *flaky {
	t.Helper()
	f := &flaky{addr: net.JoinHostPort(host, "0")}
	f.rise(t)
	f.addr = f.l.Addr().String()
	t.Cleanup(func() { f.l.Close() })
	return f
}

func (f *flaky) die() { f.l.Close() }

func (f *flaky) rise(t testing.TB) {
	t.Helper()
	l, err := net.Listen("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	f.l = l
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
}

// TestAlerts_Up: a file of one monitor, one webhook and one mail channel is all it
// takes to hear of a killed target and of its return.
func TestAlerts_Up(t *testing.T) {
	t.Parallel()
	hook, mail, target := newReceiver(t), newMailbox(t), newFlaky(t, "127.0.0.1")
	file := filepath.Join(t.TempDir(), "shop.yaml")
	text := fmt.Sprintf(`channels:
  - {name: hook, kind: webhook, url: %q}
  - {name: ops-mail, kind: mail, to: ops@example.org, from: netmon@example.org, server: %q, tls: none}
rules:
  - {name: rest, to: [hook, ops-mail], wait: 1s}
monitors:
  - {name: web, kind: tcp, target: %q, every: 500ms, tags: {team: shop}}
`, hook.url, mail.addr, target.addr)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	up := spawn(t, "up", "--results", "--listen", addr, "--store", t.TempDir(), "--state", t.TempDir(), "--id", "home", file)
	up.line("home web", "ok")
	target.die()
	opened := hook.of(wire.ReasonOpened, "web")
	for _, word := range []string{"web is down", "refused", "target"} {
		if !strings.Contains(opened.Title+opened.Text, word) {
			t.Errorf("no %q in %q: %q", word, opened.Title, opened.Text)
		}
	}
	if opened.Incident.Severity != wire.SeverityDown || opened.Incident.State != wire.IncidentOpen || opened.N != 1 {
		t.Errorf("opened: %+v", opened)
	}
	first := mail.with(t, "Subject:", "web is down")
	url := "nats://" + addr
	list := netmonDo(t, 0, "get", "incidents", "--broker", url)
	if !hasAll(list, []string{"web is down", "down"}) {
		t.Errorf("get incidents: %s", list)
	}
	netmonDo(t, 0, "ack", opened.Incident.ID, "-m", "looking", "--broker", url)
	if acked := hook.of(wire.ReasonAcknowledged, "web"); acked.Incident.Ack == nil || acked.Incident.Ack.Text != "looking" {
		t.Errorf("acknowledged: %+v", acked.Incident)
	}
	target.rise(t)
	resolved := hook.of(wire.ReasonResolved, "web")
	if resolved.Incident.ID != opened.Incident.ID || resolved.Incident.State != wire.IncidentResolved {
		t.Errorf("resolved: %+v", resolved.Incident)
	}
	last := mail.with(t, "Subject:", "In-Reply-To:", "web", "resolved")
	if id := header(first, "Message-ID"); id == "" || !strings.Contains(header(last, "References")+header(last, "In-Reply-To"), id) {
		t.Errorf("mail %q does not refer to %q", last, first)
	}
	said := netmonDo(t, 0, "incident", opened.Incident.ID, "--broker", url)
	for _, word := range []string{"opened", "acknowledged", "looking", "notified", "hook", "ops-mail", "resolved"} {
		if !strings.Contains(said, word) {
			t.Errorf("no %q in the incident:\n%s", word, said)
		}
	}
	if out := netmonDo(t, 0, "notify", "ls", "--broker", url); !hasAll(out, []string{"hook", "ops-mail", "ready"}) {
		t.Errorf("notify ls: %s", out)
	}
	if out := netmonDo(t, 0, "notify", "test", "hook", "--broker", url); !hasAll(out, []string{"200"}) {
		t.Errorf("notify test: %s", out)
	}
	if code, _ := up.stop(); code != 0 {
		t.Errorf("up ended with %d", code)
	}
}

// header is a field of a mail's head, unfolded.
func header(mail, name string) string {
	head, _, _ := strings.Cut(mail, "\n\n")
	head = strings.NewReplacer("\r", "", "\n ", " ", "\n\t", " ").Replace(head)
	for line := range strings.SplitSeq(head, "\n") {
		if key, value, ok := strings.Cut(line, ": "); ok && strings.EqualFold(key, name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// TestAlerts_Storm: 1,000 monitors that depend on one gateway are sent in at most two
// messages, which name them all.
func TestAlerts_Storm(t *testing.T) {
	t.Parallel()
	const monitors = 1000
	hook, gateway, target := newReceiver(t), newFlaky(t, "127.0.0.1"), newFlaky(t, "127.0.0.2")
	var file strings.Builder
	fmt.Fprintf(&file, "channels:\n  - {name: hook, kind: webhook, url: %q}\nmonitors:\n  - {name: gateway, kind: tcp, target: %q, every: 1s}\n", hook.url, gateway.addr)
	for i := range monitors {
		fmt.Fprintf(&file, "  - {name: m%04d, kind: tcp, target: %q, every: 5s, timeout: 2s, depends_on: [gateway]}\n", i, target.addr)
	}
	path := filepath.Join(t.TempDir(), "storm.yaml")
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	up := spawn(t, "up", "--results", "--listen", addr, "--store", t.TempDir(), "--state", t.TempDir(), "--id", "home", path)
	url := "nats://" + addr
	for _, last := range []string{"gateway", "m0999", "m0000"} {
		up.line("home "+last, "ok")
	}
	netmonDo(t, 0, "wait", "m0999", "--broker", url)
	gateway.die()
	target.die()
	opened := hook.of(wire.ReasonOpened, "gateway")
	gone := time.Now()
	hook.await("all are told", 3*patience, func(all []notice) bool {
		n := all[len(all)-1]
		return len(n.Incident.Members)+n.Incident.More == monitors+1
	})
	if all := hook.all(); len(all) > 2 {
		t.Errorf("%d messages, want at most 2: %s", len(all), notices(all))
	}
	gateway.rise(t)
	target.rise(t)
	resolved := hook.of(wire.ReasonResolved, "gateway")
	if resolved.Incident.ID != opened.Incident.ID {
		t.Errorf("another incident was resolved: %s and %s", resolved.Incident.ID, opened.Incident.ID)
	}
	t.Logf("%d messages: %s; %v from the first one to the end", len(hook.all()), notices(hook.all()), time.Since(gone))
	up.stop()
}
