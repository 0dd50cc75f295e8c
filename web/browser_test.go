package web

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"netmon/console"
	"netmon/console/view"
	"netmon/internal/browsertest"
	"netmon/judge"
	"netmon/wire"
)

// show opens a page as on a screen of this width, light or dark.
func show(t *testing.T, ctx context.Context, url string, width int64, scheme string) {
	t.Helper()
	browsertest.Run(t, ctx, url, chromedp.EmulateViewport(width, 900))
	browsertest.Run(t, ctx, url, func(ctx context.Context, on *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, on, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
		return chromedp.Void{}, err
	})
	browsertest.Run(t, ctx, url, chromedp.Navigate(url))
	browsertest.Run(t, ctx, url, chromedp.WaitReady("main"))
}

// findings are what a reader who cannot see well, or has a small screen, would stumble over:
// text with little contrast, controls without a name, a page that scrolls sideways.
const findings = `(() => {
	const out = [];
	if (document.scrollingElement.scrollWidth > innerWidth) out.push("it scrolls sideways: " + document.scrollingElement.scrollWidth + " of " + innerWidth);
	const rgb = (c) => { const m = c.match(/[\d.]+/g).map(Number); return m.length > 3 && m[3] === 0 ? null : c.startsWith("color(") ? m.map((v) => v * 255) : m; };
	const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
	const ground = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c) return c; } return [255, 255, 255]; };
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n; n = walk.nextNode();) {
		const e = n.parentElement;
		if (!n.data.trim() || !e.checkVisibility() || e.closest("svg")) continue;
		const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
		if ((a + 0.05) / (b + 0.05) < 4.5) out.push("little contrast: " + n.data.trim().slice(0, 30));
	}
	for (const e of document.querySelectorAll("a, button, input:not([type=hidden]), select, textarea")) if (!(e.labels ? e.labels.length || e.textContent.trim() && e.matches("button") || e.getAttribute("aria-label") : e.textContent.trim() || e.getAttribute("aria-label"))) out.push("no name: " + e.outerHTML.slice(0, 80));
	for (const e of document.querySelectorAll("[role=img]")) if (!(e.getAttribute("aria-label") || e.getAttribute("aria-labelledby"))) out.push("no label: " + e.outerHTML.slice(0, 80));
	if (document.querySelectorAll("h1").length !== 1) out.push("there are " + document.querySelectorAll("h1").length + " h1");
	const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
	for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) out.push("twice: " + id);
	return [...new Set(out)];
})()`

