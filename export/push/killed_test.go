package push

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"netmon/export"
	"netmon/internal/freeport"
	"netmon/internal/need"
	"netmon/probes/kinds"
	"netmon/wire"
)

// server is a receiver of somebody else's, which can be killed and started again.
type server struct {
	t     *testing.T
	start func() *exec.Cmd
	ready string
	cmd   *exec.Cmd
	log   *os.File
}

func newServer(t *testing.T, ready string, start func() *exec.Cmd) *server {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, start: start, ready: ready, log: log}
	s.begin()
	t.Cleanup(func() {
		s.kill()
		if text, _ := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("server: %s", text[max(0, len(text)-3000):])
		}
		log.Close()
	})
	s.isReady()
	return s
}

func (s *server) begin() {
	s.t.Helper()
	s.cmd = s.start()
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *server) isReady() {
	s.t.Helper()
	eventually(s.t, s.ready, func() bool {
		resp, err := http.Get(s.ready)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode/100 == 2
	})
}

// realPrometheus is Debian's, which takes remote write.
func realPrometheus(t *testing.T) (s *server, base string) {
	program := need.Tool(t, "prometheus", "prometheus")
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, []byte("global: {scrape_interval: 1h}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := freeport.Addr(t)
	base = "http://" + addr
	return newServer(t, base+"/-/ready", func() *exec.Cmd {
		return exec.Command(program, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr, "--web.enable-remote-write-receiver")
	}), base
}

// realInflux is Debian's InfluxDB with a database netmon.
func realInflux(t *testing.T) (s *server, base string) {
	program := need.Tool(t, "influxd", "influxdb")
	dir := t.TempDir()
	addr, rpc := freeport.Addr(t), freeport.Addr(t)
	base = "http://" + addr
	config := filepath.Join(dir, "influxdb.conf")
	text := fmt.Sprintf("reporting-disabled = true\nbind-address = %q\n[meta]\ndir = %q\n[data]\ndir = %q\nwal-dir = %q\nquery-log-enabled = false\n[http]\nbind-address = %q\nlog-enabled = false\n[monitor]\nstore-enabled = false\n",
		rpc, dir+"/meta", dir+"/data", dir+"/wal", addr)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s = newServer(t, base+"/ping", func() *exec.Cmd {
		cmd := exec.Command(program, "-config", config)
		cmd.Env = append(os.Environ(), "HOME="+dir)
		return cmd
	})
	eventually(t, "there is a database", func() bool {
		for _, query := range []string{"CREATE DATABASE netmon", "SHOW DATABASES"} {
			resp, err := http.PostForm(base+"/query", url.Values{"q": {query}})
			if err != nil {
				return false
			}
			text, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if strings.Contains(string(text), `["netmon"]`) {
				return true
			}
		}
		return false
	})
	return s, base
}

func getJSON(t *testing.T, url string, v any) {
	t.Helper()
	resp, err := http.Get(url) // #nosec G107 -- of the test
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || json.Unmarshal(data, v) != nil {
		t.Fatalf("%s: %d %v %.300s", url, resp.StatusCode, err, data)
	}
}

// promPoints are all points of the metrics that a query names, by series.
func promPoints(t *testing.T, base, query string) map[string]map[int64]float64 {
	t.Helper()
	var got struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Values [][2]any
			}
		}
	}
	getJSON(t, base+"/api/v1/query?query="+url.QueryEscape(query+"[1d]"), &got)
	out := map[string]map[int64]float64{}
	for _, s := range got.Data.Result {
		points := map[int64]float64{}
		for _, v := range s.Values {
			number, err := strconv.ParseFloat(v[1].(string), 64)
			if err != nil {
				t.Fatal(err)
			}
			points[int64(v[0].(float64)*1000+0.5)] = number
		}
		out[seriesText(s.Metric)] = points
	}
	return out
}

func seriesText(labels map[string]string) string {
	text, _ := json.Marshal(labels) // sorted
	return string(text)
}

// wantPoints are those that results make.
func wantPoints(results []*Result, tags func(string) map[string]string) map[string]map[int64]float64 {
	out := map[string]map[int64]float64{}
	reader := export.NewReader(kinds.All())
	for _, r := range results {
		for _, s := range reader.Samples(nil, &r.Result) {
			labels := map[string]string{"__name__": s.Name}
			for _, l := range export.LabelsOf(r.Agent, r.Monitor, r.Kind, r.Target, tags(r.Monitor)) {
				labels[l.Name] = l.Value
			}
			if s.Label != "" {
				labels[s.Label] = s.Value
			}
			key := seriesText(labels)
			if out[key] == nil {
				out[key] = map[int64]float64{}
			}
			out[key][r.Started.UnixMilli()] = s.Number
		}
	}
	return out
}

func (m *mesh) wantInPrometheus(base string) {
	m.t.Helper()
	got := promPoints(m.t, base, `{__name__=~"probe_.*|netmon_latency_seconds|netmon_run_broken|netmon_result_timestamp_seconds"}`)
	want := wantPoints(m.sent, func(monitor string) map[string]string { return map[string]string{"team": "shop " + monitor} })
	if len(want) != len(got) {
		m.t.Errorf("%d series are there, want %d", len(got), len(want))
	}
	missing, other, points := 0, 0, 0
	for series, values := range want {
		for at, number := range values {
			points++
			if n, ok := got[series][at]; !ok {
				missing++
			} else if n != number {
				other++
			}
		}
		if len(got[series]) != len(values) {
			m.t.Errorf("%s: %d points, want %d", series, len(got[series]), len(values))
		}
	}
	if missing+other > 0 {
		m.t.Errorf("of %d points %d are missing and %d have another value", points, missing, other)
	}
	m.t.Logf("%d results, %d series, %d points are there once, with their time and value", len(m.sent), len(want), points)
}

