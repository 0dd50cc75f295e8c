package web

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"netmon/console"
	"netmon/console/view"
	"netmon/internal/browsertest"
	"netmon/wire"
)

// busyMesh is the shop with incidents, silences, an audit and certificates; where bad, what
// others say in them is hostile.
func busyMesh(t *testing.T, bad bool) *onMesh {
	t.Helper()
	m := meshWith(t, shop())
	say := func(text string) string {
		if bad {
			return hostile + " " + text
		}
		return text
	}
	now := time.Now().UTC().Truncate(time.Second)
	x := wire.Incident{ID: "mail-0011223344556677", State: wire.IncidentOpen, Severity: wire.SeverityDown, Opened: now.Add(-40 * time.Minute), At: now, Joined: now, N: 9, Summary: say("mail and 1 other are down: no answer from 3 of 3 agents"), Blame: &wire.Blame{Class: wire.BlameTarget, Sure: true, Why: say("its port answers nobody")},
		Ack: &wire.Ack{By: say("anna"), At: now.Add(-20 * time.Minute), Text: say("the disk is being replaced")}, Cause: wire.Cause{What: wire.CauseHost, Name: say("mx.example.org")},
		Members: []wire.IncidentMember{{About: wire.AboutMonitor, Name: "mail", Severity: wire.SeverityDown, Why: say("no answer from 3 of 3 agents"), Since: now.Add(-40 * time.Minute)},
			{About: wire.AboutMonitor, Name: "imap", Severity: wire.SeverityDown, Why: say("no answer from 3 of 3 agents"), Since: now.Add(-38 * time.Minute), Until: now.Add(-5 * time.Minute)}},
		Channels: []wire.ChannelState{{Channel: "ops-chat", N: 2, Reason: "opened", Decided: now.Add(-39 * time.Minute), Outcome: wire.Sent, At: now.Add(-39 * time.Minute), Rule: "all"}, {Channel: "pager", N: 1, Reason: "opened", Decided: now.Add(-39 * time.Minute), Outcome: wire.Undelivered, At: now.Add(-15 * time.Minute), Error: say("503 Service Unavailable")}}}
	for i, e := range []wire.Entry{{What: wire.EntryOpened, Text: "mail is down: no answer from 3 of 3 agents"}, {What: wire.EntryNotified, By: "ops-chat", Text: "ops-chat: opened"}, {What: wire.EntryChanged, Text: "imap joined: down, too"}, {What: wire.EntryAcknowledged, By: "anna", Text: "the disk is being replaced"},
		{What: wire.EntryUndelivered, By: "pager", Text: "503 Service Unavailable"}, {What: wire.EntryMuted, By: "silence k3v7q2ma", Text: ""}, {What: wire.EntryUnmuted, Text: "silence k3v7q2ma ended"}, {What: wire.EntryChanged, Text: "imap is up again"}} {
		e.At, e.Text = now.Add(time.Duration(i*5-40)*time.Minute), say(e.Text)
		x.Log = append(x.Log, e)
	}
	old := dbDown()
	old.ID, old.State, old.Opened, old.Resolved, old.Summary = "db-8899aabbccddeeff", wire.IncidentResolved, now.Add(-30*time.Hour), now.Add(-29*time.Hour), say("db was down: refused from 3 of 3 agents")
	m.w.Incidents(view.IncidentFacts{Incidents: []wire.Incident{x, old}})
	m.publish("incidents."+x.ID, x)
	m.publish("incidents."+old.ID, old)
	ops := m.client.Ops(console.Checks{})
	for _, s := range []wire.Silence{{ID: "k3v7q2ma", Match: wire.Match{Tags: map[string]string{"team": "shop"}}, Text: say("deploy of the new checkout")}, {ID: "m2c9x4pt", Match: wire.Match{Monitors: []string{"backup-link-*", "mail"}}, From: now.Add(20 * time.Hour), Text: say("the provider works on its line")}} {
		if _, err := ops.SaveSilence(t.Context(), s, 2*time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	store, err := m.client.Settings(t.Context())
	if err == nil {
		_, err = store.Save(t.Context(), &wire.Window{Name: "backup", Weekly: "Sun 02:00-04:00", Zone: "Europe/Oslo", Match: wire.Match{Monitors: []string{"backup-*"}}}, "saved")
	}
	if err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		e := wire.Audit{At: now.Add(time.Duration(i-300) * time.Minute), By: []string{"anna", "otto", ""}[i%3], Where: []string{"access", "monitors", "paris"}[i%3], Did: []string{"token", "save", "start"}[i%3], What: []string{say("web"), "checkout"}[:1+i%2], OK: i%7 != 3, Detail: say("role operator, 1h")}
		if !e.OK {
			e.Error = say("only an admin may do this")
		}
		m.publish("audit."+e.Where, e)
	}
	chain := chainResult("oslo", "aa", "CN="+say("example.org"), now.Add(74*24*time.Hour), "example.org", "www.example.org", say("shop.example.org"))
	twin, other := chain, chainResult("tokyo", "bb", "CN="+say("old.example.org"), now.Add(5*24*time.Hour), "example.org")
	twin.Agent = "paris"
	m.w.stored.last = []wire.Result{chain, twin, other}
	for k, id := range []string{"oslo", "paris", "tokyo"} {
		a := console.AgentLoss{Agent: id}
		for i := range m.w.graph.Columns {
			lost := 0.0
			if k == 1 && i > 28 && i < 34 || k == 2 && i%37 == 5 {
				lost = 0.2 * float64(k+i%3)
			}
			if k != 2 || i > 12 {
				a.Columns = append(a.Columns, console.LossColumn{At: m.w.graph.Columns[i].At, Loss: &lost})
			}
		}
		m.w.stored.losses = append(m.w.stored.losses, a)
	}
	m.w.Saved("web", &wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "https", Target: "example.org", Every: wire.Duration(10 * time.Second), Revision: 1}.WithDefaults(), Tags: map[string]string{"team": "shop", "env": "production"}}, nil, now)
	return m
}

