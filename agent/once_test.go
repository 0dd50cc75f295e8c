package agent

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/broker"
	"netmon/internal/badlink"
	"netmon/internal/ledger"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/wire"
)

// stored reads the whole stream, which must have each result that the agent
// numbered once, those of each monitor in order, all of one numbering.
func stored(t *testing.T, b *broker.Broker, l *live) {
	t.Helper()
	book, err := ledger.Read(t.Context(), natstest.Connect(t, b), false)
	if err != nil {
		t.Fatal(err)
	}
	_, seq, _ := l.spool.Figures()
	if book.Stored != int(seq) || book.Epochs(l.o.ID) != 1 || book.Dropped > 0 {
		t.Errorf("measured %d, stored %d of %d numberings, %d stated as dropped", seq, book.Stored, book.Epochs(l.o.ID), book.Dropped)
	}
	for _, f := range book.Faults {
		t.Error(f)
	}
}

func TestAgent_StoresNothingTwiceHoweverLongTheOutage(t *testing.T) {
	need.Time(t)
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
	stored(t, b, l)
}

func TestAgent_AKilledOneGoesOnWhereItWas(t *testing.T) {
	need.Time(t)
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
	stored(t, b, l)
}

func TestAgent_NoticesALinkThatSwallowsEverything(t *testing.T) {
	need.Time(t)
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
			l.link.wake() // it was not meant for us
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
