package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/net/html"

	"netmon/console"
	"netmon/console/view"
	"netmon/internal/natstest"
	"netmon/wire"
)

// onMesh are pages of a mesh with a broker of its own, where several people are signed in.
type onMesh struct {
	t       *testing.T
	w       *world
	s       *Server
	h       *httptest.Server
	client  *console.Client // of nobody in particular
	js      jetstream.JetStream
	cookies map[string]*http.Cookie // by name
}

// meshOf serves pages of a broker in this process, with a viewer, an operator and an admin.
func meshOf(t *testing.T) *onMesh { return meshWith(t, newWorld()) }

func meshWith(t *testing.T, w *world) *onMesh {
	t.Helper()
	b := natstest.Start(t)
	m := &onMesh{t: t, w: w, js: natstest.JetStream(t, natstest.Connect(t, b)), cookies: map[string]*http.Cookie{}}
	as := func(name string) *console.Client {
		cl, err := console.ConnectAs(console.Person{Name: name}, b.Connect)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cl.Close)
		return cl
	}
	m.client = as("nobody@here")
	m.s, m.h = w.serve(t, func(o *Options) { o.Archive = inMesh{w, m.client} })
	for name, role := range map[string]wire.Role{"vera": wire.RoleViewer, "otto": wire.RoleOperator, "anna": wire.RoleAdmin} {
		cl := as(name)
		_, cookie, err := m.s.sessions.open(t.Context(), Actor{Name: name, Role: role, Client: cl, Ops: cl.Ops(console.Checks{})}, "a test", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, m.h.URL, nil)
		m.cookies[name] = &http.Cookie{Name: m.s.cookieName(r), Value: cookie}
	}
	return m
}

// inMesh asks the broker for what is stored, and a test's world for the rest.
type inMesh struct {
	*world
	*console.Client
}

func (x inMesh) Graph(ctx context.Context, monitor, agent string, from, to time.Time, columns int) (console.Graph, error) {
	return x.world.Graph(ctx, monitor, agent, from, to, columns)
}

func (x inMesh) Uptime(ctx context.Context, f console.UptimeFilter) ([]console.UptimeRow, time.Time, error) {
	return x.world.Uptime(ctx, f)
}

func (x inMesh) Losses(ctx context.Context, monitor string, agents []string, from, to time.Time, columns int) ([]console.AgentLoss, error) {
	return x.world.Losses(ctx, monitor, agents, from, to, columns)
}

func (x inMesh) Last(ctx context.Context, monitor string, handle func(wire.Result)) error {
	return x.world.Last(ctx, monitor, handle)
}

func (x inMesh) PastIncidents(ctx context.Context, from time.Time) ([]wire.Incident, map[string]string, error) {
	return x.Client.PastIncidents(ctx, from)
}

func (x inMesh) ListSettings(ctx context.Context, sorts ...wire.Sort) ([]wire.Setting, error) {
	return x.Client.ListSettings(ctx, sorts...)
}

