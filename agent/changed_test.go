package agent

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"netmon/identity"
	"netmon/internal/natstest"
	"netmon/wire"
)

// TestAgent_SavesWhatChanged: a command that changes nothing writes no file.
func TestAgent_SavesWhatChanged(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	dir, addr := t.TempDir(), target(t)
	launch(t, "paris", dir, over(b)).awaitOpen()
	path := filepath.Join(dir, stateName)
	var before os.FileInfo
	managed := func(revision int, every string) string {
		return fmt.Sprintf(`{"op":"start","store":"s","revision":%d,"monitors":[{"name":"db","kind":"tcp","target":%q,"every":%q,"revision":%d}]}`, revision, addr, every, revision)
	}
	for _, c := range []struct {
		command string
		saved   bool
	}{
		{startCommand("web", addr), true},
		{startCommand("web", addr), false},
		{`{"op":"start","monitors":[{"name":"bad","kind":"tcp","target":"nowhere"}]}`, false},
		{`{"op":"stop","names":["junk"]}`, false},
		{`{"op":"list"}`, false},
		{managed(3, "10s"), true},
		{managed(3, "10s"), false},
		{managed(4, "10s"), true}, // measures the same, as of another revision
		{managed(2, "20s"), false},
		{`{"op":"sync","store":"s","revision":6,"have":{"db":4}}`, true},
		{`{"op":"sync","store":"s","revision":6,"have":{"db":4}}`, false},
		{`{"op":"sync","store":"s","revision":5,"have":{"db":4}}`, false},
		{`{"op":"sync","store":"s","revision":7,"have":{"db":4}}`, true},
		{`{"op":"stop","store":"s","revision":8,"names":["gone"]}`, true}, // an older start of it is stale
		{`{"op":"stop","store":"s","revision":8,"names":["gone"]}`, false},
		{`{"op":"stop","names":["web"]}`, true},
		{`{"op":"stop","names":["web"]}`, false},
		{`{"op":"sync","store":"s","revision":9}`, true},
	} {
		r := ask(t, nc, "paris", c.command)
		after, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if saved := before == nil || !os.SameFile(before, after); saved != c.saved {
			t.Errorf("%s: saved %v, want %v (%+v)", c.command, saved, c.saved, r)
		}
		before = after
	}
}

// TestAgent_SavesLaterWhatItCouldNot: the next command tries again, whatever it is.
func TestAgent_SavesLaterWhatItCouldNot(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	dir := t.TempDir()
	l := launch(t, "paris", dir, over(b))
	l.awaitOpen()
	move := func(to string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.o.State = to
	}
	move(filepath.Join(dir, "missing"))
	if r := ask(t, nc, "paris", startCommand("web", target(t))); !r.OK {
		t.Fatal(r.Error)
	}
	if notes := l.alive().Notes; len(notes) != 1 || !strings.Contains(notes[0], "could not save which monitors run") {
		t.Errorf("notes %q", notes)
	}
	move(dir)
	ask(t, nc, "paris", `{"op":"stop","names":["junk"]}`)
	if s, _, err := loadState(dir, "paris"); err != nil || len(s.Monitors) != 1 || len(l.alive().Notes) > 0 {
		t.Errorf("saved %+v, %v; notes %q", s, err, l.alive().Notes)
	}
}

// audited reads what the audit has of one place, in order.
func audited(t *testing.T, nc *nats.Conn, where string) (out []wire.Audit) {
	t.Helper()
	js := natstest.JetStream(t, nc)
	stream, err := js.Stream(t.Context(), wire.AuditStream)
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(1); seq <= stream.CachedInfo().State.LastSeq; seq++ {
		m, err := stream.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		e, err := wire.DecodeAudit(m.Subject, m.Data)
		if err != nil {
			t.Fatal(err)
		}
		if e.Where == where {
			out = append(out, e)
		}
	}
	return out
}

// trusting is whose commands count on a mesh now.
func trusting(t *testing.T, s natstest.Secure) *identity.Trust {
	t.Helper()
	_, dir := s.LetIn(t, wire.RoleAgent, "any")
	trust, err := identity.OpenTrust(dir)
	if err != nil {
		t.Fatal(err)
	}
	list, _, _ := s.Authority.Trust()
	if err := trust.Take(list); err != nil {
		t.Fatal(err)
	}
	return trust
}

// askSigned is ask, in somebody's name.
func askSigned(t *testing.T, nc *nats.Conn, signer *identity.Signer, id, command string) wire.Reply {
	t.Helper()
	r := identity.NewRequests(signer, func(ctx context.Context, m *nats.Msg) (*nats.Msg, error) { return nc.RequestMsgWithContext(ctx, m) })
	m, err := r.Do(t.Context(), "agent."+id+".cmd", []byte(command))
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	reply, err := wire.DecodeReply(m.Data)
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return reply
}

