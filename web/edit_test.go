package web

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/net/html"

	"netmon/agent"
	"netmon/broker"
	"netmon/console"
	"netmon/console/monitorfile"
	"netmon/internal/natstest"
	"netmon/probes/kinds"
	"netmon/wire"
)

// mesh is a broker with an agent, and the pages of it.
type mesh struct {
	t   testing.TB
	b   *broker.Broker
	cl  *console.Client
	ops *console.Ops
	h   *httptest.Server
}

// newMesh serves pages in which who has the token acts with a role.
func newMesh(t testing.TB, role wire.Role) *mesh {
	t.Helper()
	m := &mesh{t: t, b: natstest.Start(t)}
	var err error
	m.cl, err = console.Connect(func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(m.b.URL(), o...) })
	m.must(err)
	t.Cleanup(m.cl.Close)
	m.ops = m.cl.Ops(console.Checks{Monitor: kinds.All().CheckMonitor})
	var following sync.WaitGroup
	t.Cleanup(following.Wait)
	_, m.h = newWorld().serve(t, func(o *Options) {
		o.Kinds, o.Token, o.Broker = kinds.All(), "the-token", m.b.URL()
		o.Own = Actor{Name: "anna", Role: role, Client: m.cl, Ops: m.ops}
		o.Archive = m.cl
		o.Follow = func(ctx context.Context) Model {
			model := m.cl.Model(console.ModelOptions{})
			following.Go(func() { model.Run(ctx) })
			return model
		}
		o.Write = func(m wire.Saved) (string, error) {
			var b strings.Builder
			err := monitorfile.Write(&b, console.Wanted{Monitors: []wire.Saved{m}}, "")
			return b.String(), err
		}
		o.History = func(ctx context.Context, name string) ([]console.Revision, error) {
			store, err := m.cl.Monitors(ctx)
			if err != nil {
				return nil, err
			}
			return store.History(ctx, name)
		}
	})
	return m
}

func (m *mesh) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// agent runs one, and waits until it is known.
func (m *mesh) agent(id string, labels map[string]string) {
	m.t.Helper()
	a, err := agent.New(agent.Options{Kinds: kinds.All(), ID: id, Labels: labels, State: filepath.Join(m.t.TempDir(), id), Version: "1.0.0",
		Connect: func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(m.b.URL(), o...) }})
	m.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := a.Run(ctx); err != nil {
			m.t.Error(err)
		}
	})
	m.t.Cleanup(func() { cancel(); running.Wait() })
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		list, err := m.cl.Agents(m.t.Context())
		m.must(err)
		if slices.ContainsFunc(list, func(a console.Agent) bool { return a.Agent == id && a.Online }) {
			return
		}
		if time.Now().After(end) {
			m.t.Fatalf("%s does not come", id)
		}
	}
}

func (m *mesh) saved(name string) wire.Saved {
	m.t.Helper()
	store, err := m.cl.Monitors(m.t.Context())
	m.must(err)
	x, err := store.Get(m.t.Context(), name)
	m.must(err)
	return x
}

// visitor is a browser without JavaScript.
type visitor struct {
	t    testing.TB
	base string
	c    *http.Client
}

func (m *mesh) visitor(token string) *visitor {
	m.t.Helper()
	jar, err := cookiejar.New(nil)
	m.must(err)
	v := &visitor{m.t, m.h.URL, &http.Client{Jar: jar}}
	if token != "" {
		v.get("/?token=" + token)
	}
	return v
}

func (v *visitor) do(r *http.Request) (int, string) {
	v.t.Helper()
	resp, err := v.c.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		harmless(v.t, r.URL.Path, string(b))
	}
	return resp.StatusCode, string(b)
}

func (v *visitor) get(path string) (int, string) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, v.base+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.do(r)
}

func (v *visitor) post(path string, fields url.Values) (int, string) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.base+path, strings.NewReader(fields.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.do(r)
}