// as signs the browser in.
func (m *onMesh) as(ctx context.Context, who string) {
	m.t.Helper()
	browsertest.Run(m.t, ctx, who, func(ctx context.Context, on *chromedp.Target) (chromedp.Void, error) {
		c := m.cookies[who]
		_, err := cdp.Call(ctx, on, network.SetCookie, network.SetCookieParams{Name: c.Name, Value: c.Value, URL: m.h.URL, SameSite: network.CookieSameSiteLax})
		return chromedp.Void{}, err
	})
}

var morePages = map[string]string{"incidents-live": "/incidents", "incidents-past": "/incidents?show=all", "story": "/incidents/mail-0011223344556677", "ack": "/incidents/mail-0011223344556677/ack", "mute": "/incidents/mail-0011223344556677/silence",
	"silences": "/silences", "silence-new": "/silences/new?monitor=mail", "silence-end": "/silences/k3v7q2ma/end", "audit": "/audit", "monitor-tls": "/monitors/web", "no-agent": "/monitors/web?agent=nosuch", "absent": "/monitors/nosuch"}

// TestBrowser_MorePages: the pages for operators can be read by everybody, on every screen,
// and of what others say in them nothing runs and nothing breaks them.
func TestBrowser_MorePages(t *testing.T) {
	for _, bad := range []bool{false, true} {
		t.Run(map[bool]string{false: "usual", true: "hostile"}[bad], func(t *testing.T) {
			ctx, quiet := browsertest.Open(t)
			m := busyMesh(t, bad)
			m.as(ctx, "otto")
			for name, path := range morePages {
				if name == "absent" {
					continue // a browser logs what is not there
				}
				for _, scheme := range []string{"light", "dark"} {
					for _, width := range []int64{360, 768, 1440} {
						if bad && (scheme == "dark" || width > 360) {
							continue
						}
						m.look(ctx, fmt.Sprintf("%s-%d-%s", name, width, scheme), path, width, scheme, bad)
					}
				}
			}
			quiet()
			m.look(ctx, "absent-360-light", morePages["absent"], 360, "light", bad)
		})
	}
}

// look opens a page, and fails the test for what a reader would stumble over.
func (m *onMesh) look(ctx context.Context, what, path string, width int64, scheme string, bad bool) {
	t := m.t
	t.Helper()
	show(t, ctx, m.h.URL+path, width, scheme)
	if wrong := browsertest.Run(t, ctx, what, chromedp.Evaluate[[]string](findings)); len(wrong) > 0 {
		t.Errorf("%s:\n  %s", what, strings.Join(wrong, "\n  "))
	}
	if n := browsertest.Run(t, ctx, what, chromedp.Evaluate[int](`document.querySelectorAll("img, main script, iframe").length`)); n > 0 {
		t.Errorf("%s: what others say became %d elements", what, n)
	}
	if tabs := browsertest.Run(t, ctx, what, chromedp.Evaluate[[]string](`[...document.querySelectorAll(".top a")].filter((a) => { const r = a.getBoundingClientRect(); return r.right > innerWidth || r.left < 0; }).map((a) => a.textContent)`)); len(tabs) > 0 {
		t.Errorf("%s: the tabs %v are outside", what, tabs)
	}
	if dir := os.Getenv("NETMON_SHOTS"); dir != "" && !bad {
		shot := browsertest.Run(t, ctx, what, chromedp.FullScreenshot(100))
		if err := os.WriteFile(filepath.Join(dir, what+".png"), shot, 0o600); err != nil {
			t.Error(err)
		}
	}
}