// TestAttack_AuditByNothing: an operator sends thousands of commands that change
// nothing. What others do is still in the audit, they are not kept waiting by a
// state file that is written again and again, and how many there were is reported.
func TestAttack_AuditByNothing(t *testing.T) {
	s := natstest.StartSecure(t)
	boss := s.As(t, wire.RoleController, "controller")
	olga, olgaSigns := s.Signing(t, wire.RoleOperator, "olga")
	anna, annaSigns := s.Signing(t, wire.RoleOperator, "anna")
	l := launch(t, "oslo", t.TempDir(), as(s, "oslo"), func(o *Options) {
		o.Trust = trusting(t, s)
		o.Log = slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelError}))
	})
	l.awaitOpen()
	const many = 3000
	answers := make(chan *nats.Msg, many)
	inbox := olga.NewInbox()
	if _, err := olga.ChanSubscribe(inbox, answers); err != nil {
		t.Fatal(err)
	}
	for n := range many {
		command := `{"op":"stop","names":["junk"]}`
		if n%2 == 1 {
			command = `{"op":"start","monitors":[{"name":"bad","kind":"tcp","target":"nowhere"}]}`
		}
		m := &nats.Msg{Subject: "agent.oslo.cmd", Reply: inbox, Data: []byte(command), Header: nats.Header{}}
		proof, err := olgaSigns.SignRequest(m.Subject, l.replays.Now(), m.Data)
		if err != nil {
			t.Fatal(err)
		}
		m.Header.Set(wire.ProofHeader, proof)
		if err := olga.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	if r := askSigned(t, anna, annaSigns, "oslo", startCommand("web", target(t))); !r.OK {
		t.Fatal(r.Error)
	}
	for range many {
		await(t, answers, "an answer")
	}
	if r := askSigned(t, olga, olgaSigns, "oslo", `{"op":"stop","names":["web"]}`); !r.OK {
		t.Fatal(r.Error)
	}
	askSigned(t, olga, olgaSigns, "oslo", `{"op":"stop","names":["web"]}`)
	askSigned(t, olga, olgaSigns, "oslo", `{"op":"stop","names":["web"]}`)
	l.stop()
	if err := l.awaitEnd(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range audited(t, boss, "oslo") {
		got = append(got, fmt.Sprintf("%s %s %s %s", e.By, e.Did, strings.Join(e.What, ","), e.Detail))
	}
	// Anna's command may have come between any two of olga's.
	var of = map[string][]string{}
	for _, line := range got {
		who, _, _ := strings.Cut(line, " ")
		of[who] = append(of[who], line)
	}
	if len(of["anna"]) != 1 || of["anna"][0] != "anna start web " {
		t.Errorf("of anna: %q", of["anna"])
	}
	want := []string{
		"olga stop junk ",
		fmt.Sprintf("olga start bad %d more that changed nothing, the last: start bad", many-1),
		"olga stop web ",
		"olga stop web 2 more that changed nothing, the last: stop web",
	}
	if strings.Join(of["olga"], "\n") != strings.Join(want, "\n") {
		t.Errorf("of olga:\n%s\nwant\n%s", strings.Join(of["olga"], "\n"), strings.Join(want, "\n"))
	}
}

func TestChanged(t *testing.T) {
	monitors := func(states ...wire.State) (r wire.Reply) {
		for _, s := range states {
			r.Monitors = append(r.Monitors, wire.MonitorReply{State: s})
			r.OK = s != wire.Refused
		}
		return r
	}
	refused := wire.Refuse("paris", wire.Error{Code: wire.CodeInvalid})
	for name, c := range map[string]struct {
		op   wire.Op
		r    wire.Reply
		want bool
	}{
		"started":                    {wire.OpStart, monitors(wire.Started), true},
		"one of them updated":        {wire.OpStart, monitors(wire.Unchanged, wire.Updated), true},
		"one started, one refused":   {wire.OpStart, monitors(wire.Started, wire.Refused), true},
		"it runs just so":            {wire.OpStart, monitors(wire.Unchanged, wire.Unchanged), false},
		"one refused":                {wire.OpStart, monitors(wire.Unchanged, wire.Refused), false},
		"a start refused altogether": {wire.OpStart, refused, false},
		"stopped":                    {wire.OpStop, monitors(wire.Absent, wire.Stopped), true},
		"nothing to stop":            {wire.OpStop, monitors(wire.Absent), false},
		"asked for":                  {wire.OpRun, monitors(wire.Asked, wire.Refused), true},
		"nothing to run":             {wire.OpRun, monitors(wire.Absent, wire.Refused), false},
		"no names":                   {wire.OpStop, wire.Reply{OK: true}, false},
		"a probe":                    {wire.OpProbe, wire.Reply{OK: true}, true},
		"a probe that was refused":   {wire.OpProbe, refused, false},
		"another key":                {wire.OpRotate, wire.Reply{OK: true}, true},
		"no other key":               {wire.OpRotate, refused, false},
	} {
		if got := changed(wire.Command{Op: c.op}, c.r); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestAgent_ListThatCannotBeWritten: the heartbeat says which list would count
// after a restart, so that the controller keeps bringing the newest one.
func TestAgent_ListThatCannotBeWritten(t *testing.T) {
	s := natstest.StartSecure(t)
	_, dir := s.LetIn(t, wire.RoleAgent, "any")
	trust, err := identity.OpenTrust(dir)
	if err != nil {
		t.Fatal(err)
	}
	l := launch(t, "oslo", t.TempDir(), as(s, "oslo"), func(o *Options) { o.Trust = trust })
	l.awaitOpen()
	list, number, _ := s.Authority.Trust()
	if err := os.Rename(dir, dir+".away"); err != nil { // stands for a full disk
		t.Fatal(err)
	}
	for range 2 {
		if r := l.trust(list); r.OK || r.Error.Code != wire.CodeInternal {
			t.Errorf("not written, and it says %+v", r)
		}
	}
	if b := l.alive(); b.Trust != 0 || len(b.Notes) != 1 || !strings.Contains(b.Notes[0], "a restart would lose it") {
		t.Errorf("list %d; notes %q", b.Trust, b.Notes)
	}
	if trust.Number() != number {
		t.Error("the list does not count meanwhile")
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	if r := l.trust(list); !r.OK {
		t.Errorf("written: %+v", r)
	}
	if b := l.alive(); b.Trust != number || len(b.Notes) != 0 {
		t.Errorf("list %d, want %d; notes %q", b.Trust, number, b.Notes)
	}
}
