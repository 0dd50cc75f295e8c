package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"netmon/internal/need"
)

// TestTools has netmon read by Debian's Prometheus, as packaging/prometheus configures it,
// beside Debian's blackbox_exporter, which measures the same targets. The values compare,
// the alerts that people have for the one fire for the other and reach Debian's Alertmanager,
// and each query of the dashboards of packaging/grafana gives something.
func TestTools(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"prometheus", "prometheus-alertmanager", "prometheus-blackbox-exporter"} {
		need.Tool(t, tool, tool)
	}
	m := newToolMesh(t)
	m.export()
	alerts := startAlertmanager(t, freeAddr(t))
	p := startPrometheus(t, m.config(strings.TrimPrefix(alerts, "http://"), m.startBlackbox()))
	native := startPrometheus(t, m.config(freeAddr(t), ""), "--enable-feature=native-histograms")

	measured := slices.DeleteFunc(slices.Clone(m.monitors), func(o observed) bool { return o.module == "" })
	shop := slices.DeleteFunc(slices.Clone(m.monitors), func(o observed) bool { return !strings.Contains(o.more, "team: shop") })
	p.healthy(map[string]int{"netmon": 1, "netmon-probe": len(shop), "blackbox": 1, "real": len(measured)})
	native.healthy(map[string]int{"netmon": 1, "netmon-probe": len(shop), "blackbox": 1})

	t.Run("values", func(t *testing.T) { compareBlackbox(t, m, p) })
	t.Run("one changed address", func(t *testing.T) {
		p := *p
		p.t = t
		for _, job := range []string{"blackbox", "netmon-probe"} {
			for _, s := range p.await(`probe_success{job="` + job + `",instance="` + m.find("web").target + `"}`) {
				if s.value != 1 {
					t.Errorf("%v is %v", s.labels, s.value)
				}
			}
		}
		for _, o := range shop { // those that /sd lists
			p.await(`probe_success{job="netmon-probe",monitor="` + o.name + `"} == 1`)
		}
	})
	t.Run("histograms", func(t *testing.T) {
		p, native := *p, *native
		p.t, native.t = t, t
		p.await(`sum by (monitor, agent) (netmon_latency_histogram_seconds_bucket{le="+Inf",monitor="web"}) > 0`)
		native.await(`histogram_count(netmon_latency_histogram_seconds{monitor="web"}) > 0`)
	})
	t.Run("dashboards", func(t *testing.T) {
		t.Run("classic", func(t *testing.T) { tryDashboards(t, m, p) })
		t.Run("native", func(t *testing.T) { tryDashboards(t, m, native) })
	})
	t.Run("alerts", func(t *testing.T) { compareAlerts(t, m, p, alerts) })
	t.Run("an agent ends", func(t *testing.T) {
		p := *p
		p.t = t
		m.agents["tokyo"].stop()
		p.await(`absent(netmon_agent_online{agent="tokyo"})`)        // it was stopped on purpose
		p.await(`absent(probe_success{job="netmon",agent="tokyo"})`) // a gap, neither up nor down
		p.await(`netmon_verdict{monitor="web",state="up"} == 1`)
	})
}

// compareBlackbox holds what netmon says of each target against what blackbox_exporter says.
func compareBlackbox(t *testing.T, m *toolMesh, p *prometheus) {
	exact := map[string][]string{ // by module: what both must say alike
		"http_2xx": {"probe_success", "probe_http_status_code", "probe_http_redirects", "probe_http_content_length", "probe_http_uncompressed_body_length",
			"probe_http_version", "probe_http_ssl", "probe_ip_protocol", "probe_failed_due_to_regex",
			"probe_ssl_earliest_cert_expiry", "probe_ssl_last_chain_expiry_timestamp_seconds"},
		"tcp_connect": {"probe_success", "probe_ip_protocol"},
		"tcp_tls":     {"probe_success", "probe_ip_protocol", "probe_ssl_earliest_cert_expiry", "probe_ssl_last_chain_expiry_timestamp_seconds"},
		"dns_shop":    {"probe_success", "probe_ip_protocol", "probe_dns_answer_rrs", "probe_dns_authority_rrs", "probe_dns_query_succeeded"},
		"icmp":        {"probe_success", "probe_ip_protocol", "probe_icmp_reply_hop_limit"},
	}
	phases := map[string][]string{ // metric, and the phases of each run; those of no run, such as a lookup of an address, netmon leaves out
		"http_2xx": {"probe_http_duration_seconds", "connect", "processing", "transfer"},
		"dns_shop": {"probe_dns_duration_seconds", "request"},
		"icmp":     {"probe_icmp_duration_seconds", "rtt"},
	}
	for _, o := range m.monitors {
		if o.module == "" {
			continue
		}
		t.Run(o.name, func(t *testing.T) {
			for _, name := range append(exact[o.module], "probe_duration_seconds") {
				eventually(t, name, func() error {
					theirs, err := p.ask(fmt.Sprintf(`%s{job="real",monitor=%q}`, name, o.name))
					if err != nil {
						return err
					}
					ours, err := p.ask(fmt.Sprintf(`%s{job="netmon",monitor=%q}`, name, o.name))
					if err != nil || len(theirs) == 0 {
						return errors.Join(err, whenUnknown(theirs, ours))
					}
					if len(ours) != len(m.agents) {
						return fmt.Errorf("%d agents say %s, want %d", len(ours), name, len(m.agents))
					}
					for _, s := range ours {
						switch {
						case s.labels["instance"] != o.target || s.labels["kind"] != o.kind:
							return fmt.Errorf("%s has the labels %v", name, s.labels)
						case name == "probe_duration_seconds" && (s.value <= 0 || o.name == "slow" && (s.value < 1.5 || theirs[0].value < 1.5)):
							return fmt.Errorf("%s is %v, and blackbox_exporter's %v", name, s.value, theirs[0].value)
						case name != "probe_duration_seconds" && s.value != theirs[0].value:
							return fmt.Errorf("%s on %s is %v, and blackbox_exporter's %v", name, s.labels["agent"], s.value, theirs[0].value)
						}
					}
					return nil
				})
			}
			if want := phases[o.module]; want != nil {
				eventually(t, want[0], func() error { return samePhases(p, want[0], want[1:], o.name) })
			}
		})
	}
}

