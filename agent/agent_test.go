package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/broker"
	"netmon/internal/natstest"
	"netmon/probes/kinds"
	"netmon/wire"
)

// live is an agent that runs against a broker until the test ends or stop is called.
type live struct {
	*Agent
	t      *testing.T
	opened chan struct{}
	put    chan wire.Result // what was measured
	stop   context.CancelFunc
	ended  chan error
}

func launch(t *testing.T, id, state string, connect func(...nats.Option) (*nats.Conn, error), more ...func(*Options)) *live {
	t.Helper()
	l := &live{t: t, opened: make(chan struct{}, 16), put: make(chan wire.Result, 10_000), ended: make(chan error, 1)}
	o := Options{Kinds: kinds.All(), ID: id, State: state, Version: "1.2.3", Labels: map[string]string{"region": "eu"}, Connect: connect,
		Log:    slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Opened: func() { l.opened <- struct{}{} }}
	for _, change := range more {
		change(&o)
	}
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	l.Agent = a
	record := a.runner.record
	a.runner.record = func(r wire.Result) {
		record(r)
		l.put <- r
	}
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	go func() { l.ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		select {
		case <-l.ended:
		case <-time.After(time.Minute):
			t.Error("the agent did not end")
		}
	})
	return l
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	fmt.Fprintf(w.t.Output(), "%s", p)
	return len(p), nil
}

func over(b *broker.Broker) func(...nats.Option) (*nats.Conn, error) {
	return func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(b.URL(), o...) }
}

func (l *live) awaitOpen() {
	l.t.Helper()
	await(l.t, l.opened, "the link to open")
}

func (l *live) awaitEnd() error {
	l.t.Helper()
	err := await(l.t, l.ended, "the agent to end")
	l.ended <- err // for the cleanup
	return err
}

func await[T any](t *testing.T, ch <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(time.Minute):
		t.Fatalf("waited too long for %s", what)
		panic("unreachable")
	}
}

func ask(t *testing.T, nc *nats.Conn, id, command string) wire.Reply {
	t.Helper()
	msg, err := nc.Request("agent."+id+".cmd", []byte(command), time.Minute)
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	var r wire.Reply
	if err := json.Unmarshal(msg.Data, &r); err != nil {
		t.Fatalf("%s: %v", msg.Data, err)
	}
	return r
}

