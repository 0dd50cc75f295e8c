package e2e

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/internal/need"
	"netmon/internal/targets"
	"netmon/internal/testcert"
)

// observed is a monitor and, where blackbox_exporter can measure the same, as what.
type observed struct {
	name, kind, target, more string // more is the rest of the monitor in its file
	module                   string // of blackbox_exporter; "" is none
	at                       string // its target there, where that is another
}

// toolMesh is a mesh of three agents with targets of every kind, good and bad, and a place
// for its exporter.
type toolMesh struct {
	t        testing.TB
	url      string // of the broker
	addr     string // of the exporter
	trust    string // a file of authorities that all of them trust
	agents   map[string]*proc
	monitors []observed
	away     *flaky // refuses connections
	hook     *receiver
}

// find is the monitor of this name.
func (m *toolMesh) find(name string) observed {
	for _, o := range m.monitors {
		if o.name == name {
			return o
		}
	}
	m.t.Fatalf("no monitor %q", name)
	return observed{}
}

// newToolMesh starts it all but the exporter.
func newToolMesh(t testing.TB) *toolMesh {
	t.Helper()
	m := &toolMesh{t: t, addr: freeAddr(t), agents: map[string]*proc{}, hook: newReceiver(t)}
	m.serve()
	broker, dir := freeAddr(t), t.TempDir()
	m.url = "nats://" + broker
	policy := filepath.Join(dir, "notifier.yaml")
	write(t, policy, "targets: {reopen: [loopback]}\n")
	spawn(t, "broker", "--listen", broker, "--store", filepath.Join(dir, "broker"), "--notify-policy", policy).line("broker ready on", m.url)
	for _, id := range []string{"oregon", "paris", "tokyo"} {
		m.agents[id] = m.trusting("agent", "--broker", m.url, "--id", id, "--state", filepath.Join(dir, id))
		m.agents[id].line("agent", id, "connected to", m.url)
	}
	var file strings.Builder
	fmt.Fprintf(&file, "channels:\n- {name: hook, kind: webhook, url: %q}\nrules:\n- {name: rest, to: [hook], wait: 1s}\nmonitors:\n", m.hook.url)
	for _, o := range m.monitors {
		fmt.Fprintf(&file, "- {name: %s, kind: %s, target: %q, every: 500ms, timeout: 5s%s}\n", o.name, o.kind, o.target, o.more)
	}
	path := filepath.Join(dir, "monitors.yaml")
	write(t, path, strings.ReplaceAll(file.String(), "every: 500ms, timeout: 5s, every", "timeout: 3s, every"))
	netmonDo(t, 0, "apply", "-f", path, "--broker", m.url)
	return m
}

// export starts the exporter.
func (m *toolMesh) export() {
	m.t.Helper()
	spawn(m.t, "export", "--broker", m.url, "--listen", m.addr)
	ready(m.t, "http://"+m.addr+"/-/ready")
}

// trusting starts netmon so that it trusts the servers' authority.
func (m *toolMesh) trusting(args ...string) *proc {
	m.t.Helper()
	bin, err := netmon()
	if err != nil {
		m.t.Fatal(err)
	}
	return spawnProgram(m.t, "env", append([]string{"SSL_CERT_FILE=" + m.trust, bin}, args...)...)
}

