package console

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/controller"
	"netmon/internal/natstest"
	"netmon/judge/replay"
	"netmon/wire"
)

// TestBacktest_AsItWasPublished: judged again by the rules that are saved, the past is
// what the controller said of it.
func TestBacktest_AsItWasPublished(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	js := natstest.JetStream(t, nc)
	publish := func(subject string, v any) {
		t.Helper()
		data, err := json.Marshal(v)
		if err == nil {
			_, err = js.Publish(t.Context(), subject, data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	lead, err := controller.New(nc, func(context.Context) error { return nil }, controller.Access{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = lead.Run(ctx) })
	defer running.Wait()
	defer stop()

	verdicts := make(chan wire.Verdict, 100)
	if _, err := nc.Subscribe("verdicts.web", func(m *nats.Msg) {
		if v, err := wire.DecodeVerdict(m.Subject, m.Data); err == nil {
			verdicts <- v
		}
	}); err != nil {
		t.Fatal(err)
	}
	var published replay.Timeline
	becomes := func(state wire.VerdictState) {
		t.Helper()
		for limit := time.After(time.Minute); ; {
			select {
			case v := <-verdicts:
				published.Spans = append(published.Spans, replay.Span{State: v.State, From: v.Since, Why: v.Why})
				if v.State == state {
					return
				}
			case <-limit:
				t.Fatalf("it does not become %s", state)
			}
		}
	}

	agents := []string{"oregon", "paris", "tokyo"}
	for _, id := range agents {
		publish("agent."+id+".alive", wire.Alive{Agent: id, Instance: "1", Version: "1.0.0", At: time.Now().UTC()})
	}
	cl := dial(t, b)
	m := web()
	if m.Revision, err = store(t, cl).Save(t.Context(), m, "added"); err != nil {
		t.Fatal(err)
	}
	seq := uint64(0)
	// Each run took some seconds less than the previous one: so long after it it began.
	measure := func(took time.Duration, times int, failing ...string) {
		t.Helper()
		for range times {
			seq++
			took -= 2 * time.Second
			for _, id := range agents {
				r := wire.Result{Agent: id, Monitor: "web", Kind: m.Kind, Target: m.Target, Epoch: "E", Seq: seq, Run: seq, Started: time.Now().UTC().Add(-took), ElapsedNS: int64(took), Outcome: wire.OK, Revision: m.Revision}
				if strings.Contains(fmt.Sprint(failing), id) {
					r.Outcome, r.Failure, r.Error = wire.Failed, wire.FailRefused, "refused"
				}
				publish("results."+id+".web", r)
			}
		}
	}
	becomes(wire.VerdictUnknown)
	measure(24*time.Second, 3)
	becomes(wire.VerdictUp)
	measure(16*time.Second, 4, "oregon", "paris")
	becomes(wire.VerdictDown)
	measure(6*time.Second, 3)
	becomes(wire.VerdictUp)

	saved := []wire.Saved{m}
	_, line, _, err := cl.rejudge(t.Context(), saved, saved, BacktestOptions{From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Minute)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := states(line["web"].Spans), states(published.Spans); got != want {
		t.Errorf("judged again:\n%spublished:\n%s", got, want)
	}
}

// states are the states from the first that is up on, each with when it began.
func states(list []replay.Span) string {
	var b strings.Builder
	last := wire.VerdictUnknown
	for _, s := range list {
		if s.State != last && (last != wire.VerdictUnknown || s.State == wire.VerdictUp) {
			fmt.Fprintf(&b, "  %s %s\n", s.State, s.From.Format(time.RFC3339Nano))
			last = s.State
		}
	}
	return b.String()
}
