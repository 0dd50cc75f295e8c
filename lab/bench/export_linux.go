package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What the exporter is measured with: monitors on three agents, each every 10 s, and so many
// scrapes of each format.
const (
	exportEvery   = 10 * time.Second
	exportScrapes = 100
	exportStart   = 30 * time.Second // until an exporter answers
)

// What is wanted of a scrape of 1,000 monitors on three agents.
const scrapeCPU = 5.0 // ms of CPU for 30,000 samples, in text as it is

// scrapes measures what netmon export --listen takes for a scrape, and what a real Prometheus
// makes of it where one is installed.
func scrapes(ctx context.Context, o *options, r *report) error {
	for _, n := range o.monitors {
		if err := measureScrapes(ctx, o, r, n); err != nil {
			return fmt.Errorf("%d monitors: %w", n, err)
		}
	}
	return nil
}

func measureScrapes(ctx context.Context, o *options, r *report, n int) error {
	j := &judged{mesh: &mesh{netmon: o.netmon}, monitors: n, rate: max(1, n*judgeAgents*int(time.Second)/int(exportEvery)), fault: webFault}
	defer j.end()
	if err := j.begin(ctx); err != nil {
		return err
	}
	addr, err := freeAddr()
	if err != nil {
		return err
	}
	exporter, err := spawn(ctx, j.dir, "export", j.netmon, "export", "--broker", j.url, "--listen", addr)
	if err != nil {
		return err
	}
	defer exporter.stop()
	s := scraper{url: "http://" + addr + "/metrics", exporter: exporter}
	if err := s.await(ctx); err != nil {
		return err
	}
	feeding, stop := context.WithCancel(ctx)
	fed := make(chan error, 1)
	go func() { fed <- j.feed(feeding, time.Hour) }()
	defer func() { stop(); <-fed }()
	if err := sleep(ctx, 2*exportEvery); err != nil { // all are known
		return err
	}
	idle, err := s.rest(ctx, time.Duration(o.seconds)*time.Second)
	if err != nil {
		return err
	}
	r.say("%d monitors on %d agents every %v, nobody scrapes: %.2f %% of a core, %.0f MiB", n, judgeAgents, exportEvery, 100*idle, s.rss)
	for _, c := range [][2]string{ // as a scraper on the same host gets them: not packed
		{"text", "text/plain;version=0.0.4"}, {"OpenMetrics", "application/openmetrics-text;version=1.0.0"},
		{"protobuf", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"},
	} {
		if err := s.measure(ctx, r, c[0], c[1], idle); err != nil {
			return fmt.Errorf("%s: %w", c[0], err)
		}
	}
	return s.prometheus(ctx, o, r, j.dir, addr, idle)
}

// scraper scrapes one exporter.
type scraper struct {
	url      string
	exporter *process
	rss      float64 // MiB, at the last look
}

// await waits until it answers.
func (s *scraper) await(ctx context.Context) error {
	for limit := time.Now().Add(exportStart); ; {
		_, _, err := s.one(ctx, "text/plain")
		if err == nil || time.Now().After(limit) {
			return err
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// rest is the part of a core that the exporter takes while nobody scrapes.
func (s *scraper) rest(ctx context.Context, d time.Duration) (float64, error) {
	before, err := s.exporter.usage()
	if err == nil {
		err = sleep(ctx, d)
	}
	if err != nil {
		return 0, err
	}
	after, err := s.exporter.usage()
	s.rss = after.rss
	return (after.cpu - before.cpu).Seconds() / d.Seconds(), err
}

// one is one scrape: what came, as it came.
func (s *scraper) one(ctx context.Context, accept string) (body []byte, took time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("Accept-Encoding", "identity")
	begin := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return body, time.Since(begin), err
}

func (s *scraper) measure(ctx context.Context, r *report, name, accept string, idle float64) error {
	var body []byte
	var all []time.Duration
	begin := time.Now()
	before, err := s.exporter.usage()
	if err != nil {
		return err
	}
	for range exportScrapes {
		var took time.Duration
		if body, took, err = s.one(ctx, accept); err != nil {
			return err
		}
		all = append(all, took)
	}
	after, err := s.exporter.usage()
	if err != nil {
		return err
	}
	slices.Sort(all)
	cpu := ((after.cpu - before.cpu).Seconds() - idle*time.Since(begin).Seconds()) * 1000 / exportScrapes
	samples := ""
	if strings.Contains(accept, "text") {
		n := countSamples(body)
		samples = fmt.Sprintf("%d samples, %.1f ms of CPU for 30,000 (wanted ≤ %.0f), ", n, cpu*30_000/float64(n), scrapeCPU)
	}
	r.say("%s: %s%.0f kB, %.1f ms of CPU a scrape, p50 %.1f ms, p99 %.1f ms", name, samples, float64(len(body))/1000, cpu, millis(all, 50), millis(all, 99))
	return nil
}

// countSamples is how many lines are no comments.
func countSamples(text []byte) (n int) {
	for line := range bytes.Lines(text) {
		if line[0] != '#' && line[0] != '\n' {
			n++
		}
	}
	return n
}

// prometheus has a real one scrape the exporter each second, where there is one, in its usual
// way and with native histograms.
func (s *scraper) prometheus(ctx context.Context, o *options, r *report, dir, addr string, idle float64) error {
	program, err := exec.LookPath("prometheus")
	if err != nil {
		r.say("Prometheus is not installed here: Debian's package prometheus has it")
		return nil
	}
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("scrape_configs: [{job_name: netmon, honor_labels: true, scrape_interval: 1s, static_configs: [{targets: [%q]}]}]\n", addr)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	for _, x := range []struct {
		name  string
		flags []string
	}{{"classic histograms", nil}, {"native histograms", []string{"--enable-feature=native-histograms"}}} {
		if err := s.scrapedBy(ctx, o, r, program, config, x.name, x.flags, idle); err != nil {
			return fmt.Errorf("prometheus, %s: %w", x.name, err)
		}
	}
	return nil
}

func (s *scraper) scrapedBy(ctx context.Context, o *options, r *report, program, config, name string, flags []string, idle float64) error {
	addr, err := freeAddr()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(config), "tsdb")
	if err != nil {
		return err
	}
	p, err := spawn(ctx, dir, "prometheus", program, append([]string{"--config.file=" + config, "--storage.tsdb.path=" + dir, "--web.listen-address=" + addr}, flags...)...)
	if err != nil {
		return err
	}
	defer p.stop()
	api := "http://" + addr + "/api/v1/query?query="
	for limit := time.Now().Add(exportStart); ; {
		up, err := promValue(ctx, api, `up{job="netmon"}`)
		if err == nil && up == 1 {
			break
		}
		if time.Now().After(limit) {
			return fmt.Errorf("it does not scrape within %v: up is %v, %w", exportStart, up, err)
		}
		if err := sleep(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	before, err := s.exporter.usage()
	if err != nil {
		return err
	}
	theirs, err := p.usage()
	if err != nil {
		return err
	}
	if err := sleep(ctx, time.Duration(o.seconds)*time.Second); err != nil {
		return err
	}
	after, err := s.exporter.usage()
	if err != nil {
		return err
	}
	now, err := p.usage()
	if err != nil {
		return err
	}
	var values [5]float64
	window := fmt.Sprintf("[%ds]", o.seconds)
	for i, q := range []string{`min_over_time(up{job="netmon"}` + window + `)`, `scrape_samples_scraped{job="netmon"}`,
		`avg_over_time(scrape_duration_seconds{job="netmon"}` + window + `)`, `max_over_time(scrape_duration_seconds{job="netmon"}` + window + `)`,
		`count_over_time(up{job="netmon"}` + window + `)`} {
		if values[i], err = promValue(ctx, api, q); err != nil {
			return err
		}
	}
	seconds, scrapes := float64(o.seconds), values[4]
	r.say("Prometheus, %s, each second, of which it manages %.0f of %d: %.0f samples a scrape, up all the time: %v; scrape_duration %.1f ms, most %.1f ms; %.1f ms of CPU a scrape for the exporter (%.0f MiB), %.1f ms for Prometheus (%.0f MiB)",
		name, scrapes, o.seconds, values[1], values[0] == 1, values[2]*1000, values[3]*1000, ((after.cpu-before.cpu).Seconds()-idle*seconds)*1000/scrapes, after.rss, (now.cpu-theirs.cpu).Seconds()*1000/scrapes, now.rss)
	return nil
}

// promValue is the only value that a query gives.
func promValue(ctx context.Context, api, query string) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, api+url.QueryEscape(query), nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var answer struct {
		Data struct{ Result []struct{ Value []any } }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return 0, err
	}
	if n := len(answer.Data.Result); n != 1 || len(answer.Data.Result[0].Value) != 2 {
		return 0, fmt.Errorf("%s gives %d values", query, n)
	}
	text, _ := answer.Data.Result[0].Value[1].(string)
	return strconv.ParseFloat(text, 64)
}