// serve starts the targets, and says what is to be measured of them.
func (m *toolMesh) serve() {
	t := m.t
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ca := testcert.New(t, "tools authority", -1, 400, nil, testcert.CA)
	m.trust = filepath.Join(t.TempDir(), "roots.pem")
	must(os.WriteFile(m.trust, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw}), 0o600))
	chain := func(days int) *tls.Config {
		return testcert.Chain(testcert.New(t, "tools", -1, days, ca, testcert.Server), ca)
	}
	changed := time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)
	page := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			http.Redirect(w, r, "/shop", http.StatusFound)
		case "/shop":
			w.Header().Set("Last-Modified", changed)
			fmt.Fprintln(w, "open for business")
		case "/gone":
			http.Error(w, "gone", http.StatusServiceUnavailable)
		case "/slow":
			time.Sleep(1500 * time.Millisecond) // which is what it is for
			fmt.Fprintln(w, "at length")
		}
	}
	http1, https, soon := serveHTTP(t, page, nil), serveHTTP(t, page, chain(90)), serveHTTP(t, page, chain(10))
	m.away = newFlaky(t, "127.0.0.1")
	m.away.die()
	db := newFlaky(t, "127.0.0.1")
	names, err := targets.ServeDNS("127.0.0.1:0")
	must(err)
	clock, err := targets.ServeNTP("127.0.0.1:0", targets.HealthyNTP())
	must(err)
	lossy, err := targets.UDPLossy("127.0.0.1:0", 4)
	must(err)
	t.Cleanup(func() { names.Close(); clock.Close(); lossy.Close() })
	shop := ", tags: {team: shop}"
	m.monitors = []observed{
		{"web", "http", "http://" + http1 + "/", shop, "http_2xx", ""},
		{"gone", "http", "http://" + http1 + "/gone", "", "http_2xx", ""},
		{"slow", "http", "http://" + http1 + "/slow", "", "http_2xx", ""},
		{"secure", "https", "https://" + https + "/shop", shop, "http_2xx", ""},
		{"soon", "https", "https://" + soon + "/shop", "", "http_2xx", ""},
		{"db", "tcp", db.addr, shop, "tcp_connect", ""},
		{"away", "tcp", m.away.addr, "", "tcp_connect", ""},
		{"handshake", "tls", https, "", "tcp_tls", ""},
		{"names", "dns", "shop.example@" + names.Addr, shop, "dns_shop", names.Addr},
		{"clock", "ntp", clock.Addr, ", every: 4s", "", ""},
		{"lossy", "udp", lossy.Addr, ", every: 2s, options: {count: 4, interval: 50ms, wait: 200ms, expect: {loss: 0.5}}", "", ""},
		{"blind", "tcp", db.addr, ", options: {source: 192.0.2.99}", "", ""},
		{"later", "tcp", db.addr, ", paused: true", "", ""},
	}
	if os.Geteuid() == 0 { // who may send echo requests
		m.monitors = append(m.monitors, observed{"ping", "icmp", "127.0.0.1", shop, "icmp", ""})
	}
}

// serveHTTP serves pages on loopback, and returns the address.
func serveHTTP(t testing.TB, page http.HandlerFunc, secure *tls.Config) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: page, TLSConfig: secure}
	t.Cleanup(func() { s.Close() })
	if secure != nil {
		go s.ServeTLS(l, "", "")
	} else {
		go s.Serve(l)
	}
	return l.Addr().String()
}

// startBlackbox starts Debian's blackbox_exporter, and returns its address.
func (m *toolMesh) startBlackbox() string {
	t := m.t
	t.Helper()
	config, addr := filepath.Join(t.TempDir(), "blackbox.yml"), freeAddr(t)
	write(t, config, `modules:
  http_2xx: {prober: http}
  tcp_connect: {prober: tcp}
  tcp_tls: {prober: tcp, tcp: {tls: true}}
  icmp: {prober: icmp}
  dns_shop: {prober: dns, dns: {query_name: shop.example, query_type: A}}
`)
	spawnProgram(t, "env", "SSL_CERT_FILE="+m.trust, need.Tool(t, "prometheus-blackbox-exporter", "prometheus-blackbox-exporter"), "--config.file="+config, "--web.listen-address="+addr)
	ready(t, "http://"+addr+"/-/healthy")
	return addr
}

// config is the configuration of packaging/prometheus, with the addresses of this mesh and
// a scrape each second, in a folder with the rules beside it. blackbox, where not "", is an
// exporter that measures the same monitors, as the job real.
func (m *toolMesh) config(alertmanager, blackbox string) string {
	t := m.t
	t.Helper()
	dir := t.TempDir()
	read := func(path string) string {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	write(t, filepath.Join(dir, "netmon.rules.yml"), read("../packaging/prometheus/netmon.rules.yml"))
	write(t, filepath.Join(dir, "blackbox.rules.yml"), read("testdata/blackbox.rules.yml"))
	text := strings.NewReplacer("127.0.0.1:9119", m.addr, "127.0.0.1:9093", alertmanager, "15s", "1s", "https://example.com/", m.find("web").target,
		"  - netmon.rules.yml", "  - netmon.rules.yml\n  - blackbox.rules.yml").Replace(read("../packaging/prometheus/prometheus.yml"))
	if blackbox != "" {
		text += `
  - job_name: real
    metrics_path: /probe
    scrape_interval: 5s
    scrape_timeout: 5s
    relabel_configs:
      - {source_labels: [__address__], target_label: __param_target}
      - {source_labels: [__param_target], target_label: instance}
      - {target_label: __address__, replacement: "` + blackbox + `"}
    static_configs:
`
		for _, o := range m.monitors {
			if o.module != "" {
				at := o.target
				if o.at != "" {
					at = o.at
				}
				text += fmt.Sprintf("      - {targets: [%q], labels: {monitor: %s, __param_module: %s}}\n", at, o.name, o.module)
			}
		}
	}
	path := filepath.Join(dir, "prometheus.yml")
	write(t, path, text)
	return path
}