// target is a TCP port that takes connections.
func target(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

func startCommand(name, target string) string {
	return fmt.Sprintf(`{"op":"start","monitors":[{"name":%q,"kind":"tcp","target":%q,"every":"100ms"}]}`, name, target)
}

// results follows what is published, decoded.
func results(t *testing.T, nc *nats.Conn) <-chan wire.Result {
	t.Helper()
	out := make(chan wire.Result, 10_000)
	if _, err := nc.Subscribe(wire.AllResults, func(m *nats.Msg) {
		r, err := wire.DecodeResult(m.Subject, m.Data)
		if err != nil {
			t.Error(err)
			return
		}
		out <- r
	}); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAgent_MeasuresWhatItIsToldAndDeliversOnStop(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	got := results(t, nc)
	l := launch(t, "paris", t.TempDir(), over(b))
	l.awaitOpen()

	addr := target(t)
	if r := ask(t, nc, "paris", startCommand("web", addr)); !r.OK || r.Monitors[0].State != wire.Started {
		t.Fatalf("%+v", r)
	}
	first := await(t, got, "a result")
	if first.Agent != "paris" || first.Monitor != "web" || first.Kind != "tcp" || first.Target != addr || first.Outcome != wire.OK ||
		first.Seq != 1 || first.Run != 1 || first.Epoch == "" || first.Due.IsZero() || first.Started.Before(first.Due) || first.LatencyNS == nil {
		t.Errorf("%+v", first)
	}
	if r := ask(t, nc, "paris", `{"op":"list"}`); len(r.Monitors) != 1 || !r.Monitors[0].Manual || r.Monitors[0].State != wire.Running {
		t.Errorf("list: %+v", r)
	}
	l.stop()
	if err := l.awaitEnd(); err != nil {
		t.Fatal(err)
	}
	if pending, made, dropped := l.spool.Figures(); pending != 0 || made == 0 || dropped != 0 {
		t.Errorf("stopped with %d pending, %d made, %d dropped", pending, made, dropped)
	}
}

func TestAgent_AnswersMistakesByFieldAllAtOnce(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	launch(t, "paris", t.TempDir(), over(b)).awaitOpen()
	r := ask(t, nc, "paris", `{"op":"start","monitors":[{"name":"a b","kind":"tpc","target":"x"},{"name":"ok","kind":"tcp","target":"nohost","every":"1ms"}]}`)
	if r.OK || r.Error == nil {
		t.Fatalf("%+v", r)
	}
	fields := map[string]bool{}
	for _, e := range r.Errors {
		if e.Code != wire.CodeInvalid || e.Message == "" {
			t.Errorf("%+v", e)
		}
		fields[e.Field] = true
	}
	for _, want := range []string{"monitors[0].name", "monitors[0].kind", "monitors[1].target", "monitors[1].every"} {
		if !fields[want] {
			t.Errorf("no error about %s in %v", want, r.Errors)
		}
	}
	for _, bad := range []string{``, `{`, `[]`, `{"op":"dance"}`, `{"op":7}`, `{"op":"start"}`, `{"op":"probe"}`, `{"op":"stop"}`, `{"op":"sync"}`} {
		if r := ask(t, nc, "paris", bad); r.OK || r.Error == nil || r.Error.Code != wire.CodeInvalid {
			t.Errorf("%s gives %+v", bad, r)
		}
	}
}

func TestAgent_ProbesOnDemand(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	launch(t, "paris", t.TempDir(), over(b)).awaitOpen()
	r := ask(t, nc, "paris", fmt.Sprintf(`{"op":"probe","monitors":[{"kind":"tcp","target":%q}]}`, target(t)))
	if !r.OK || r.Result == nil || r.Result.Outcome != wire.OK || r.Result.Agent != "paris" {
		t.Errorf("%+v", r)
	}
}

func TestAgent_RefusesASecondOneWithItsID(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	first := launch(t, "paris", t.TempDir(), over(b))
	first.awaitOpen()
	second := launch(t, "paris", t.TempDir(), over(b))
	if err := second.awaitEnd(); !errors.Is(err, ErrIDInUse) {
		t.Errorf("the second one ended with %v", err)
	}
	if r := ask(t, nc, "paris", `{"op":"info"}`); r.Info.Instance != first.instance {
		t.Errorf("instance %s answers, want the first, %s", r.Info.Instance, first.instance)
	}
}

func TestAgent_OfTwoStartedAtOnceOneStays(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	one, two := launch(t, "paris", t.TempDir(), over(b)), launch(t, "paris", t.TempDir(), over(b))
	var loser, winner *live
	select {
	case err := <-one.ended:
		one.ended <- err
		loser, winner = one, two
	case err := <-two.ended:
		two.ended <- err
		loser, winner = two, one
	case <-time.After(time.Minute):
		t.Fatal("both run")
	}
	if err := loser.awaitEnd(); !errors.Is(err, ErrIDInUse) {
		t.Errorf("the loser ended with %v", err)
	}
	winner.awaitOpen()
	if r := ask(t, nc, "paris", `{"op":"info"}`); r.Info.Instance != winner.instance {
		t.Error("the wrong one answers")
	}
}

func TestAgent_GoesOnWithoutABrokerAndReturns(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	l := launch(t, "paris", t.TempDir(), over(b))
	l.awaitOpen()
	ask(t, nc, "paris", startCommand("web", target(t)))
	b.Close()
	for pending := 0; pending < 4; pending, _, _ = l.spool.Figures() {
		await(t, l.put, "measuring to go on")
	}
	b = natstest.Restart(t, b)
	l.awaitOpen()
	js := natstest.JetStream(t, natstest.Connect(t, b))
	l.stop()
	if err := l.awaitEnd(); err != nil {
		t.Fatal(err)
	}
	_, made, _ := l.spool.Figures()
	stream, err := js.Stream(t.Context(), wire.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	if stored := stream.CachedInfo().State.Msgs; stored != made {
		t.Errorf("measured %d results, %d are stored", made, stored)
	}
}

func TestAgent_ResumesBeforeTheBrokerIsThere(t *testing.T) {
	b := natstest.Start(t)
	state := t.TempDir()
	l := launch(t, "paris", state, over(b))
	l.awaitOpen()
	ask(t, natstest.Connect(t, b), "paris", startCommand("web", target(t)))
	l.stop()
	l.awaitEnd()

	nowhere := func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect("nats://127.0.0.1:1", o...) }
	again := launch(t, "paris", state, nowhere)
	await(t, again.put, "the first result")
}

func TestAgent_ReportsAStateFileThatItCannotRead(t *testing.T) {
	b := natstest.Start(t)
	state := t.TempDir()
	if err := os.WriteFile(filepath.Join(state, stateName), []byte("{torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	launch(t, "paris", state, over(b)).awaitOpen()
	if r := ask(t, natstest.Connect(t, b), "paris", `{"op":"info"}`); len(r.Info.Notes) != 1 {
		t.Errorf("notes %q", r.Info.Notes)
	}
}

func TestAgent_RefusesAStateFolderInUse(t *testing.T) {
	b := natstest.Start(t)
	state := t.TempDir()
	launch(t, "paris", state, over(b)).awaitOpen()
	other := launch(t, "tokyo", state, over(b))
	if err := other.awaitEnd(); err == nil {
		t.Error("two agents share one state folder")
	}
}

// opened is a link over an open connection.
func opened(nc *nats.Conn) *link {
	l := &link{id: "paris", log: slog.New(slog.DiscardHandler)}
	l.init()
	l.nc = nc
	close(l.open)
	return l
}