func (m *onMesh) publish(subject string, v any) {
	m.t.Helper()
	data, err := json.Marshal(v)
	if err == nil {
		_, err = m.js.Publish(m.t.Context(), subject, data)
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// do asks in somebody's name, "" for nobody's; a form is sent by POST.
func (m *onMesh) do(who, path string, fields url.Values) (int, string) {
	m.t.Helper()
	method, body := http.MethodGet, ""
	if fields != nil {
		method, body = http.MethodPost, fields.Encode()
	}
	r, err := http.NewRequestWithContext(m.t.Context(), method, m.h.URL+path, strings.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	if fields != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	jar := &oneCookie{m.cookies[who]}
	resp, err := (&http.Client{Jar: jar}).Do(r)
	if err != nil {
		m.t.Fatal(err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	if _, err := io.Copy(&b, resp.Body); err != nil {
		m.t.Fatal(err)
	}
	return resp.StatusCode, b.String()
}

// oneCookie is a browser of one session.
type oneCookie struct{ c *http.Cookie }

func (*oneCookie) SetCookies(*url.URL, []*http.Cookie) {}
func (j *oneCookie) Cookies(*url.URL) (list []*http.Cookie) {
	if j.c != nil {
		list = append(list, j.c)
	}
	return list
}

// send fills in the form of a page and sends it, as a browser does.
func (m *onMesh) send(who, path string, fields url.Values) (int, string) {
	m.t.Helper()
	code, page := m.do(who, path, nil)
	if code != http.StatusOK {
		m.t.Fatalf("%s: %d\n%s", path, code, page)
	}
	all := url.Values{"csrf": {tokenOf(m.t, page)}}
	maps.Copy(all, fields)
	return m.do(who, path, all)
}

// tokenOf is the token in the form of a page.
func tokenOf(t *testing.T, page string) string {
	t.Helper()
	z := html.NewTokenizer(strings.NewReader(page))
	for z.Next() != html.ErrorToken {
		if tok := z.Token(); tok.Data == "input" && attr(tok, "name") == "csrf" {
			return attr(tok, "value")
		}
	}
	t.Fatalf("there is no form in\n%s", page)
	return ""
}

func (m *onMesh) setting(sort wire.Sort, name string) wire.Setting {
	m.t.Helper()
	store, err := m.client.Settings(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	x, err := store.Get(m.t.Context(), sort, name)
	if err != nil {
		return nil
	}
	return x
}

func (m *onMesh) silences() (list []*wire.Silence) {
	m.t.Helper()
	all, err := m.client.ListSettings(m.t.Context(), wire.SortSilence)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, x := range all {
		list = append(list, x.(*wire.Silence))
	}
	return list
}

func dbDown() wire.Incident {
	at := time.Now().Add(-4 * time.Minute).UTC()
	return wire.Incident{ID: "db-0011223344556677", State: wire.IncidentOpen, Severity: wire.SeverityDown, Summary: "db is down: refused from 2 of 2 agents", Opened: at, Decided: at, At: at, Joined: at, N: 1,
		Members: []wire.IncidentMember{{About: wire.AboutMonitor, Name: "db", Severity: wire.SeverityDown, Why: "refused", Since: at}}, Log: []wire.Entry{{At: at, What: wire.EntryOpened, Text: "db is down"}}}
}

// TestActions_WhoMay: nobody is sent to sign in, a viewer is told that it takes an operator,
// and a form that is not of the session changes nothing.
func TestActions_WhoMay(t *testing.T) {
	m := meshOf(t)
	x := dbDown()
	acked := dbDown()
	acked.ID, acked.Ack = "web-0011223344556677", &wire.Ack{By: "anna", At: acked.At}
	m.w.Incidents(view.IncidentFacts{Incidents: []wire.Incident{x, acked}})
	cl := m.client
	if _, err := cl.Ops(console.Checks{}).SaveSilence(t.Context(), wire.Silence{ID: "keep", Match: wire.Match{Monitors: []string{"db"}}}, time.Hour); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/incidents/" + x.ID + "/ack", "/incidents/" + acked.ID + "/unack", "/incidents/" + x.ID + "/silence", "/silences/new", "/silences/keep/end", "/audit"} {
		for who, want := range map[string]int{"": http.StatusUnauthorized, "vera": http.StatusForbidden, "otto": http.StatusOK, "anna": http.StatusOK} {
			if code, page := m.do(who, path, nil); code != want {
				t.Errorf("GET %s by %q: %d, want %d\n%s", path, who, code, want, page)
			}
		}
		if path == "/audit" {
			continue
		}
		_, page := m.do("otto", path, nil)
		stolen := tokenOf(t, page)
		fields := url.Values{"monitor": {"db"}, "for": {"1h"}, "text": {"x"}, "all": {"1"}}
		for who, want := range map[string]int{"": http.StatusUnauthorized, "vera": http.StatusForbidden, "otto": http.StatusForbidden, "anna": http.StatusForbidden} {
			with := url.Values{"csrf": {"none"}}
			maps.Copy(with, fields)
			if who != "otto" {
				with.Set("csrf", stolen)
			}
			if code, page := m.do(who, path, with); code != want {
				t.Errorf("POST %s by %q: %d, want %d\n%s", path, who, code, want, page)
			}
		}
	}
	if list := m.silences(); len(list) != 1 || list[0].ID != "keep" || m.setting(wire.SortAck, x.ID) != nil {
		t.Errorf("who may not did something: %v", list)
	}
}

// TestActions_Incident: an operator acknowledges, takes back and silences, in the own name.
func TestActions_Incident(t *testing.T) {
	m := meshOf(t)
	x := dbDown()
	m.w.Incidents(view.IncidentFacts{Incidents: []wire.Incident{x}})
	code, page := m.send("otto", "/incidents/"+x.ID+"/ack", url.Values{"text": {"the disk is being\r\nreplaced <b>"}})
	if code != http.StatusOK || !strings.Contains(page, "Incident "+x.ID+" acknowledged") || !strings.Contains(page, `href="/incidents/`+x.ID) {
		t.Fatalf("%d\n%s", code, page)
	}
	a, ok := m.setting(wire.SortAck, x.ID).(*wire.Acknowledgement)
	if !ok || a.Author != "otto" || a.Text != "the disk is being\nreplaced <b>" {
		t.Errorf("saved: %+v", a)
	}
	x.Ack, x.N = &wire.Ack{By: "otto", At: time.Now(), Text: a.Text}, 2
	m.w.Incident(x)
	_, page = m.do("", "/incidents", nil)
	inOrder(t, page, "acknowledged by otto")
	_, page = m.do("", "/incidents/"+x.ID, nil)
	inOrder(t, page, "acknowledged by otto", "/unack", "Take back", "Acknowledged by otto at", `the disk is being\nreplaced &lt;b&gt;`)
	if code, page = m.send("anna", "/incidents/"+x.ID+"/unack", nil); code != http.StatusOK || m.setting(wire.SortAck, x.ID) != nil {
		t.Errorf("%d\n%s", code, page)
	}
	x.Ack, x.N = nil, 3
	m.w.Incident(x)
	if code, page = m.do("otto", "/incidents/"+x.ID+"/unack", nil); code != http.StatusConflict || !strings.Contains(page, "is not acknowledged") {
		t.Errorf("taking back what nobody acknowledged: %d\n%s", code, page)
	}

	for _, tc := range []struct {
		fields url.Values
		wrong  string
	}{
		{url.Values{"for": {"until"}}, "is missing: want a time such as 22:00"},
		{url.Values{"for": {"until"}, "until": {"last week"}}, "last week"},
		{url.Values{"for": {"until"}, "until": {"2001-01-01"}}, "want a time in the future"},
		{url.Values{"for": {"9y"}}, `got &#34;9y&#34;`},
	} {
		if code, page := m.send("otto", "/incidents/"+x.ID+"/silence", tc.fields); code != http.StatusUnprocessableEntity || !strings.Contains(page, tc.wrong) {
			t.Errorf("%v: %d, want %q in\n%s", tc.fields, code, tc.wrong, page)
		}
	}
	if code, page = m.send("otto", "/incidents/"+x.ID+"/silence", url.Values{"for": {"4h"}, "text": {"deploy"}}); code != http.StatusOK {
		t.Errorf("%d\n%s", code, page)
	}
	list := m.silences()
	if len(list) != 1 || list[0].Author != "otto" || list[0].Text != "deploy" || !slices.Equal(list[0].Match.Monitors, []string{"db"}) || list[0].Until.Sub(list[0].From) != 4*time.Hour {
		t.Errorf("saved: %+v", list)
	}
	if code, page = m.do("otto", "/incidents/nosuch/ack", nil); code != http.StatusNotFound || !strings.Contains(page, `no incident &#34;nosuch&#34;`) {
		t.Errorf("%d\n%s", code, page)
	}
	x.State, x.Resolved, x.N = wire.IncidentResolved, time.Now(), 4
	m.w.Incident(x)
	if code, page = m.do("otto", "/incidents/"+x.ID+"/ack", nil); code != http.StatusConflict || !strings.Contains(page, "is resolved") {
		t.Errorf("%d\n%s", code, page)
	}
}

// TestActions_NewSilence: every mistake stands beside its field, what is typed stays, it is
// looked at before it is saved, and the command is the same silence.
func TestActions_NewSilence(t *testing.T) {
	m := meshOf(t)
	if _, err := m.client.Ops(console.Checks{Monitor: func(wire.Monitor) error { return nil }}).Add(t.Context(), wire.Saved{Monitor: wire.Monitor{Name: "cart", Kind: "tcp", Target: "h:1", Every: wire.Duration(time.Minute)}, Tags: map[string]string{"team": "shop"}}); err != nil {
		t.Fatal(err)
	}
	_, page := m.do("otto", "/silences/new?monitor=cart", nil)
	inOrder(t, page, `name="monitor" value="cart"`, `name="for" value="2h"`)
	code, page := m.send("otto", "/silences/new", url.Values{"monitor": {"[ cart"}, "tag": {"a=b=c team=x team=y"}, "agent": {"[x"}, "from": {"someday"}, "for": {"2h"}, "until": {"22:00"}, "text": {`"><script>alert(1)</script>`}})
	if code != http.StatusUnprocessableEntity {
		t.Errorf("%d\n%s", code, page)
	}
	inOrder(t, page, `aria-invalid="true" aria-describedby="w-monitors"`, `id="w-monitors"`, `id="w-tags"`, "team is given twice", `id="w-agents"`, `id="w-until"`, "both say when it ends", `id="w-from"`, "someday")
	if !strings.Contains(page, `value="[ cart"`) || !strings.Contains(page, "&lt;script&gt;") {
		t.Error("what was typed is gone")
	}
	harmless(t, "/silences/new", page)
	for name, tc := range map[string]struct {
		fields url.Values
		wrong  string
	}{
		"nothing chosen":      {url.Values{"for": {"2h"}}, "mute what?"},
		"no such monitor":     {url.Values{"monitor": {"nosuch"}, "for": {"2h"}}, "chooses nothing that is saved or open now"},
		"no end":              {url.Values{"monitor": {"cart"}, "for": {""}}, "is missing: want how long"},
		"for ever":            {url.Values{"monitor": {"cart"}, "for": {"9999d"}}, "want 1s to 366d"},
		"an end that is past": {url.Values{"monitor": {"cart"}, "for": {""}, "until": {"2001-01-01"}}, "want a time after"},
	} {
		if code, page := m.send("otto", "/silences/new", tc.fields); code != http.StatusUnprocessableEntity || !strings.Contains(page, tc.wrong) {
			t.Errorf("%s: %d, want %q in\n%s", name, code, tc.wrong, page)
		}
	}
	if len(m.silences()) != 0 {
		t.Fatal("a mistake was saved")
	}
	fields := url.Values{"tag": {"team=shop"}, "for": {""}, "from": {"2031-01-01 22:00"}, "until": {"2031-01-01 23:30"}, "zone": {"Europe/Oslo"}, "text": {"it's a deploy"}}
	fields.Set("do", "check")
	if code, page = m.send("otto", "/silences/new", fields); code != http.StatusOK {
		t.Errorf("%d\n%s", code, page)
	}
	inOrder(t, page, "It matches now: <b>1 monitor and 0 open incidents", "cart", `netmon silence --tag team=shop --from 2031-01-01T21:00:00Z --until 2031-01-01T22:30:00Z -m`, `value="2031-01-01 22:00"`)
	if len(m.silences()) != 0 {
		t.Fatal("looking at it saves it")
	}
	fields.Set("do", "save")
	if code, page = m.send("otto", "/silences/new", fields); code != http.StatusOK {
		t.Errorf("%d\n%s", code, page)
	}
	list := m.silences()
	if len(list) != 1 || list[0].Author != "otto" || list[0].Match.Tags["team"] != "shop" || !list[0].From.Equal(time.Date(2031, 1, 1, 21, 0, 0, 0, time.UTC)) || list[0].Text != "it's a deploy" {
		t.Fatalf("saved: %+v", list)
	}
	_, page = m.do("", "/silences", nil)
	inOrder(t, page, "None mutes anything now", "Upcoming", "tag team=shop", "it&#39;s a deploy", "2031-01-01T21:00:00Z", "otto", "/silences/"+list[0].ID+"/end", "Maintenance windows")
	if code, page = m.send("anna", "/silences/"+list[0].ID+"/end", nil); code != http.StatusOK || len(m.silences()) != 0 {
		t.Errorf("%d\n%s", code, page)
	}
	if code, page = m.do("otto", "/silences/nosuch/end", nil); code != http.StatusNotFound {
		t.Errorf("%d\n%s", code, page)
	}
}

// TestAudit: the newest lines first, filtered, page by page; of a hostile one nothing
// becomes markup.
func TestAudit(t *testing.T) {
	m := meshOf(t)
	if _, page := m.do("otto", "/audit", nil); !strings.Contains(page, "Nothing is recorded yet") || !strings.Contains(page, "This mesh has no identities") {
		t.Error(page)
	}
	for i := range auditOnPage + 5 {
		m.publish("audit.paris", wire.Audit{At: time.Now(), By: "anna", Where: "paris", Did: "start", What: []string{fmt.Sprintf("m%d.", i)}, OK: true})
	}
	m.publish("audit.paris", wire.Audit{At: time.Now(), By: hostile, Where: "paris", Did: hostile, What: []string{hostile}, Detail: hostile, Error: hostile})
	code, page := m.do("otto", "/audit", nil)
	if code != http.StatusOK {
		t.Fatalf("%d\n%s", code, page)
	}
	harmless(t, "/audit", page)
	inOrder(t, page, "100 lines, the newest first", "refused", "m104.", "m6.", "Older")
	older := attrOf(t, page, "a", "rel", "next", "href")
	_, page = m.do("otto", older, nil)
	inOrder(t, page, "6 lines", "m5.", "m0.", "Newest")
	_, page = m.do("otto", "/audit?q="+url.QueryEscape("ANNA m17."), nil)
	inOrder(t, page, "1 line,", "m17.")
	_, page = m.do("otto", "/audit?q="+url.QueryEscape(hostile), nil)
	harmless(t, "/audit?q=", page)
	if _, page = m.do("otto", "/audit?q=nosuchword", nil); !strings.Contains(page, "No line has these words") {
		t.Error(page)
	}
}

// attrOf is an attribute of the first element of a name that has another one.
func attrOf(t *testing.T, page, name, key, value, want string) string {
	t.Helper()
	z := html.NewTokenizer(strings.NewReader(page))
	for z.Next() != html.ErrorToken {
		if tok := z.Token(); tok.Data == name && attr(tok, key) == value {
			return attr(tok, want)
		}
	}
	t.Fatalf("there is no <%s %s=%q> in\n%s", name, key, value, page)
	return ""
}

// TestIncidents_Past: incidents of 30 days come from the broker, page by page, filtered.
func TestIncidents_Past(t *testing.T) {
	m := meshOf(t)
	for i := range pastOnPage + 2 {
		x := dbDown()
		x.ID, x.State, x.Opened = fmt.Sprintf("m%d-%016x", i, i), wire.IncidentResolved, time.Now().Add(-time.Duration(i+1)*time.Hour).UTC()
		x.Resolved, x.At, x.Summary = x.Opened.Add(5*time.Minute), x.Opened.Add(5*time.Minute), fmt.Sprintf("m%d was down.", i)
		m.publish("incidents."+x.ID, x)
	}
	_, page := m.do("", "/incidents?show=all", nil)
	inOrder(t, page, "52 incidents of the last 30 days", "Page 1 of 2", "m0 was down.", "5m00s", "m49 was down.", "Older")
	_, page = m.do("", "/incidents?show=all&page=2", nil)
	inOrder(t, page, "m50 was down.", "m51 was down.", "Newer")
	_, page = m.do("", "/incidents?show=all&q=m17%20resolved", nil)
	inOrder(t, page, "1 incident of", "m17 was down.")
	open := dbDown()
	gone := dbDown()
	gone.ID, gone.State = "web-0011223344556677", wire.IncidentResolved
	m.w.Incidents(view.IncidentFacts{Incidents: []wire.Incident{open, gone}})
	_, page = m.do("", "/incidents?show=open", nil)
	if inOrder(t, page, `href="/incidents?show=open" aria-current="true"`, open.ID); strings.Contains(page, gone.ID) {
		t.Error("what is over is among the open ones")
	}
	next, _ := watch(t, m.h.URL+feedOf(t, page), false)
	open.Summary, open.N = "it is worse", 2
	m.w.Incident(open)
	m.w.changed()
	for e := next(); !strings.Contains(e.HTML["i-"+open.ID], "it is worse"); {
		e = next()
	}
	_, page = m.do("", "/incidents", nil)
	inOrder(t, page, open.ID, gone.ID)
}