// TestBrowser_Times: a reader sees the own zone, which the page names, and UTC beside it
// where it matters, without pointing anywhere.
func TestBrowser_Times(t *testing.T) {
	ctx, _ := browsertest.Open(t)
	m := busyMesh(t, false)
	browsertest.Run(t, ctx, "zone", func(ctx context.Context, on *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, on, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Tokyo"})
		return chromedp.Void{}, err
	})
	m.as(ctx, "otto")
	show(t, ctx, m.h.URL+morePages["story"], 1440, "light")
	if text := browsertest.Run(t, ctx, "foot", chromedp.Evaluate[string](`document.getElementById("zone").textContent`)); text != "times are in Asia/Tokyo (UTC+9); UTC in the title" {
		t.Errorf("the foot says %q", text)
	}
	if n := browsertest.Run(t, ctx, "both", chromedp.Evaluate[int](`[...document.querySelectorAll(".story time")].filter((t) => /\d.* \(.*\d UTC\)$/.test(t.textContent)).length`)); n != 8 {
		t.Errorf("%d of 8 times of the story are there in both zones", n)
	}
	show(t, ctx, m.h.URL+"/silences/new", 1440, "light")
	if text := browsertest.Run(t, ctx, "form", chromedp.Evaluate[string](`document.querySelector("input[name=zone]").value + " " + document.querySelector(".zone").textContent`)); text != "Asia/Tokyo Asia/Tokyo" {
		t.Errorf("the form is in %q", text)
	}
}

// TestBrowser_Filter: the rows that a live page leaves are those of the server's answer, also
// for tags and agents, which are not in a row; keys lead to the new pages.
func TestBrowser_Filter(t *testing.T) {
	ctx, _ := browsertest.Open(t)
	m := busyMesh(t, false)
	m.as(ctx, "otto")
	show(t, ctx, m.h.URL+"/", 1440, "light")
	for _, tc := range []struct{ filter, want string }{{"tag:team=shop", "m-web"}, {"oslo down", "m-mail"}, {"osl", ""}, {"HTTPS up", "m-api m-web"}} {
		browsertest.Run(t, ctx, tc.filter, chromedp.Evaluate[string](fmt.Sprintf(`(() => { const f = document.getElementById("filter"); f.value = %q; f.dispatchEvent(new Event("input")); return ""; })()`, tc.filter)))
		browsertest.Run(t, ctx, "answer to "+tc.filter, chromedp.WaitReady(fmt.Sprintf(`#rows[data-filter=%q]`, tc.filter)))
		if left := browsertest.Run(t, ctx, tc.filter, chromedp.Evaluate[string](`[...document.querySelectorAll("#rows tr")].filter((r) => !r.hidden).map((r) => r.id).sort().join(" ")`)); left != tc.want {
			t.Errorf("%q leaves %q, want %q", tc.filter, left, tc.want)
		}
	}
	show(t, ctx, m.h.URL+"/agents", 1440, "light")
	for _, k := range []struct{ key, title string }{{"s", "Silences"}, {"u", "Audit"}} {
		browsertest.Run(t, ctx, "g", chromedp.KeyEvent("g"))
		browsertest.Run(t, ctx, k.key, chromedp.KeyEvent(k.key))
		browsertest.Run(t, ctx, k.title, chromedp.WaitReady(fmt.Sprintf(`nav a[aria-current=page][href="/%s"]`, strings.ToLower(k.title))))
	}
}

// TestBrowser_Print: on paper a page is dark on white whatever the screen has, without what
// one can only click, and strips, plots and the story are there.
func TestBrowser_Print(t *testing.T) {
	ctx, _ := browsertest.Open(t)
	m := busyMesh(t, false)
	for _, path := range []string{morePages["story"], "/monitors/web", "/"} {
		show(t, ctx, m.h.URL+path, 800, "dark")
		browsertest.Run(t, ctx, path, func(ctx context.Context, on *chromedp.Target) (chromedp.Void, error) {
			_, err := cdp.Call(ctx, on, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print", Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
			return chromedp.Void{}, err
		})
		if wrong := browsertest.Run(t, ctx, path, chromedp.Evaluate[[]string](findings)); len(wrong) > 0 {
			t.Errorf("%s: %v", path, wrong)
		}
		if ground := browsertest.Run(t, ctx, path, chromedp.Evaluate[string](`getComputedStyle(document.documentElement).backgroundColor`)); ground != "rgb(255, 255, 255)" {
			t.Errorf("%s: the paper is %s", path, ground)
		}
		if seen := browsertest.Run(t, ctx, path, chromedp.Evaluate[[]string](`[...document.querySelectorAll("nav, .btn, form, .live, details")].filter((e) => e.checkVisibility()).map((e) => e.outerHTML.slice(0, 60))`)); len(seen) > 0 {
			t.Errorf("%s: on paper are %v", path, seen)
		}
		if !browsertest.Run(t, ctx, path, chromedp.Evaluate[bool](`[...document.querySelectorAll(".story, .plot, .strip")].some((e) => e.checkVisibility() && e.getBoundingClientRect().height > 5)`)) {
			t.Errorf("%s: what is worth printing is not there", path)
		}
		if dir := os.Getenv("NETMON_SHOTS"); dir != "" {
			shot := browsertest.Run(t, ctx, path, chromedp.FullScreenshot(100))
			if err := os.WriteFile(filepath.Join(dir, "print"+strings.ReplaceAll(path, "/", "-")+".png"), shot, 0o600); err != nil {
				t.Error(err)
			}
		}
	}
}
