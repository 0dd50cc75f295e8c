package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/console"
	"netmon/console/view"
	"netmon/identity"
	"netmon/internal/natstest"
	"netmon/wire"
)

// TestActions_OfIdentities: on a mesh with identities a page acts by the key of who signed
// in: the mesh records their name, whatever the page thinks of it, refuses a viewer, and
// shows the audit to an operator.
func TestActions_OfIdentities(t *testing.T) {
	b := natstest.StartSecure(t)
	person := func(role wire.Role, name string) *console.Client {
		id, dir := b.LetIn(t, role, name)
		cl, err := console.ConnectAs(console.Person{Name: name, Signer: identity.SignByFile(identity.Creds(dir)), Authority: id.Authority}, func(more ...nats.Option) (*nats.Conn, error) {
			o, err := id.Options(dir)
			if err != nil {
				return nil, err
			}
			return nats.Connect(id.URL, append(o, more...)...)
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cl.Close)
		return cl
	}
	m := &onMesh{t: t, w: newWorld(), cookies: map[string]*http.Cookie{}}
	m.client = person(wire.RoleViewer, "reader")
	m.s, m.h = m.w.serve(t, func(o *Options) {
		o.Archive = inMesh{m.w, m.client}
		o.Lend = func() (Lent, error) { return nil, errAbsent }
	})
	for name, role := range map[string]wire.Role{"vera": wire.RoleViewer, "otto": wire.RoleOperator} {
		cl := person(role, name)
		// The page takes both for operators: the mesh knows better.
		_, cookie, err := m.s.sessions.open(t.Context(), Actor{Name: name, Role: wire.RoleOperator, Client: cl, Ops: cl.Ops(console.Checks{})}, "a test", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		m.cookies[name] = &http.Cookie{Name: m.s.cookieName(httptest.NewRequest(http.MethodGet, m.h.URL, nil)), Value: cookie}
	}
	x := dbDown()
	m.w.Incidents(view.IncidentFacts{Incidents: []wire.Incident{x}})
	if code, page := m.send("vera", "/incidents/"+x.ID+"/ack", url.Values{"text": {"mine"}}); code != http.StatusForbidden {
		t.Errorf("a viewer acknowledges: %d\n%s", code, page)
	}
	if code, page := m.do("vera", "/audit", nil); code != http.StatusForbidden {
		t.Errorf("a viewer reads the audit: %d\n%s", code, page)
	}
	if code, page := m.send("otto", "/incidents/"+x.ID+"/ack", url.Values{"text": {"mine"}}); code != http.StatusOK {
		t.Errorf("an operator acknowledges: %d\n%s", code, page)
	}
	if a, ok := m.setting(wire.SortAck, x.ID).(*wire.Acknowledgement); !ok || a.Author != "otto" || a.Text != "mine" {
		t.Errorf("saved: %+v", a)
	}
	code, page := m.do("otto", "/audit?q=otto+ack", nil)
	if code != http.StatusOK || strings.Contains(page, "has no identities") {
		t.Errorf("%d\n%s", code, page)
	}
	inOrder(t, page, "1 line", "ack <span", x.ID, "otto")
}
