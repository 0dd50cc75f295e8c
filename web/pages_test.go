package web

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"netmon/console"
	"netmon/console/view"
	"netmon/wire"
)

// TestPages_SayWhatIs: each page, without JavaScript, has the states in words and marks, the
// worst first, with why.
func TestPages_SayWhatIs(t *testing.T) {
	w := newWorld()
	w.agent("paris")
	w.save("web", "https", "shop.example.org")
	w.save("db", "tcp", "db:5432")
	w.judge("web", wire.VerdictUp, "")
	w.judge("db", wire.VerdictDown, "refused from 1 of 1 agent")
	w.Incidents(view.IncidentFacts{Incidents: []wire.Incident{{ID: "abcdef", State: wire.IncidentOpen, Severity: wire.SeverityDown, Opened: time.Now(), N: 1,
		Members: []wire.IncidentMember{{About: wire.AboutMonitor, Name: "db", Severity: wire.SeverityDown, Why: "refused", Since: time.Now()}}}}})
	_, h := w.serve(t)
	for path, want := range map[string][]string{
		"/":                   {"<title>(1 down) Monitors", "✕ 1 down", "● 1 up", "1 of 1 agent is online.", `id="m-db"`, `aria-label="down"`, "TCP · db:5432", "refused from 1 of 1 agent", `id="m-web"`, "1 of 1 agent"},
		"/?q=shop":            {`value="shop"`, `id="m-web"`},
		"/matrix":             {"paris", `id="x-db"`, "✕", `id="x-web"`, "●"},
		"/agents":             {"1 of 1 agent is online.", "paris", "online"},
		"/incidents":          {"1 incident is open.", `href="/incidents/abcdef"`},
		"/incidents/abcdef":   {"db: refused", "down</b>, open, since", "incident abcdef", "/incidents/abcdef/ack", "/incidents/abcdef/silence", "What happened", "Members <small>1", "✕ db down since", "No rule has sent"},
		"/monitors/db":        {"TCP · db:5432", "down</b> since", "refused from 1 of 1 agent", "nobody answers", "On each agent", "It is not saved"},
		"/monitors/db?span=x": {`aria-current="true">24h`},
	} {
		code, text, header := get(t, h.URL+path)
		if code != http.StatusOK || header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: %d %s", path, code, header.Get("Content-Type"))
		}
		inOrder(t, text, want...)
	}
	if _, text, _ := get(t, h.URL+"/?q=shop"); strings.Contains(text, "m-db") {
		t.Error("the filter leaves what does not match")
	}
	for _, path := range []string{"/monitors/nosuch", "/monitors/a%20b", "/incidents/nosuch", "/nosuch", "/static/page.css"} {
		if code, _, _ := get(t, h.URL+path); code != http.StatusNotFound {
			t.Errorf("%s: %d", path, code)
		}
	}
}

// hostile is what targets, agents and other clients might say.
const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>'</svg></title>{{.}}` + "\x1b[2J\r\n\t\u202e&amp;"

// TestPages_NothingBecomesMarkup: of nothing that others say comes an element, a handler, or
// what asks another site.
func TestPages_NothingBecomesMarkup(t *testing.T) {
	w := newWorld()
	now := time.Now()
	w.Heartbeat(wire.Alive{Agent: "paris", At: now, Started: now, Version: hostile, Labels: map[string]string{"a": hostile}, Notes: []string{hostile}, Refused: map[string]string{"web": hostile}}, now, now)
	saved := wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: hostile, Target: hostile, Every: wire.Duration(time.Second), Revision: 1}.WithDefaults(), Tags: map[string]string{"t": hostile}, DependsOn: []string{hostile}, Author: hostile, Change: hostile}
	w.Saved("web", &saved, nil, now)
	ns := int64(1e6)
	for n, r := range []wire.Result{{Outcome: wire.OK, LatencyNS: &ns, Summary: hostile, Address: hostile}, {Outcome: wire.Failed, Failure: hostile, Error: hostile}} {
		r.Agent, r.Monitor, r.Kind, r.Target, r.Epoch, r.Run, r.Revision, r.Started = "paris", "web", hostile, hostile, "E", uint64(n), 1, now.Add(time.Duration(n)*time.Millisecond)
		w.ResultAt(r, r.Started, now)
	}
	w.judge("web", wire.VerdictDown, hostile)
	w.AgentVerdict(wire.AgentVerdict{Agent: "paris", Status: hostile, Why: hostile, Monitors: 1})
	w.Incidents(view.IncidentFacts{Incidents: []wire.Incident{{ID: "abc", State: wire.IncidentOpen, Severity: hostile, Opened: now, N: 1, Summary: hostile, Ack: &wire.Ack{By: hostile, Text: hostile, At: now},
		Members: []wire.IncidentMember{{About: hostile, Name: hostile, Severity: hostile, Why: hostile, Since: now}}, Log: []wire.Entry{{At: now, What: hostile, By: hostile, Text: hostile}}}}})
	w.graph = console.Graph{Monitor: "web", Agent: hostile, From: now.Add(-time.Hour), To: now, Step: wire.Duration(time.Minute), Columns: []console.GraphColumn{{At: now.Add(-time.Minute), Runs: 1, P50NS: &ns, MaxNS: &ns}}}
	w.uptime = []console.UptimeRow{{Monitor: "web", Outages: []console.OutageRow{{Since: now, Until: now, Blame: hostile}}}}
	_, h := w.serve(t, func(o *Options) {
		o.Broker, o.Version = hostile, hostile
		o.History = func(context.Context, string) ([]console.Revision, error) {
			return []console.Revision{{Edition: 1, At: now, Author: hostile, Saved: &saved}}, nil
		}
	})
	for _, path := range []string{"/", "/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "/matrix", "/agents", "/incidents", "/incidents/abc", "/monitors/web", "/monitors/web?agent=%22%3E%3Cscript%3E&span=1h", "/plot/web?agent=%3Cscript%3E", "/nosuch"} {
		code, text, _ := get(t, h.URL+path)
		if code != http.StatusOK && path != "/nosuch" {
			t.Errorf("%s: %d", path, code)
		}
		harmless(t, path, text)
	}
}

// harmless checks that a page has the elements of our templates alone, no handlers, and
// addresses of ours.
func harmless(t testing.TB, path, text string) {
	t.Helper()
	z := html.NewTokenizer(strings.NewReader(text))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return
		case html.StartTagToken, html.SelfClosingTagToken:
			tok := z.Token()
			for _, a := range tok.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
					t.Errorf("%s: <%s %s=%q>", path, tok.Data, a.Key, a.Val)
				}
				if (a.Key == "href" || a.Key == "src") && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "?") && !strings.HasPrefix(a.Val, "#") {
					t.Errorf("%s: <%s %s=%q> is elsewhere", path, tok.Data, a.Key, a.Val)
				}
			}
			if tok.Data == "img" || tok.Data == "iframe" || tok.Data == "style" || tok.Data == "script" && !strings.HasPrefix(attr(tok, "src"), "/static/") {
				t.Errorf("%s: there is a <%s>", path, tok.Data)
			}
			if tok.Data == "script" && z.Next() == html.TextToken && strings.TrimSpace(z.Token().Data) != "" {
				t.Errorf("%s: a script is in the page", path)
			}
		case html.TextToken:
			for _, r := range string(z.Text()) {
				if r == '\x1b' || r == '\u202e' {
					t.Errorf("%s: a character that is not shown as it is: %q", path, r)
				}
			}
		}
	}
}

func attr(t html.Token, key string) string {
	for _, a := range t.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}
