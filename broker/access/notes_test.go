package access_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/broker/access"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/wire"
)

// silent takes what is sent on a subject and does not answer, as a stream
// without a leader does.
func silent(t *testing.T, nc *nats.Conn, subject string) {
	t.Helper()
	if _, err := nc.SubscribeSync(subject); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
}

// TestRevoke_DoesNotWaitForTheAudit, of whom was shut out before either.
func TestRevoke_DoesNotWaitForTheAudit(t *testing.T) {
	need.Time(t)
	s := natstest.StartSecure(t)
	who := actors(t, s.Mesh)
	_, first := watched(t, who[wire.RoleOperator].id, who[wire.RoleOperator].dir)
	_, second := watched(t, who[wire.RoleViewer].id, who[wire.RoleViewer].dir)
	admin, signer := who[wire.RoleAdmin].connect(t, s.Mesh), who[wire.RoleAdmin].signer()
	boss := s.As(t, access.Controller, "controller")
	if err := natstest.JetStream(t, boss).DeleteStream(t.Context(), wire.AuditStream); err != nil {
		t.Fatal(err)
	}
	silent(t, boss, "audit.>")
	begun := time.Now()
	for _, name := range []string{"olga", "vic"} {
		if err := askSigned(admin, signer, wire.AccessAdminSubject, `{"op":"revoke","name":"`+name+`"}`); err != nil {
			t.Fatal(err)
		}
	}
	isCut(t, "olga", first)
	isCut(t, "vic", second)
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("they were cut off after %v", took)
	}
}

// TestRevoke_ListIsTriedAgain: the disk was full as somebody was shut out.
func TestRevoke_ListIsTriedAgain(t *testing.T) {
	s := natstest.StartSecure(t)
	who := actors(t, s.Mesh)
	admin, signer := who[wire.RoleAdmin].connect(t, s.Mesh), who[wire.RoleAdmin].signer()
	file := filepath.Join(filepath.Dir(s.Admin()), "trust.json")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(file, 0o700); err != nil { // no file goes in its place
		t.Fatal(err)
	}
	err := askSigned(admin, signer, wire.AccessAdminSubject, `{"op":"revoke","name":"olga"}`)
	if err == nil || !strings.Contains(err.Error(), "the broker keeps trying") {
		t.Errorf("revoke: %v", err)
	}
	if list, _, _ := s.Trust(); !strings.Contains(list.Trust, `"olga"`) {
		t.Error("a list that is not on disk was given out")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	until(t, "olga is off the list", func() bool {
		list, _, _ := s.Trust()
		return !strings.Contains(list.Trust, `"olga"`)
	})
}

// TestAudit_ChangeWhoseAnswerWasLost: what may have been saved is a line.
func TestAudit_ChangeWhoseAnswerWasLost(t *testing.T) {
	s := natstest.StartSecure(t)
	boss := s.As(t, access.Controller, "controller")
	js := natstest.JetStream(t, boss)
	nc, signer := s.Signing(t, wire.RoleOperator, "olga")
	store, _ := bucket(t, js)
	if err := saveSigned(nc, signer, store, "web", "", monitorText("olga", "web", ""), 0); err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(t.Context(), "KV_"+wire.MonitorsBucket); err != nil {
		t.Fatal(err)
	}
	silent(t, boss, "$KV.monitors.>")
	go saveSigned(nc, signer, store, "db", "", monitorText("olga", "db", ""), 0)
	until(t, "the audit has both", func() bool {
		return strings.Join(audited(t, boss, "monitors"), "\n") == "olga save web true\nolga save db false"
	})
}