// under kills both sides at any moment while results come, and ends when all was sent.
func (m *mesh) under(o order, receiver *server, destinations int) {
	m.t.Helper()
	var load sync.WaitGroup
	stop := make(chan struct{})
	load.Go(func() {
		states := []wire.VerdictState{wire.VerdictUp, wire.VerdictDown}
		for i := 0; ; i++ {
			m.sends(100)
			if i%10 == 0 {
				m.verdict("web", states[i/10%2], time.Now().UTC())
			}
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	c := m.child(o)
	for i := range 2 * *kills {
		time.Sleep(time.Duration(rand.IntN(400)) * time.Millisecond) // anywhere
		if i%2 == 0 && receiver != nil {
			receiver.kill()
			time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
			receiver.begin()
			if rand.IntN(2) == 0 { // else the other side is killed while this one starts
				receiver.isReady()
			}
			continue
		}
		c.kill()
		c = m.child(o)
	}
	close(stop)
	load.Wait()
	m.sentAll(o.Folder, destinations)
	_ = c.cmd.Process.Signal(os.Interrupt)
	c.kill()
}

// TestRemoteWrite_Killed: kill -9 of Prometheus and of the pusher, while results come, and
// each point is there.
func TestRemoteWrite_Killed(t *testing.T) {
	need.Time(t)
	s, base := realPrometheus(t)
	m := newMesh(t)
	m.under(order{Folder: t.TempDir(), RemoteWrite: base + "/api/v1/write"}, s, 1)
	m.wantInPrometheus(base)
	states := promPoints(t, base, `netmon_verdict{monitor="web"}`)
	if len(states) != len(wire.VerdictStates) {
		t.Errorf("states %v", states)
	}
	changes := int(m.seqs["web"])
	for series, values := range states {
		if len(values) < changes {
			t.Errorf("%s: %d points of %d changes", series, len(values), changes)
		}
	}
}

// TestInflux_Killed: the same with InfluxDB.
func TestInflux_Killed(t *testing.T) {
	need.Time(t)
	s, base := realInflux(t)
	m := newMesh(t)
	m.under(order{Folder: t.TempDir(), Influx: base + "/write?db=netmon"}, s, 1)
	var got struct {
		Results []struct {
			Series []struct {
				Columns []string
				Values  [][]any
			}
		}
	}
	resp, err := http.Get(base + "/query?db=netmon&epoch=ns&q=" + url.QueryEscape("SELECT * FROM netmon_result"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	d := json.NewDecoder(resp.Body)
	d.UseNumber()
	if err := d.Decode(&got); err != nil || len(got.Results) != 1 || len(got.Results[0].Series) != 1 {
		t.Fatal(got, err)
	}
	there := map[string]map[string]string{}
	of := got.Results[0].Series[0]
	for _, row := range of.Values {
		fields := map[string]string{}
		for i, v := range row {
			if v != nil {
				fields[of.Columns[i]] = fmt.Sprint(v)
			}
		}
		there[fields["agent"]+" "+fields["monitor"]+" "+fields["time"]] = fields
	}
	if len(there) != len(m.sent) || len(of.Values) != len(m.sent) {
		t.Errorf("%d points are there, want %d", len(of.Values), len(m.sent))
	}
	reader := export.NewReader(kinds.All())
	wrong := 0
	for _, r := range m.sent {
		fields := there[fmt.Sprintf("%s %s %d", r.Agent, r.Monitor, r.Started.UnixNano())]
		same := fields["tag_team"] == "shop "+r.Monitor
		for _, s := range reader.Samples(nil, &r.Result) {
			name := s.Name
			if name == timeSample {
				continue
			}
			if s.Label != "" {
				name += "_" + s.Value
			}
			number, err := strconv.ParseFloat(fields[name], 64)
			same = same && err == nil && number == s.Number
		}
		if !same {
			if wrong++; wrong < 5 {
				t.Errorf("%s: %v", r.ID(), fields)
			}
		}
	}
	t.Logf("%d results are there once, with their time and values", len(m.sent)-wrong)
}

// TestNDJSON_Killed: each line is in the file once, whole and in order.
func TestNDJSON_Killed(t *testing.T) {
	need.Time(t)
	m := newMesh(t)
	file := filepath.Join(t.TempDir(), "out.ndjson")
	m.under(order{Folder: t.TempDir(), NDJSON: file}, nil, 1)
	m.wantLines(file)
}

func (m *mesh) wantLines(file string) {
	m.t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		m.t.Fatal(err)
	}
	results, verdicts := 0, 0
	for text := range strings.Lines(string(data)) {
		var line struct {
			wire.Result
			Type     string
			Sequence uint64
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			m.t.Fatalf("%v: %.300q", err, text)
		}
		switch line.Type {
		case "verdict":
			verdicts++
		case "result":
			if results >= len(m.sent) || line.Sequence != uint64(results+1) || line.Seq != m.sent[results].Seq || !line.Started.Equal(m.sent[results].Started) {
				m.t.Fatalf("line %d: %.300s", results+verdicts+1, text)
			}
			results++
		}
	}
	if results != len(m.sent) || verdicts != int(m.seqs["web"]) {
		m.t.Errorf("%d results and %d verdicts, want %d and %d", results, verdicts, len(m.sent), m.seqs["web"])
	}
	m.t.Logf("%d results and %d verdicts are there once", results, verdicts)
}
