package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"netmon/internal/need"
)

// prometheus is Debian's, on loopback.
type prometheus struct {
	t   testing.TB
	url string
}

// startPrometheus starts one with this configuration, whose rule files lie beside it.
func startPrometheus(t testing.TB, config string, flags ...string) *prometheus {
	t.Helper()
	addr := freeAddr(t)
	p := &prometheus{t, "http://" + addr}
	spawnProgram(t, need.Tool(t, "prometheus", "prometheus"), append([]string{"--config.file=" + config, "--storage.tsdb.path=" + t.TempDir(),
		"--web.listen-address=" + addr, "--web.enable-admin-api", "--log.level=warn"}, flags...)...)
	ready(t, p.url+"/-/ready")
	return p
}

// startAlertmanager starts Debian's on addr. It sends nothing: it is asked.
func startAlertmanager(t testing.TB, addr string) string {
	t.Helper()
	config := filepath.Join(t.TempDir(), "alertmanager.yml")
	write(t, config, "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
	spawnProgram(t, need.Tool(t, "prometheus-alertmanager", "prometheus-alertmanager"), "--config.file="+config, "--storage.path="+t.TempDir(),
		"--web.listen-address="+addr, "--cluster.listen-address=", "--log.level=warn")
	ready(t, "http://"+addr+"/-/ready")
	return "http://" + addr
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// eventually waits until is returns no reason why not.
func eventually(t testing.TB, what string, is func() error) {
	t.Helper()
	for limit := time.Now().Add(2 * patience); ; time.Sleep(100 * time.Millisecond) { // between two looks
		err := is()
		if err == nil {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("%s: never; at the end: %v", what, err)
		}
	}
}

// ready waits until a server answers with 200.
func ready(t testing.TB, url string) {
	t.Helper()
	eventually(t, url, func() error {
		resp, err := http.Get(url)
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s", resp.Status)
		}
		return nil
	})
}

// sample is one value that a query gives.
type sample struct {
	labels map[string]string
	value  float64
}

// get asks Prometheus's API, and decodes its data.
func (p *prometheus) get(path string, args url.Values, into any) error {
	resp, err := http.PostForm(p.url+"/api/v1/"+path, args)
	if path == "targets" || strings.HasPrefix(path, "label") || path == "rules" || path == "alerts" {
		resp, err = http.Get(p.url + "/api/v1/" + path + "?" + args.Encode())
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return fmt.Errorf("%s: %s: %w", path, resp.Status, err)
	}
	if answer.Status != "success" {
		return fmt.Errorf("%s %v: %s", path, args, answer.Error)
	}
	return json.Unmarshal(answer.Data, into)
}

// ask is an instant query.
func (p *prometheus) ask(query string) (all []sample, err error) {
	var data struct {
		Type   string `json:"resultType"`
		Result json.RawMessage
	}
	if err := p.get("query", url.Values{"query": {query}}, &data); err != nil {
		return nil, err
	}
	var vector []struct {
		Metric    map[string]string
		Value     []any
		Histogram []any
	}
	if err := json.Unmarshal(data.Result, &vector); err != nil {
		return nil, fmt.Errorf("%s: a %s: %w", query, data.Type, err)
	}
	for _, s := range vector {
		one := sample{labels: s.Metric}
		if len(s.Value) == 2 {
			if one.value, err = strconv.ParseFloat(s.Value[1].(string), 64); err != nil {
				return nil, err
			}
		}
		all = append(all, one)
	}
	return all, nil
}

// await waits until a query gives something.
func (p *prometheus) await(query string) (all []sample) {
	p.t.Helper()
	eventually(p.t, query, func() (err error) {
		if all, err = p.ask(query); err == nil && len(all) == 0 {
			err = fmt.Errorf("it gives nothing")
		}
		return err
	})
	return all
}

// healthy waits until all targets of these jobs are scraped without error.
func (p *prometheus) healthy(jobs map[string]int) {
	p.t.Helper()
	eventually(p.t, "all targets are up", func() error {
		var data struct {
			ActiveTargets []struct {
				ScrapeURL, LastError, Health string
				Labels                       map[string]string
			}
		}
		if err := p.get("targets", url.Values{"state": {"active"}}, &data); err != nil {
			return err
		}
		found := map[string]int{}
		for _, target := range data.ActiveTargets {
			if target.Health != "up" {
				return fmt.Errorf("%s is %s: %s", target.ScrapeURL, target.Health, target.LastError)
			}
			found[target.Labels["job"]]++
		}
		for job, n := range jobs {
			if found[job] != n {
				return fmt.Errorf("job %s has %d targets, want %d: %v", job, found[job], n, found)
			}
		}
		return nil
	})
}

// TestPrometheusFiles has Prometheus's own tool check the files of packaging/prometheus, and
// the alerts for blackbox_exporter that the other tests use.
func TestPrometheusFiles(t *testing.T) {
	t.Parallel()
	tool := need.Tool(t, "promtool", "prometheus")
	do(t, 0, tool, "check", "config", "../packaging/prometheus/prometheus.yml")
	do(t, 0, tool, "check", "rules", "../packaging/prometheus/netmon.rules.yml", "testdata/blackbox.rules.yml")
	do(t, 0, tool, "test", "rules", "../packaging/prometheus/netmon.rules.test.yml")
}

// TestPrometheusFiles_EachAlertIsTested: no alert without a test of promtool that fires it.
func TestPrometheusFiles_EachAlertIsTested(t *testing.T) {
	rules, err := os.ReadFile("../packaging/prometheus/netmon.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile("../packaging/prometheus/netmon.rules.test.yml")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(rules)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "- alert: "); ok {
			n++
			if !strings.Contains(string(tests), "alertname: "+name+"\n        exp_alerts:") {
				t.Errorf("no test fires %s", name)
			}
		}
	}
	if n < 10 {
		t.Errorf("%d alerts", n)
	}
}
