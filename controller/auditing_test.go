package controller

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/broker/access"
	"netmon/identity"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/wire"
)

func TestAuditTrouble(t *testing.T) {
	at := time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		line wire.Audit
		want string // "" is nothing
	}{
		{"a token", wire.Audit{By: "anna", Where: "access", Did: "token", What: []string{"paris"}, Detail: "agent", OK: true}, "anna made a token for paris (agent)"},
		{"somebody joined", wire.Audit{By: "paris", Where: "access", Did: "join", What: []string{"paris"}, Detail: "agent", OK: true}, "paris joined (agent)"},
		{"shut out", wire.Audit{By: "anna", Where: "access", Did: "revoke", What: []string{"rome"}, OK: true}, "anna shut out rome"},
		{"by the broker", wire.Audit{By: "the broker", Where: "access", Did: "suspend", What: []string{"rome"}, OK: true}, "the broker suspended rome"},
		{"the authority", wire.Audit{By: "anna", Where: "access", Did: "authority-switch", What: []string{"x"}, Detail: "before: y", OK: true}, "anna changed the authority (before: y)"},
		{"what was not done", wire.Audit{By: "eve", Where: "access", Did: "revoke", What: []string{"rome"}}, ""},
		{"a monitor is saved", wire.Audit{By: "olga", Where: "monitors", Did: "save", What: []string{"web"}, OK: true}, ""},
		{"an agent that says so itself", wire.Audit{By: "olga", Where: "paris", Did: "revoke", What: []string{"web"}, OK: true}, ""},
		{"one's own key", wire.Audit{By: "olga", Where: "access", Did: "rotate", What: []string{"olga"}, OK: true}, ""},
	} {
		got, ok := auditTrouble(&c.line, 7, at)
		if ok != (c.want != "") || got.Why != c.want {
			t.Errorf("%s: %v %+v, want %q", c.name, ok, got, c.want)
		}
		if ok && (wire.CheckToken(got.Name) != nil || wire.CheckToken(got.Incident) != nil || !got.Wrong || !got.At.Equal(at)) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

// TestKeeping_Audit: a change of access is an incident that ends by itself, once,
// whoever leads; what was done before the first start is none.
func TestKeeping_Audit(t *testing.T) {
	need.Time(t)
	k := newKept(t)
	did := func(what string) {
		t.Helper()
		k.publish("audit.access", wire.Audit{At: time.Now().UTC(), By: "anna", Where: "access", Did: "token", What: []string{what}, OK: true})
	}
	did("before")
	k.save(hook())
	k.save(rule())
	l := k.start(func(g *keeping) { g.every = time.Hour })
	k.started(l)
	did("paris")
	if n := k.send("hook", wire.Sent); n.Reason != wire.ReasonOpened {
		t.Errorf("notice %+v", n)
	}
	over := k.await("over", func(i wire.Incident) bool { return i.State == wire.IncidentResolved })
	if over.Severity != wire.SeverityAudit {
		t.Errorf("%+v", over)
	}
	l.nc.Close() // how far the audit was read is not stored
	l.stop()
	k.started(k.start(nil))
	did("rome")
	if n := k.send("hook", wire.Sent); n.Incident == over.ID || n.Reason != wire.ReasonOpened {
		t.Errorf("notice %+v", n)
	}
	if all := k.incidents(); len(all) != 2 {
		t.Errorf("%+v", all)
	}
}

// TestController_InAMeshThatAsks: where the broker has identities the leader may all
// that it has to, what was saved before that is taken over, and what nobody let in
// counts for nothing.
func TestController_InAMeshThatAsks(t *testing.T) {
	s := natstest.StartSecure(t)
	boss := s.As(t, access.Controller, "controller")
	k := &kept{t: t, b: s.Broker, js: natstest.JetStream(t, boss), n: map[string]uint64{}}
	k.save(hook()) // before anybody had to sign
	k.save(rule())
	c, err := New(boss, func(context.Context) error { return nil },
		Access{Labels: s.Labels, Signer: s.Signer(), Trust: s.Trust, Behind: s.Behind, CheckSaved: s.CheckSaved, Adopt: s.Adopt}, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	(&mesh{t: t}).running(c.Run)
	for begun := time.Now(); ; <-time.After(20 * time.Millisecond) { // it reads the audit from now on
		last, err := lastOf(t.Context(), k.js, wire.IncidentsStream, keptPosition)
		var at keptAt
		if err == nil && json.Unmarshal(last.Data, &at) == nil && !at.AuditOf.IsZero() {
			break
		}
		if time.Since(begun) > time.Minute {
			t.Fatal("it does not begin")
		}
	}
	k.save(&wire.Channel{Name: "intruder", Kind: "webhook"})
	s.LetIn(t, wire.RoleAgent, "rome")
	admin, signer := s.Signing(t, wire.RoleAdmin, "anna")
	if _, err := identity.NewRequests(signer, func(ctx context.Context, m *nats.Msg) (*nats.Msg, error) {
		return admin.RequestMsgWithContext(ctx, m)
	}).Do(t.Context(), wire.AccessAdminSubject, []byte(`{"op":"revoke","name":"rome"}`)); err != nil {
		t.Fatal(err)
	}
	i := k.await("told", func(i wire.Incident) bool { return i.Severity == wire.SeverityAudit && len(i.Channels) > 0 })
	if len(i.Channels) != 1 || i.Channels[0].Channel != "hook" {
		t.Errorf("told are %+v", i.Channels)
	}
	if n := k.send("hook", wire.Sent); n.Reason != wire.ReasonOpened {
		t.Errorf("notice %+v", n)
	}
}
