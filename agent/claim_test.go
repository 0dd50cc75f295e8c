package agent

import (
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/identity"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/internal/testlog"
	"netmon/wire"
)

// TestAttack_ClaimEndsNobody: who stole an agent's key says that it was there
// first. The agent measures on, also after a restart, and comes back when the
// thief is gone. One that was never connected is told that the id is in use.
func TestAttack_ClaimEndsNobody(t *testing.T) {
	need.Time(t)
	s := natstest.StartSecure(t)
	id, dir := s.LetIn(t, wire.RoleAgent, "oslo")
	trust, err := identity.OpenTrust(dir)
	if err != nil {
		t.Fatal(err)
	}
	list, _, _ := s.Authority.Trust()
	if err := trust.Take(list); err != nil {
		t.Fatal(err)
	}
	conns := make(chan *nats.Conn, 16)
	connect := func(more ...nats.Option) (*nats.Conn, error) {
		o, err := id.Options(dir)
		if err != nil {
			return nil, err
		}
		nc, err := nats.Connect(id.URL, append(o, more...)...)
		conns <- nc
		return nc, err
	}
	log := &testlog.Buffer{}
	known := func(o *Options) {
		o.Trust, o.claimAgain = trust, 100*time.Millisecond
		o.Log = slog.New(slog.NewTextHandler(io.MultiWriter(log, testWriter{t}), nil))
	}
	const told = "another agent answers under this agent's id"
	// A plain connection with the stolen key, and what it says.
	asked := make(chan struct{}, 1)
	steal := func() *nats.Conn {
		t.Helper()
		thief, err := connect(nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(thief.Close)
		first := wire.Alive{Agent: "oslo", Instance: "thief", Started: time.Unix(0, 0).UTC()}
		if _, err := thief.Subscribe("agent.oslo.cmd", func(m *nats.Msg) {
			m.Respond(wire.Reply{OK: true, Agent: "oslo", Info: &first}.Encode())
			select {
			case asked <- struct{}{}:
			default:
			}
		}); err != nil || thief.Flush() != nil {
			t.Fatal(err)
		}
		return thief
	}
	// held is an agent that keeps what it measures.
	held := func(l *live, times int) {
		t.Helper()
		await(t, reached(t, func() bool { return log.Count(told) == times }), "the log to tell")
		_, before, _ := l.spool.Figures()
		l.measure(3)
		for range 4 { // and after each answer it may not open: one may be from before
			await(t, asked, "the agent to ask again")
		}
		if pending, seq, _ := l.spool.Figures(); pending < 3 || seq < before+3 || l.link.current() != nil {
			t.Errorf("%d results are queued here, %d measured", pending, seq-before)
		}
		if n := log.Count(told); n != times {
			t.Errorf("it tells %d times, want %d", n, times)
		}
		select {
		case err := <-l.ended:
			l.ended <- err
			t.Fatalf("the honest agent ended: %v", err)
		default:
		}
	}

	state := t.TempDir()
	l := launch(t, "oslo", state, connect, known)
	l.awaitOpen()
	own := <-conns
	thief := steal()
	own.ForceReconnect() // the network, or a restart of the broker
	held(l, 1)
	l.stop()
	if err := l.awaitEnd(); err != nil {
		t.Fatal(err)
	}
	l = launch(t, "oslo", state, connect, known)
	held(l, 2)
	thief.Close()
	l.awaitOpen()
	l.delivered(6)

	second := launch(t, "oslo", t.TempDir(), connect, known)
	if err := second.awaitEnd(); !errors.Is(err, ErrIDInUse) {
		t.Errorf("a second one in a new folder: %v", err)
	}
}

func reached(t *testing.T, ok func() bool) <-chan bool {
	out := make(chan bool, 1)
	go func() {
		for t.Context().Err() == nil {
			if ok() {
				out <- true
				return
			}
			<-time.After(2 * time.Millisecond)
		}
	}()
	return out
}