// shop is a mesh to look at, also in the pictures of the README.
func shop() *world {
	w := newWorld()
	now := time.Now()
	agents := []string{"oslo", "paris", "tokyo"}
	for i, id := range agents {
		started := now.Add(-41 * 24 * time.Hour)
		w.Heartbeat(wire.Alive{Agent: id, At: now, Started: started, Version: "0.1.0", Labels: map[string]string{"region": []string{"eu", "eu", "asia"}[i]}}, now, now)
	}
	w.SetPhases(func(_ string, details json.RawMessage) iter.Seq2[string, time.Duration] {
		return func(yield func(string, time.Duration) bool) {
			var d map[string]int64
			_ = json.Unmarshal(details, &d) // none is none
			for _, phase := range []string{"resolve", "connect", "tls", "processing"} {
				if ns := d[phase+"_ns"]; ns > 0 && !yield(phase, time.Duration(ns)) {
					return
				}
			}
		}
	})
	days, uptimes := map[string]view.Day{}, map[string]float64{}
	for i, m := range []struct {
		name, kind, target string
		state              wire.VerdictState
		since              time.Duration
		why                string
		blame              wire.BlameClass
		names              []string
		ms                 int
	}{
		{"mail", "tcp", "mx.example.org:25", wire.VerdictDown, 4 * time.Minute, "no answer from 3 of 3 agents", wire.BlameTarget, nil, 31},
		{"checkout", "https", "shop.example.org/checkout/a/long/path/that/goes/on", wire.VerdictDegraded, 12 * time.Minute, "slow from paris: 412 ms, where 300 ms is expected", wire.BlamePath, []string{"paris"}, 182},
		{"backup-link-to-the-second-data-centre", "icmp", "198.51.100.9", wire.VerdictUnknown, 4 * time.Minute, "not judged: gateway-b, which it depends on, is down", "", nil, 0},
		{"web", "https", "example.org", wire.VerdictUp, 41 * 24 * time.Hour, "", "", nil, 42},
		{"api", "https", "api.example.org/health", wire.VerdictUp, 3 * 24 * time.Hour, "", "", nil, 55},
		{"clock", "ntp", "time.example.org", wire.VerdictUp, 41 * 24 * time.Hour, "", "", nil, 8},
		{"dns-edge", "dns", "example.org @ 192.0.2.53", wire.VerdictUp, 9 * 24 * time.Hour, "", "", nil, 3},
	} {
		w.save(m.name, m.kind, m.target)
		for n := range 40 {
			if m.ms == 0 {
				break
			}
			ns := int64(m.ms)*1e6 + int64(m.ms)*2e4*int64(n*n*(i+7)%23)
			expires := now.Add(time.Duration(74-9*i) * 24 * time.Hour)
			for k, a := range agents {
				at, lat := now.Add(time.Duration(n-40)*time.Second), ns+int64(k)*1e6
				r := wire.Result{Agent: a, Monitor: m.name, Kind: m.kind, Target: m.target, Epoch: "E", Run: uint64(n), Revision: 1, Started: at, Due: at, LatencyNS: &lat, Outcome: wire.OK, Summary: "200 OK, HTTP/2, 118 bytes", Address: "192.0.2.10"}
				if m.kind == "https" {
					r.CertExpires = &expires
					r.Details = fmt.Appendf(nil, `{"resolve_ns":%d,"connect_ns":%d,"tls_ns":%d,"processing_ns":%d,"total_ns":%d}`, lat/20, lat/3, lat/3, lat/4, lat)
				}
				if m.state == wire.VerdictDown {
					r.Outcome, r.Failure, r.Error, r.LatencyNS, r.Summary = wire.Failed, wire.FailNoAnswer, "connect to 192.0.2.25:25: no answer within 5s", nil, ""
				}
				w.ResultAt(r, at, now)
			}
		}
		var day view.Day
		for k := range day {
			day[k] = judge.Up
		}
		if uptimes[m.name] = 1; i%2 == 1 {
			day[7*i%47], uptimes[m.name] = judge.Down, 0.9994
		}
		if m.state == wire.VerdictUnknown {
			day[45], day[46] = judge.Unknown, judge.Unknown
		}
		days[m.name] = day
		v := wire.Verdict{Monitor: m.name, State: m.state, Since: now.Add(-m.since), Why: m.why, Revision: 1}
		switch m.state {
		case wire.VerdictDown:
			v.Quorum.Down = agents
		case wire.VerdictDegraded:
			v.Quorum.Slow, v.Quorum.Up = agents[1:2], []string{"oslo", "tokyo"}
		case wire.VerdictUp:
			v.Quorum.Up = agents
		default:
			v.Quorum.Silent = agents
		}
		if m.blame != "" {
			v.Blame = &wire.Blame{Class: m.blame, Names: m.names, Sure: true}
		}
		w.Verdict(v, now)
	}
	w.InContact(now)
	w.SetUptimes(uptimes, now)
	w.SetDays(days)
	w.graph = console.Graph{Monitor: "web", From: now.Add(-24 * time.Hour), To: now, Step: wire.Duration(10 * time.Minute)}
	for i := range 144 {
		if i > 50 && i < 60 {
			continue
		}
		base := 42e6 + 14e6*math.Sin(float64(i)/23) + 5e5*float64(i*i*11%17)
		at := func(part float64) *int64 { ns := int64(base * part); return &ns }
		c := console.GraphColumn{At: w.graph.From.Add(time.Duration(i) * 10 * time.Minute), Runs: 60, MinNS: at(0.7), P10NS: at(0.8), P25NS: at(0.9), P50NS: at(1), P75NS: at(1.15), P90NS: at(1.5 + float64(i*7%5)/20), MaxNS: at(2.1 + float64(i*i%13)/9)}
		if i == 30 || i == 31 {
			lost := 0.3
			c.Loss, c.Failed = &lost, 18
		}
		w.graph.Columns = append(w.graph.Columns, c)
	}
	part := 0.9994
	w.uptime = []console.UptimeRow{{Monitor: "web", Uptime: &part, Outages: []console.OutageRow{{Since: now.Add(-50 * time.Hour), Until: now.Add(-49 * time.Hour), Blame: wire.BlameTarget}}}}
	opened := now.Add(-4 * time.Minute)
	w.Incidents(view.IncidentFacts{Incidents: []wire.Incident{{ID: "abcdef", State: wire.IncidentOpen, Severity: wire.SeverityDown, Opened: opened, N: 1, Summary: "mail is down: no answer from 3 of 3 agents (target)",
		Members: []wire.IncidentMember{{About: wire.AboutMonitor, Name: "mail", Severity: wire.SeverityDown, Why: "no answer from 3 of 3 agents", Since: opened}}, Log: []wire.Entry{{At: opened, What: "opened", Text: "mail is down"}}}}})
	return w
}

