package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/natstest"
	"netmon/internal/tail"
	"netmon/judge"
	"netmon/wire"
)

// someVerdict is a verdict on a monitor, decided so many seconds after some moment.
func someVerdict(t *testing.T, monitor string, state wire.VerdictState, second int) verdict {
	t.Helper()
	at := time.Date(2026, 11, 29, 10, 0, second, 0, time.UTC)
	v, err := verdictOf(judge.Change{Monitor: &wire.Verdict{Monitor: monitor, State: state, Since: at, At: at}})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// publishing runs a publisher, which has read what is there, until the test ends.
func publishing(t *testing.T, nc *nats.Conn) (p *publisher, ended <-chan error) {
	t.Helper()
	p, err := newPublisher(nc, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		done <- p.run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-finished })
	return p, done
}

// written waits until all is written that was noted.
func (p *publisher) written(t *testing.T, ended <-chan error) {
	t.Helper()
	done := make(chan struct{})
	p.then(func() { close(done) })
	select {
	case <-done:
	case err := <-ended:
		t.Fatal(err)
	case <-time.After(time.Minute):
		t.Fatal("it is not written")
	}
}

// verdictsIn are all messages of verdicts.>, each as its subject and its data.
func verdictsIn(t *testing.T, js jetstream.JetStream) (all []string) {
	t.Helper()
	r, err := tail.Open(t.Context(), js, wire.VerdictsStream, tail.From{Subjects: []string{wire.AllVerdicts}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	for left := r.Left(); left > 0; left-- {
		m, _, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m.Subject+" "+string(m.Data))
	}
	return all
}

func TestPublisher_NumbersWithoutHoles(t *testing.T) {
	nc := natstest.Connect(t, natstest.Start(t))
	p, ended := publishing(t, nc)
	for i := range 30 {
		for m := range 40 {
			p.write(someVerdict(t, fmt.Sprintf("m%d", m), wire.VerdictUp, i))
		}
	}
	p.written(t, ended)
	again, ended := publishing(t, nc)
	again.write(someVerdict(t, "m7", wire.VerdictDown, 31))
	again.written(t, ended)
	next := map[string]uint64{}
	for _, line := range verdictsIn(t, again.js) {
		subject, data, _ := strings.Cut(line, " ")
		v, err := wire.DecodeVerdict(subject, []byte(data))
		if err != nil {
			t.Fatal(err)
		}
		if next[v.Monitor]++; v.N != next[v.Monitor] {
			t.Errorf("%s: %d follows %d", v.Monitor, v.N, next[v.Monitor]-1)
		}
	}
	if len(next) != 40 || next["m7"] != 31 {
		t.Errorf("%d monitors, %d of m7", len(next), next["m7"])
	}
}

// TestPublisher_Fenced: of two that judge, who comes second with another verdict ends.
func TestPublisher_Fenced(t *testing.T) {
	nc := natstest.Connect(t, natstest.Start(t))
	p, ended := publishing(t, nc)
	p.write(someVerdict(t, "web", wire.VerdictUp, 1))
	p.written(t, ended)
	q, qended := publishing(t, nc)
	q.write(someVerdict(t, "web", wire.VerdictDown, 2))
	q.written(t, qended)
	p.write(someVerdict(t, "web", wire.VerdictDegraded, 2))
	if err := <-ended; !errors.Is(err, errFenced) {
		t.Errorf("%v, want that it is fenced", err)
	}
	if all := verdictsIn(t, p.js); len(all) != 2 {
		t.Errorf("%q", all)
	}
}

// TestPublisher_OnceThoughTheAnswerIsLost: what is there already is not written again,
// whoever wrote it.
func TestPublisher_OnceThoughTheAnswerIsLost(t *testing.T) {
	nc := natstest.Connect(t, natstest.Start(t))
	p, ended := publishing(t, nc)
	q, qended := publishing(t, nc)
	for second, state := range []wire.VerdictState{wire.VerdictUp, wire.VerdictDown, wire.VerdictUp} {
		q.write(someVerdict(t, "web", state, second))
		q.written(t, qended)
		p.write(someVerdict(t, "web", state, second))
		p.written(t, ended)
	}
	if all := verdictsIn(t, p.js); len(all) != 3 {
		t.Errorf("%q", all)
	}
}

// TestPublisher_TheBrokerIsAway: nothing is lost, and nothing is there twice.
func TestPublisher_TheBrokerIsAway(t *testing.T) {
	b := natstest.Start(t)
	p, ended := publishing(t, natstest.Connect(t, b))
	p.write(someVerdict(t, "web", wire.VerdictUp, 0))
	p.written(t, ended)
	b.Close()
	for i := range 20 {
		p.write(someVerdict(t, "web", wire.VerdictUp, i+1), someVerdict(t, "db", wire.VerdictDown, i))
	}
	natstest.Restart(t, b)
	p.written(t, ended)
	if all := verdictsIn(t, p.js); len(all) != 41 {
		t.Errorf("%d verdicts, want 41", len(all))
	}
}
