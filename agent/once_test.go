package agent

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker"
	"netmon/internal/badlink"
	"netmon/internal/natstest"
	"netmon/wire"
)

// stored reads the whole stream and fails the test unless every result is there
// once, those of each monitor in order, without a hole that is not stated.
func stored(t *testing.T, b *broker.Broker) []wire.Result {
	t.Helper()
	js := natstest.JetStream(t, natstest.Connect(t, b))
	stream, err := js.Stream(t.Context(), wire.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	n := stream.CachedInfo().State.Msgs
	cons, err := stream.OrderedConsumer(t.Context(), jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	var out []wire.Result
	seen := map[string]bool{}
	runs := map[string]uint64{}
	for uint64(len(out)) < n {
		m, err := cons.Next(jetstream.FetchMaxWait(5 * time.Second))
		if err != nil {
			t.Fatal(err)
		}
		var r wire.Result
		if err := json.Unmarshal(m.Data(), &r); err != nil {
			t.Fatal(err)
		}
		if seen[r.ID()] {
			t.Errorf("%s is stored twice", r.ID())
		}
		seen[r.ID()] = true
		key := r.Agent + r.Epoch + r.Monitor
		if r.Run != runs[key]+r.Dropped+1 {
			t.Errorf("%s of %s: run %d after %d, %d dropped", r.ID(), r.Monitor, r.Run, runs[key], r.Dropped)
		}
		runs[key] = r.Run
		out = append(out, r)
	}
	return out
}

func TestAgent_StoresNothingTwiceHoweverLongTheOutage(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	js := natstest.JetStream(t, nc)
	stream, err := js.Stream(t.Context(), wire.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	cfg := stream.CachedInfo().Config
	cfg.Duplicates = 100 * time.Millisecond // the outage below is longer
	if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	link := badlink.New(t, b.URL()[len("nats://"):])
	l := launch(t, "paris", t.TempDir(), func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect("nats://"+link.Addr(), o...) })
	l.awaitOpen()
	for _, name := range []string{"a", "b", "c"} {
		ask(t, nc, "paris", startCommand(name, target(t)))
	}
	got := results(t, nc)
	for range 5 {
		for len(got) > 0 {
			<-got
		}
		await(t, got, "results to flow")
		// What is sent now is stored; the acknowledgement does not come back.
		link.Freeze(badlink.FromTarget)
		<-time.After(3 * cfg.Duplicates)
		link.Cut()
		link.Heal()
		link.Forget()
		l.awaitOpen()
	}
	l.stop()
	if err := l.awaitEnd(); err != nil {
		t.Fatal(err)
	}
	_, seq, _ := l.spool.Figures()
	if n := len(stored(t, b)); uint64(n) != seq {
		t.Errorf("measured %d, stored %d", seq, n)
	}
}

func TestAgent_AKilledOneGoesOnWhereItWas(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	state := t.TempDir()
	l := launch(t, "paris", state, over(b))
	l.awaitOpen()
	ask(t, nc, "paris", startCommand("web", target(t)))
	for range 5 {
		await(t, l.put, "a result")
	}
	b.Close()
	for range 5 {
		await(t, l.put, "a result while the broker is away")
	}
	l.stop()
	l.awaitEnd()
	l = launch(t, "paris", state, over(b)) // the broker is still away
	for range 5 {
		await(t, l.put, "a result while the broker is away")
	}
	b = natstest.Restart(t, b)
	l.awaitOpen()
	l.stop()
	if err := l.awaitEnd(); err != nil {
		t.Fatal(err)
	}
	all := stored(t, b)
	_, seq, _ := l.spool.Figures()
	if uint64(len(all)) != seq {
		t.Errorf("measured %d, stored %d", seq, len(all))
	}
	for i, r := range all {
		if r.Epoch != all[0].Epoch || r.Seq != uint64(i+1) {
			t.Errorf("result %d is %s", i+1, r.ID())
		}
	}
}

func TestAgent_NoticesALinkThatSwallowsEverything(t *testing.T) {
	b := natstest.Start(t)
	link := badlink.New(t, b.URL()[len("nats://"):])
	l := launch(t, "paris", t.TempDir(), func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect("nats://"+link.Addr(), o...) })
	l.awaitOpen()
	link.Freeze(badlink.ToTarget)
	link.Freeze(badlink.FromTarget)
	begin := time.Now()
	for l.link.current() != nil {
		select {
		case <-l.link.events:
			l.link.poke() // it was not meant for us
		case <-time.After(50 * time.Millisecond):
		}
		if time.Since(begin) > 15*time.Second {
			t.Fatal("not noticed")
		}
	}
	t.Logf("noticed after %v", time.Since(begin))
	link.Heal()
	link.Forget()
	l.awaitOpen()
}