// TestBrowser_EveryPage: each page, on small and large screens, light and dark, can be read
// by everybody. NETMON_SHOTS=FOLDER keeps a picture of each.
func TestBrowser_EveryPage(t *testing.T) {
	ctx, _ := browsertest.Open(t)
	_, h := shop().serve(t, func(o *Options) {
		saved := wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "https", Target: "example.org"}, Change: "saved"}
		o.History = func(context.Context, string) ([]console.Revision, error) {
			return []console.Revision{{Edition: 1, At: time.Now(), Author: "anna", Saved: &saved}}, nil
		}
	})
	for name, path := range map[string]string{"monitors": "/", "monitor": "/monitors/web", "matrix": "/matrix", "agents": "/agents", "incidents": "/incidents", "incident": "/incidents/abcdef"} {
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{360, 768, 1440} {
				what := fmt.Sprintf("%s-%d-%s", name, width, scheme)
				show(t, ctx, h.URL+path, width, scheme)
				if wrong := browsertest.Run(t, ctx, what, chromedp.Evaluate[[]string](findings)); len(wrong) > 0 {
					t.Errorf("%s:\n  %s", what, strings.Join(wrong, "\n  "))
				}
				if dir := os.Getenv("NETMON_SHOTS"); dir != "" {
					shot := browsertest.Run(t, ctx, what, chromedp.FullScreenshot(100))
					if err := os.WriteFile(filepath.Join(dir, what+".png"), shot, 0o600); err != nil {
						t.Error(err)
					}
				}
			}
		}
	}
}

// TestBrowser_Live: what changes is seen without a reload, moves nothing that the reader
// looks at, and comes back after the server did not answer; the filter and the keys work.
func TestBrowser_Live(t *testing.T) {
	ctx, quiet := browsertest.Open(t)
	w := shop()
	_, h := w.serve(t)
	show(t, ctx, h.URL, 1440, "light")
	first := browsertest.Run(t, ctx, "first row", chromedp.Evaluate[string](`window.shift = 0; new PerformanceObserver((l) => { for (const e of l.getEntries()) window.shift += e.value; }).observe({type: "layout-shift"}); document.querySelector("#rows tr").id`))
	if first != "m-mail" {
		t.Errorf("the first row is %s", first)
	}
	w.judge("web", wire.VerdictDown, `"><img src=x onerror="alert(1)">`)
	browsertest.Run(t, ctx, "web down", chromedp.WaitVisible(`#m-web.down`))
	if shift := browsertest.Run(t, ctx, "shift", chromedp.Evaluate[float64](`window.shift`)); shift > 0.1 {
		t.Errorf("layout shift %v", shift)
	}
	if n := browsertest.Run(t, ctx, "markup", chromedp.Evaluate[int](`document.querySelectorAll("#rows img").length`)); n > 0 {
		t.Error("what a target says became markup")
	}
	browsertest.Run(t, ctx, "j", chromedp.KeyEvent("j"))
	browsertest.Run(t, ctx, "j", chromedp.KeyEvent("j"))
	if id := browsertest.Run(t, ctx, "focus", chromedp.Evaluate[string](`document.activeElement.closest("tr")?.id || ""`)); id == "" || id == first {
		t.Errorf("j and j go to %q", id)
	}
	browsertest.Run(t, ctx, "/", chromedp.KeyEvent("/"))
	if id := browsertest.Run(t, ctx, "focus", chromedp.Evaluate[string](`document.activeElement.value = ""; document.activeElement.id`)); id != "filter" {
		t.Errorf("/ goes to %q", id)
	}
	browsertest.Run(t, ctx, "filter", chromedp.SendKeys("#filter", "mail"))
	browsertest.Run(t, ctx, "answer", chromedp.WaitReady(`#rows[data-filter=mail]`))
	if left := browsertest.Run(t, ctx, "rows", chromedp.Evaluate[[]string](`[...document.querySelectorAll("#rows tr")].filter((r) => !r.hidden).map((r) => r.id)`)); len(left) != 1 || left[0] != "m-mail" {
		t.Errorf("the filter leaves %v", left)
	}
	quiet()                    // a browser logs a connection that breaks
	h.CloseClientConnections() // it comes back by itself
	w.judge("mail", wire.VerdictUp, "")
	browsertest.Run(t, ctx, "mail up", chromedp.WaitVisible(`#m-mail.up`))
}
