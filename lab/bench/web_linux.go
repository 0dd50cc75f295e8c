package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"netmon/internal/tail"
	"netmon/wire"
)

// What pages are measured with: monitors on three agents, each every 10 s, of which some
// fail for a minute, and so many who look.
const (
	webEvery   = 10 * time.Second
	webFault   = time.Minute
	webViewers = 200
	webPages   = 100
)

// What is wanted of pages of 1,000 monitors on three agents.
const (
	pageWithin  = 100  // ms, the page of all for 99 of 100
	pageBytes   = 100  // kB by gzip
	lookersCPU  = 10.0 // % of a core for all who look
	lookersMem  = 100  // MB
	shownWithin = 500  // ms from a result to the page, 99 of 100
)

// pages measures what netmon web takes: the first page, many who look, and how long a
// verdict takes from the result that decides it to a page.
func pages(ctx context.Context, o *options, r *report) error {
	for _, n := range o.monitors {
		if err := measurePages(ctx, o, r, n); err != nil {
			return fmt.Errorf("%d monitors: %w", n, err)
		}
	}
	return nil
}

func measurePages(ctx context.Context, o *options, r *report, n int) error {
	j := &judged{mesh: &mesh{netmon: o.netmon}, monitors: n, rate: n * judgeAgents * int(time.Second) / int(webEvery), fault: webFault}
	defer j.end()
	if err := j.begin(ctx); err != nil {
		return err
	}
	addr, err := freeAddr()
	if err != nil {
		return err
	}
	web, err := spawn(ctx, j.dir, "web", j.netmon, "web", "--broker", j.url, "--listen", addr)
	if err != nil {
		return err
	}
	defer web.stop()
	if _, err := web.line("pages of", 20*time.Second); err != nil {
		return err
	}
	feeding, stop := context.WithCancel(ctx)
	fed := make(chan error, 1)
	go func() { fed <- j.feed(feeding, time.Hour) }()
	defer func() { stop(); <-fed }()
	if err := sleep(ctx, 2*webEvery); err != nil { // all are known
		return err
	}

	l := looker{url: "http://" + addr, client: &http.Client{Transport: &http.Transport{DisableCompression: true, MaxConnsPerHost: 0}}}
	begin := time.Now()
	if _, err := l.page(ctx); err != nil {
		return err
	}
	first := time.Since(begin) // with what is stored, read until then
	var took []time.Duration
	size := 0
	for range webPages {
		begin := time.Now()
		text, err := l.page(ctx)
		if err != nil {
			return err
		}
		took, size = append(took, time.Since(begin)), len(text)
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	slices.Sort(took)
	r.say("%d monitors on %d agents every %v: the page of all takes p50 %.1f ms, p99 %.1f ms (wanted < %d), %.0f kB by gzip (wanted ≤ %d); the first one since nobody looked, %.0f ms",
		n, judgeAgents, webEvery, millis(took, 50), millis(took, 99), pageWithin, float64(size)/1000, pageBytes, float64(first.Milliseconds()))

	for _, of := range []struct {
		viewers int
		apart   bool
	}{{1, false}, {webViewers, false}, {webViewers, true}} {
		if err := l.measure(ctx, o, r, j, web, of.viewers, of.apart); err != nil {
			return err
		}
	}
	return nil
}

func millis(sorted []time.Duration, percent int) float64 {
	return float64(sorted[max(0, (len(sorted)*percent+99)/100-1)].Microseconds()) / 1000
}

// looker is who looks at pages.
type looker struct {
	url    string
	client *http.Client
	bytes  atomic.Int64 // of events, as they came
}

func (l *looker) get(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := l.client.Do(req)
	if err == nil && resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		err = fmt.Errorf("%s: %s", path, resp.Status)
	}
	return resp, err
}

