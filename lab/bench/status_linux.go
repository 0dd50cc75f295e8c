package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// What the status page is measured with: services that fail now and then, and so many who
// ask again and again, each on a connection of its own.
const (
	statusAskers = 8
	statusWarmup = 3 * time.Second
)

// statusPages measures what netmon web --status-listen takes for a request.
func statusPages(ctx context.Context, o *options, r *report) error {
	for _, n := range o.monitors {
		if err := measureStatus(ctx, o, r, n); err != nil {
			return fmt.Errorf("%d monitors: %w", n, err)
		}
	}
	return nil
}

func measureStatus(ctx context.Context, o *options, r *report, n int) error {
	j := &judged{mesh: &mesh{netmon: o.netmon}, monitors: n, rate: n * judgeAgents * int(time.Second) / int(webEvery), fault: webFault, tags: map[string]string{"status-page": "Services"}}
	defer j.end()
	if err := j.begin(ctx); err != nil {
		return err
	}
	addr, err := freeAddr()
	if err != nil {
		return err
	}
	web, err := spawn(ctx, j.dir, "web", j.netmon, "web", "--broker", j.url, "--listen", "off", "--status-listen", addr)
	if err != nil {
		return err
	}
	defer web.stop()
	if _, err := web.line("status page of", 20*time.Second); err != nil {
		return err
	}
	feeding, stop := context.WithCancel(ctx)
	fed := make(chan error, 1)
	go func() { fed <- j.feed(feeding, time.Hour) }()
	defer func() { stop(); <-fed }()
	if err := sleep(ctx, 2*webEvery); err != nil { // all are known
		return err
	}
	before, err := web.usage()
	if err != nil {
		return err
	}
	if err := sleep(ctx, time.Duration(o.seconds)*time.Second); err != nil {
		return err
	}
	idle, err := web.usage()
	if err != nil {
		return err
	}
	r.say("%d services, nobody asks: %.2f %% of a core, %.0f MiB", n, 100*(idle.cpu-before.cpu).Seconds()/float64(o.seconds), idle.rss)
	rest := (idle.cpu - before.cpu).Seconds() / float64(o.seconds) // of a core, which is not the requests'
	for _, c := range []struct {
		name    string
		path    string
		gzip    bool
		current bool // who asks has it
	}{{"the page by gzip", "/", true, false}, {"the page as it is", "/", false, false}, {"the page, not modified", "/", true, true}, {"JSON (summary) by gzip", "/api/v2/summary.json", true, false}, {"a badge", "/badge.svg", false, false}} {
		a := statusAsker{url: "http://" + addr + c.path, gzip: c.gzip, current: c.current}
		if err := a.ask(ctx, statusWarmup); err != nil {
			return err
		}
		a.requests.Store(0)
		begin := time.Now()
		before, err := web.usage()
		if err != nil {
			return err
		}
		if err := a.ask(ctx, time.Duration(o.seconds)*time.Second); err != nil {
			return err
		}
		after, err := web.usage()
		if err != nil {
			return err
		}
		took, requests := time.Since(begin).Seconds(), float64(a.requests.Load())
		cpu := ((after.cpu - before.cpu).Seconds() - rest*took) * 1e6 / requests
		r.say("%s: %.0f bytes, %.1f µs of CPU a request: %.0f requests/s on one core (%.0f/s were asked by %d)", c.name, float64(a.size.Load()), cpu, 1e6/cpu, requests/took, statusAskers)
	}
	return nil
}

// statusAsker asks for one thing, again and again.
type statusAsker struct {
	url            string
	gzip, current  bool
	requests, size atomic.Int64
}

func (a *statusAsker) ask(ctx context.Context, d time.Duration) error {
	client := &http.Client{Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: statusAskers}}
	defer client.CloseIdleConnections()
	until := time.Now().Add(d)
	var all sync.WaitGroup
	errs := make([]error, statusAskers)
	for i := range statusAskers {
		all.Go(func() {
			tag := ""
			for time.Now().Before(until) && errs[i] == nil && ctx.Err() == nil {
				tag, errs[i] = a.one(ctx, client, tag)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// one asks once, and returns the tag of what came.
func (a *statusAsker) one(ctx context.Context, client *http.Client, tag string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url, nil)
	if err != nil {
		return "", err
	}
	if a.gzip {
		req.Header.Set("Accept-Encoding", "gzip")
	}
	if a.current && tag != "" {
		req.Header.Set("If-None-Match", tag)
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusNotModified {
		return "", fmt.Errorf("%s: %s", a.url, resp.Status)
	}
	a.requests.Add(1)
	a.size.Store(n)
	return resp.Header.Get("Etag"), err
}