// filled is what a browser would send of the form on a page.
func filled(t testing.TB, page string) url.Values {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	out := url.Values{}
	var walk func(n *html.Node, in bool)
	walk = func(n *html.Node, in bool) {
		of := func(key string) string {
			for _, a := range n.Attr {
				if a.Key == key {
					return a.Val
				}
			}
			return ""
		}
		in = in || n.Type == html.ElementNode && n.Data == "form" && of("class") == "sheet"
		if in && n.Type == html.ElementNode && of("name") != "" {
			switch n.Data {
			case "input":
				out.Set(of("name"), of("value"))
			case "textarea":
				text := ""
				if n.FirstChild != nil {
					text = n.FirstChild.Data
				}
				out.Set(of("name"), strings.ReplaceAll(text, "\n", "\r\n"))
			case "select":
				for o := n.FirstChild; o != nil; o = o.NextSibling {
					for _, a := range o.Attr {
						if a.Key == "selected" {
							out.Set(of("name"), nodeAttr(o, "value"))
						}
					}
				}
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c, in)
		}
	}
	walk(doc, false)
	if out.Get("csrf") == "" {
		t.Fatalf("there is no form in\n%s", page)
	}
	return out
}

func nodeAttr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// send gets a form, fills in fields, and sends it.
func (v *visitor) send(path string, fields ...string) (int, string) {
	v.t.Helper()
	code, page := v.get(path)
	if code != http.StatusOK {
		v.t.Fatalf("%s: %d\n%s", path, code, page)
	}
	return v.post(path, with(filled(v.t, page), fields...))
}

func with(form url.Values, fields ...string) url.Values {
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return form
}

// listening is a target that accepts connections.
func listening(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	return l.Addr().String()
}

