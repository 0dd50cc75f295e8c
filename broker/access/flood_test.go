package access_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/broker/access"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/internal/race"
	"netmon/wire"
)

// audited reads what the audit has of one place: who did what, in order.
func audited(t *testing.T, nc *nats.Conn, where string) (lines []string) {
	t.Helper()
	stream, err := natstest.JetStream(t, nc).Stream(t.Context(), wire.AuditStream)
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(1); seq <= stream.CachedInfo().State.LastSeq; seq++ {
		m, err := stream.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		if e, err := wire.DecodeAudit(m.Subject, m.Data); err != nil {
			t.Fatal(err)
		} else if e.Where == where {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s %v %s", e.By, e.Did, strings.Join(e.What, ","), e.OK, e.Detail)))
		}
	}
	return lines
}

func monitorText(author, name, change string) string {
	data, _ := json.Marshal(wire.Saved{Author: author, Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: "h:1", Every: wire.Duration(10 * time.Second), Timeout: wire.Duration(time.Second)}, Change: change})
	return string(data)
}

// TestAttack_AuditByFailures: an operator saves thousands of times what the
// broker does not take. What others save is in the audit, and how often it failed.
func TestAttack_AuditByFailures(t *testing.T) {
	need.Time(t)
	s := natstest.StartSecure(t)
	who := actors(t, s.Mesh)
	olga, anna := who[wire.RoleOperator].connect(t, s.Mesh), who[wire.RoleAdmin].connect(t, s.Mesh)
	store, _ := bucket(t, natstest.JetStream(t, s.As(t, access.Controller, "controller")))
	save := func(nc *nats.Conn, a actor, name, change string, over uint64) error {
		return saveSigned(nc, a.signer(), store, name, "", monitorText(a.name, name, change), over)
	}
	many := 3000
	if race.Enabled { // each is signed and checked
		many = 300
	}
	answers := make(chan *nats.Msg, many)
	inbox := olga.NewInbox()
	if _, err := olga.ChanSubscribe(inbox, answers); err != nil {
		t.Fatal(err)
	}
	for range many {
		m := message("$KV.monitors.web", monitorText("olga", "web", ""), "Nats-Expected-Last-Subject-Sequence", "999")
		m.Reply = inbox
		proof, err := who[wire.RoleOperator].signer().Sign(m.Subject, "", m.Data, wire.Proof{Store: store, Revision: 999})
		if err != nil {
			t.Fatal(err)
		}
		m.Header.Set(wire.ProofHeader, proof)
		if err := olga.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := save(anna, who[wire.RoleAdmin], "db", "a change", 0); err != nil {
		t.Fatal(err)
	}
	for range many {
		if m := <-answers; !strings.Contains(string(m.Data), "wrong last sequence") {
			t.Fatalf("%s", m.Data)
		}
	}
	// Whoever says too much leaves a trace anyway.
	if err := save(olga, who[wire.RoleOperator], "api", strings.Repeat("<", wire.MaxText), 0); err != nil {
		t.Fatal(err)
	}
	if err := save(olga, who[wire.RoleOperator], "web", "", 999); err == nil {
		t.Fatal("saved with a wrong revision")
	}
	if err := save(olga, who[wire.RoleOperator], "web", "done", 0); err != nil {
		t.Fatal(err)
	}
	var of = map[string][]string{}
	boss := s.As(t, access.Controller, "controller")
	var lines []string
	for limit := time.Now().Add(time.Minute); time.Now().Before(limit); <-time.After(10 * time.Millisecond) {
		// The answer to a save comes before its line of the audit.
		if lines = audited(t, boss, "monitors"); len(lines) > 0 && strings.HasSuffix(lines[len(lines)-1], "done") {
			break
		}
	}
	for _, line := range lines {
		by, _, _ := strings.Cut(line, " ")
		of[by] = append(of[by], line)
	}
	if got := strings.Join(of["anna"], "\n"); got != "anna save db true a change" {
		t.Errorf("of anna: %q", got)
	}
	want := []string{
		"olga save web false",
		fmt.Sprintf("olga save web false %d more that changed nothing, the last: save web", many-1),
		"olga save api true " + strings.Repeat("<", wire.MaxText/4-3) + "...",
		"olga save web false 1 more that changed nothing, the last: save web",
		"olga save web true done",
	}
	if got := strings.Join(of["olga"], "\n"); got != strings.Join(want, "\n") {
		t.Errorf("of olga:\n%.2000s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}