// whenUnknown says that a metric that blackbox_exporter does not have is there.
func whenUnknown(theirs, ours []sample) error {
	if len(theirs) == 0 && len(ours) > 0 {
		return fmt.Errorf("%v is there, and not by blackbox_exporter", ours[0].labels)
	}
	return nil
}

// samePhases wants these phases at least, and none that blackbox_exporter does not have.
func samePhases(p *prometheus, name string, want []string, monitor string) error {
	of := map[string]map[string]bool{"real": {}, "netmon": {}}
	for job := range of {
		all, err := p.ask(fmt.Sprintf(`%s{job=%q,monitor=%q}`, name, job, monitor))
		if err != nil {
			return err
		}
		for _, s := range all {
			of[job][s.labels["phase"]] = s.value >= 0
		}
	}
	for _, phase := range want {
		if !of["netmon"][phase] || !of["real"][phase] {
			return fmt.Errorf("no phase %s: %v, and blackbox_exporter's %v", phase, of["netmon"], of["real"])
		}
	}
	for phase := range of["netmon"] {
		if !of["real"][phase] && phase != "redirect" { // of what came before the last request, which theirs adds to each
			return fmt.Errorf("phase %s is none of blackbox_exporter's: %v", phase, of["real"])
		}
	}
	return nil
}

// compareAlerts: the alerts for blackbox_exporter fire on netmon's metrics as on its own, and
// are in Alertmanager; netmon's own as well. A target comes back, and its alerts end.
func compareAlerts(t *testing.T, m *toolMesh, was *prometheus, alertmanager string) {
	p := *was
	p.t = t
	firing := func(job string) (map[string]bool, error) {
		all, err := p.ask(fmt.Sprintf(`ALERTS{alertstate="firing",job=%q,alertname!~"Netmon.*"}`, job))
		found := map[string]bool{}
		for _, s := range all {
			if m.find(s.labels["monitor"]).module != "" {
				found[s.labels["alertname"]+" "+s.labels["monitor"]] = true
			}
		}
		return found, err
	}
	eventually(t, "the same alerts fire", func() error {
		theirs, err := firing("real")
		if err != nil {
			return err
		}
		ours, err := firing("netmon")
		if err != nil {
			return err
		}
		for _, want := range []string{"ProbeFailed away", "ProbeFailed gone", "HttpStatusCode gone", "SlowProbe slow", "SlowHttp slow", "SslCertificateWillExpireSoon soon"} {
			if !theirs[want] || !ours[want] {
				return fmt.Errorf("%s does not fire for both: %v, blackbox_exporter: %v", want, ours, theirs)
			}
		}
		if !maps.Equal(ours, theirs) {
			return fmt.Errorf("netmon: %v, blackbox_exporter: %v", ours, theirs)
		}
		return nil
	})
	eventually(t, "they are in Alertmanager", func() error {
		resp, err := http.Get(alertmanager + "/api/v2/alerts")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		var all []struct{ Labels map[string]string }
		if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
			return err
		}
		found := map[string]bool{}
		for _, a := range all {
			found[a.Labels["alertname"]+" "+a.Labels["monitor"]+" "+a.Labels["agent"]] = true
		}
		for _, want := range []string{"ProbeFailed away paris", "HttpStatusCode gone tokyo", "SslCertificateWillExpireSoon soon oregon", "NetmonMonitorDown away ", "NetmonMonitorDown gone "} {
			if !found[want] {
				return fmt.Errorf("%s is not there: %v", want, slices.Sorted(maps.Keys(found)))
			}
		}
		return nil
	})
	m.away.rise(t)
	p.await(`absent(ALERTS{alertname="ProbeFailed",job="netmon",monitor="away"})`)
	p.await(`absent(ALERTS{alertname="NetmonMonitorDown",monitor="away"})`)
}

// readFileOf is a file of the repository.
func readFileOf(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