// TestEdit_FromAddToDelete: a monitor from its first measurement to its end, by forms alone.
func TestEdit_FromAddToDelete(t *testing.T) {
	m := newMesh(t, wire.RoleAdmin)
	m.agent("paris", map[string]string{"region": "eu"})
	target := listening(t)
	v := m.visitor("the-token")

	code, page := v.get("/add")
	inOrder(t, page, "<h1>Add a monitor</h1>", `href="/add?kind=https"`, `href="/add?kind=http"`, `href="/add?kind=tcp"`, "connects, and can hold a dialogue")
	if code != http.StatusOK {
		t.Error(code)
	}
	_, page = v.get("/add?kind=tcp")
	inOrder(t, page, "HOST:PORT, such as example.com:22", "Every", `value="10s"`, `placeholder="5s"`, `value="all"`, "paris", "region=eu", "expect.banner", "starttls", "All options", "tls", "How it is judged", "quorum", "Tags", "Measure now", "Save")

	code, page = v.send("/add?kind=tcp", "target", target, "on", "region=eu", "tags", "team=shop", "do", "measure")
	inOrder(t, page, `value="`+target+`"`, "What the agents measured", "paris", "ok", "Figures", "connect", "The same as a command", "netmon add tcp "+target+" --name tcp-127-0-0-1-", "--on region=eu --tag team=shop")
	if code != http.StatusOK || strings.Contains(page, `role="alert"`) {
		t.Errorf("%d\n%s", code, page)
	}
	if store, _ := m.cl.Monitors(t.Context()); store != nil {
		if names, err := store.Names(t.Context()); err != nil || len(names) > 0 {
			t.Errorf("a measurement saved %v %v", names, err)
		}
	}

	code, page = v.post("/add?kind=tcp", with(filled(t, page), "name", "web", "do", "save"))
	inOrder(t, page, "<h1>web saved</h1>", "paris", "running", "The same as a command", "netmon add tcp "+target+" --name web --every 10s --on region=eu --tag team=shop", `href="/monitors/web"`)
	if got := m.saved("web"); code != http.StatusOK || got.Target != target || got.Agents.String() != "region=eu" || got.Tags["team"] != "shop" || got.Author == "" {
		t.Errorf("%d %+v", code, got)
	}
	if _, page = v.send("/add?kind=tcp", "target", "127.0.0.1:1", "name", "web", "do", "save"); !strings.Contains(page, "exists already") {
		t.Error(page)
	}

	_, page = v.get("/monitors/web")
	inOrder(t, page, `href="/monitors/web/edit"`, `href="/monitors/web/run"`, `href="/monitors/web/stop"`, `href="/add?of=web"`, `href="/silences/new?monitor=web"`, `href="/monitors/web/delete"`)

	_, page = v.send("/monitors/web/edit", "every", "1m", "o.within", "2s", "tags", "team=shop\nenv=prod", "quorum", "any", "do", "save")
	inOrder(t, page, "<h1>web changed</h1>", "paris", "running", "netmon set web every=1m within=2s verdict.quorum=any tags.env=prod")
	got := m.saved("web")
	if got.Every.String() != "1m" || got.Timeout.String() != "5s" || string(got.Options) != `{"within":"2s"}` || got.Verdict.Quorum.String() != "any" || got.Tags["env"] != "prod" || got.Change != "set every, within, verdict.quorum, tags" {
		t.Errorf("%+v %s", got, got.Options)
	}
	_, page = v.send("/monitors/web/edit", "do", "save")
	inOrder(t, page, "<h1>web is unchanged")
	if got.Edition != m.saved("web").Edition {
		t.Error("an edit that changes nothing made a revision")
	}

	_, page = v.get("/monitors/web/rollback")
	inOrder(t, page, "revision 2 ", "revision 1 ", `href="/monitors/web/rollback?to=1"`)
	_, page = v.get("/monitors/web/rollback?to=1")
	inOrder(t, page, "Roll web back to revision 1", "What changes of revision 2", "every: 1m", "every: 10s", "Roll back")
	_, page = v.send("/monitors/web/rollback?to=1")
	inOrder(t, page, "<h1>web", "netmon rollback web --to 1")
	if got := m.saved("web"); got.Every.String() != "10s" || got.Edition != 3 {
		t.Errorf("%+v", got)
	}

	_, page = v.send("/monitors/web/run")
	inOrder(t, page, "<h1>web ran</h1>", "paris", "ok", "netmon run web")
	_, page = v.send("/monitors/web/stop")
	inOrder(t, page, "<h1>web stopped</h1>", "netmon stop web")
	if !m.saved("web").Paused {
		t.Error("it is not paused")
	}
	_, page = v.send("/monitors/web/start", "on", "all")
	inOrder(t, page, "<h1>web started on all</h1>", "netmon start web --on all")
	if got := m.saved("web"); got.Paused || got.Agents.String() != "all" {
		t.Errorf("%+v", got)
	}
	if code, page := v.send("/monitors/web/stop", "on", "rome"); code != http.StatusUnprocessableEntity || !strings.Contains(page, "rome") {
		t.Errorf("%d %s", code, page)
	}

	_, page = v.send("/add?of=web", "depends_on", "web", "do", "save")
	inOrder(t, page, "<h1>web-2 saved</h1>", "--depends-on web")
	if got := m.saved("web-2"); got.Change != "copied from web" || got.DependsOn[0] != "web" {
		t.Errorf("%+v", got)
	}
	code, page = v.send("/monitors/web/delete?anyway=yes") // as a link from elsewhere could say: the form alone agrees
	inOrder(t, page, `role="alert"`, "web-2 depends on web", "Delete anyway")
	if m.saved("web"); code != http.StatusUnprocessableEntity {
		t.Error(code)
	}
	_, page = v.post("/monitors/web/delete", filled(t, page))
	inOrder(t, page, "<h1>web deleted", `href="/monitors/web/rollback"`)
	if code, _ := v.get("/monitors/web/edit"); code != http.StatusNotFound {
		t.Error(code)
	}
	_, page = v.get("/monitors/web/rollback")
	inOrder(t, page, "It is deleted", "deleted", "to=5")
	_, page = v.send("/monitors/web/rollback?to=3")
	m.saved("web")
	inOrder(t, page, "<h1>web")
}
