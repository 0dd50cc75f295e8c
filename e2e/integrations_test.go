package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"netmon/internal/need"
)

// block is one of a document, with the language that it names.
type block struct{ language, text string }

// chapters are the blocks of a document by the heading above them.
func chapters(t testing.TB, path string) map[string][]block {
	t.Helper()
	all := map[string][]block{}
	for i, chapter := range strings.Split(string(readFileOf(t, path)), "\n## ") {
		if i == 0 {
			continue
		}
		heading, rest, _ := strings.Cut(chapter, "\n")
		for _, m := range regexp.MustCompile("(?s)```(\\w+)\n(.*?)```").FindAllStringSubmatch(rest, -1) {
			all[heading] = append(all[heading], block{m[1], m[2]})
		}
	}
	return all
}

// TestIntegrationsDoc does what docs/integrations.md says, as it is written there but for the
// addresses, with the programs that Debian has.
func TestIntegrationsDoc(t *testing.T) {
	t.Parallel()
	for _, tool := range [][2]string{{"prometheus", "prometheus"}, {"promtool", "prometheus"}, {"prometheus-alertmanager", "prometheus-alertmanager"}, {"amtool", "prometheus-alertmanager"},
		{"influxd", "influxdb"}, {"victoria-metrics", "victoria-metrics"}, {"jq", "jq"}, {"curl", "curl"}} {
		need.Tool(t, tool[0], tool[1])
	}
	m := newToolMesh(t)
	const path = "../docs/integrations.md"
	doc, dir := chapters(t, path), t.TempDir()
	at := map[string]string{"9119": m.addr, "9090": freeAddr(t), "9093": freeAddr(t), "8086": freeAddr(t), "8428": freeAddr(t)}
	collector := newCollector(t)
	ours := []string{"nats://127.0.0.1:4222", m.url, "127.0.0.1:4318", collector.addr, "https://example.com/", m.find("secure").target}
	for port, addr := range at {
		ours = append(ours, "127.0.0.1:"+port, addr)
	}
	here := strings.NewReplacer(ours...)
	used := 0
	take := func(chapter string, i int, language string) string { // a block of a chapter
		t.Helper()
		if len(doc[chapter]) <= i || doc[chapter][i].language != language {
			t.Fatalf("%s: block %d of chapter %q is no %s: %q", path, i+1, chapter, language, doc[chapter])
		}
		used++
		return here.Replace(doc[chapter][i].text)
	}
	starts := func(chapter string, i int) *proc {
		t.Helper()
		return spawnScript(t, dir, take(chapter, i, "sh"))
	}
	says := func(script string, words ...string) { // the script, run again until it prints these
		t.Helper()
		eventually(t, script, func() error { return prints(t, dir, script, words) })
	}

	starts("Prometheus", 0)
	ready(t, "http://"+m.addr+"/-/ready")
	_, second, _ := strings.Cut(take("blackbox_exporter", 0, "yaml"), "scrape_configs:\n")
	config := filepath.Join(dir, "prometheus.yml")
	write(t, config, "global: {scrape_interval: 1s}\n"+take("Prometheus", 1, "yaml")+second)
	spawnProgram(t, need.Tool(t, "prometheus", "prometheus"), "--config.file="+config, "--storage.tsdb.path="+t.TempDir(), "--web.listen-address="+at["9090"], "--log.level=warn")
	p := &prometheus{t, "http://" + at["9090"]}
	p.healthy(map[string]int{"netmon": 1, "blackbox": 1})
	says(take("Prometheus", 2, "sh"), `monitor="away"`, `state="down"`)
	p.await(`probe_success{job="blackbox",instance="` + m.find("secure").target + `"} == 1`)
	says(take("blackbox_exporter", 1, "sh"), "probe_success 1", `netmon_probe_info{agent="`)

	startAlertmanager(t, at["9093"])
	write(t, filepath.Join(dir, "alertmanager.yaml"), take("Alertmanager", 0, "yaml"))
	apply, query, _ := strings.Cut(take("Alertmanager", 1, "sh"), "\n")
	says(apply, "2 added")
	says(query, "NetmonIncident", "away")

	starts("OpenTelemetry", 0)
	startInflux(t, at["8086"])
	starts("InfluxDB and Telegraf", 0)
	spawnProgram(t, need.Tool(t, "victoria-metrics", "victoria-metrics"), "-storageDataPath="+t.TempDir(), "-httpListenAddr="+at["8428"], "-search.latencyOffset=0s")
	ready(t, "http://"+at["8428"]+"/health")
	starts("VictoriaMetrics, Mimir", 0)
	lines := starts("Lines of JSON", 0)
	says(take("InfluxDB and Telegraf", 1, "sh"), `"monitor":"web"`, `"agent":"paris"`)
	says(take("VictoriaMetrics, Mimir", 1, "sh"), `"monitor":"web"`, `"agent":"paris"`, `"instance":"`+m.find("web").target+`"`)
	collector.await("/v1/metrics")
	m.away.rise(t)
	lines.line("\taway\tup")
	collector.await("/v1/logs")

	all := 0
	for _, blocks := range doc {
		all += len(blocks)
	}
	if used != all {
		t.Errorf("%s has %d blocks, and %d were tried", path, all, used)
	}
}

// prints runs a script, and wants words in what it prints.
func prints(t testing.TB, dir, script string, words []string) error {
	bin, err := netmon()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-ec", script)
	cmd.Dir = dir
	cmd.Env = append(cmd.Environ(), "PATH="+filepath.Dir(bin)+":"+"/usr/bin:/bin:/usr/sbin", "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_STATE_HOME="+dir, "NO_COLOR=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	for _, word := range words {
		if !bytes.Contains(out, []byte(word)) {
			return fmt.Errorf("no %q in %s", word, out)
		}
	}
	return nil
}

// startInflux starts Debian's, with a database for netmon.
func startInflux(t testing.TB, addr string) {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "influxdb.conf")
	write(t, config, fmt.Sprintf(`reporting-disabled = true
bind-address = %q
[meta]
dir = "%[2]s/meta"
[data]
dir = "%[2]s/data"
wal-dir = "%[2]s/wal"
query-log-enabled = false
[http]
bind-address = %[3]q
log-enabled = false
`, freeAddr(t), dir, addr))
	spawnProgram(t, need.Tool(t, "influxd", "influxdb"), "-config", config)
	ready204(t, "http://"+addr+"/ping")
	resp, err := http.PostForm("http://"+addr+"/query", url.Values{"q": {"CREATE DATABASE netmon"}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

// ready204 waits for a server that answers with no content.
func ready204(t testing.TB, url string) {
	t.Helper()
	eventually(t, url, func() error {
		resp, err := http.Get(url)
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNoContent {
			return fmt.Errorf("%s", resp.Status)
		}
		return nil
	})
}

// collector is where OTLP goes: it takes what is sent, and notes where to.
type collector struct {
	t    testing.TB
	addr string
	mu   sync.Mutex     // guards what follows
	got  map[string]int // bytes, by path
}

func newCollector(t testing.TB) *collector {
	c := &collector{t: t, got: map[string]int{}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body) // who sends may be killed
		c.mu.Lock()
		c.got[r.URL.Path] += int(n)
		c.mu.Unlock()
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
	}))
	t.Cleanup(s.Close)
	c.addr = strings.TrimPrefix(s.URL, "http://")
	return c
}

// await waits until something came for a path.
func (c *collector) await(path string) {
	c.t.Helper()
	eventually(c.t, path, func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.got[path] == 0 {
			return fmt.Errorf("nothing came: %v", c.got)
		}
		return nil
	})
}