// page is the first page, by gzip.
func (l *looker) page(ctx context.Context) ([]byte, error) {
	resp, err := l.get(ctx, "/")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// measure has so many look for a while, one of whom reads what comes. All look at the page
// of all monitors, or, apart, the others each at that of a monitor of their own.
func (l *looker) measure(ctx context.Context, o *options, r *report, j *judged, web *process, viewers int, apart bool) error {
	looking, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	first, err := l.get(looking, "/events?page=monitors")
	if err != nil {
		return err
	}
	seen := &seen{at: map[string]time.Time{}}
	all.Go(func() { defer first.Body.Close(); seen.read(first.Body) })
	for i := range viewers - 1 {
		path := "/events?page=monitors"
		if apart {
			path = fmt.Sprintf("/events?page=monitor&name=m%05d", i%j.monitors)
		}
		resp, err := l.get(looking, path)
		if err != nil {
			return err
		}
		all.Go(func() {
			defer resp.Body.Close()
			n, _ := io.Copy(io.Discard, resp.Body) // until it is stopped
			l.bytes.Add(n)
		})
	}
	if err := sleep(ctx, 5*time.Second); err != nil {
		return err
	}
	begin := time.Now()
	before, err := web.usage()
	if err != nil {
		return err
	}
	if err := sleep(ctx, time.Duration(o.seconds)*time.Second); err != nil {
		return err
	}
	after, err := web.usage()
	if err != nil {
		return err
	}
	late, err := seen.late(ctx, j, begin)
	if err != nil {
		return err
	}
	at := "the page of all"
	if apart {
		at = "pages of monitors, each another one"
	}
	r.say("%d who look at %s: %.1f %% of a core (wanted ≤ %.0f), %.0f MB (wanted ≤ %d); from the result that decides, stored, to the page: p50 %.0f ms, p99 %.0f ms (wanted < %d; %d changes)",
		viewers, at, 100*(after.cpu-before.cpu).Seconds()/float64(o.seconds), lookersCPU, after.rss*(1<<20)/1e6, lookersMem, millis(late, 50), millis(late, 99), shownWithin, len(late))
	return nil
}

// seen is when a page showed which monitor in which state.
type seen struct {
	mu sync.Mutex // guards what follows
	at map[string]time.Time
}

var rowState = regexp.MustCompile(`^<tr id="[^"]*" class="(\w*)"`)

func (s *seen) read(body io.Reader) {
	text, err := gzip.NewReader(body)
	if err != nil {
		return
	}
	lines := bufio.NewReaderSize(text, 1<<20)
	states := map[string]string{}
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		data, ok := strings.CutPrefix(line, "data: ")
		var e struct {
			HTML map[string]string `json:"h"`
		}
		if !ok || json.Unmarshal([]byte(data), &e) != nil {
			continue
		}
		now := time.Now()
		s.mu.Lock()
		for id, html := range e.HTML {
			m := rowState.FindStringSubmatch(html)
			if m == nil || states[id] == m[1] {
				continue
			}
			if states[id] != "" {
				s.at[strings.TrimPrefix(id, "m-")+" "+m[1]] = now
			}
			states[id] = m[1]
		}
		s.mu.Unlock()
	}
}

// late is how long each verdict took to the page, of those that were decided after a time.
func (s *seen) late(ctx context.Context, j *judged, begin time.Time) (all []time.Duration, err error) {
	verdicts, err := tail.Open(ctx, j.js, wire.VerdictsStream, tail.From{Subjects: []string{wire.AllVerdicts}})
	if err != nil {
		return nil, err
	}
	defer verdicts.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	class := map[wire.VerdictState]string{wire.VerdictUp: "up", wire.VerdictDown: "down", wire.VerdictDegraded: "deg"}
	decided, was := map[string]time.Time{}, map[string]wire.VerdictState{}
	for left := verdicts.Left(); left > 0; left-- {
		m, _, err := verdicts.Next()
		if err != nil {
			return nil, err
		}
		v, err := wire.DecodeVerdict(m.Subject, m.Data)
		if err != nil {
			continue
		}
		if v.State != was[v.Monitor] && v.At.After(begin) {
			decided[v.Monitor+" "+class[v.State]] = v.At
		}
		was[v.Monitor] = v.State
	}
	for key, at := range decided {
		if shown, ok := s.at[key]; ok && shown.After(at) {
			all = append(all, shown.Sub(at))
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no verdict changed on the page")
	}
	slices.Sort(all)
	return all, nil
}
