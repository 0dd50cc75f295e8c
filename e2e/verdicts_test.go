package e2e

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// verdicts are the newest of a mesh, as they are published.
type verdicts struct {
	t testing.TB

	mu      sync.Mutex // guards what follows
	of      map[string]wire.Verdict
	agents  map[string]wire.AgentVerdict
	mesh    wire.MeshVerdict
	changes map[string]int // of the state of a monitor
	more    chan struct{}  // closed and recreated when one came
}

// followVerdicts keeps them until the test ends: those that hold, then each as it comes.
func followVerdicts(t testing.TB, nc *nats.Conn) *verdicts {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	v := &verdicts{t: t, of: map[string]wire.Verdict{}, agents: map[string]wire.AgentVerdict{}, changes: map[string]int{}, more: make(chan struct{})}
	var reader jetstream.Consumer
	for limit := time.Now().Add(patience); reader == nil; { // until the controller has made the stream
		reader, err = js.OrderedConsumer(t.Context(), wire.VerdictsStream, jetstream.OrderedConsumerConfig{
			FilterSubjects: []string{wire.AllVerdicts}, DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy})
		if err != nil && time.Now().After(limit) {
			t.Fatal(err)
		}
	}
	reading, err := reader.Consume(v.record)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reading.Stop)
	return v
}

func (v *verdicts) record(m jetstream.Msg) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var err error
	switch {
	case wire.IsMonitorVerdict(m.Subject()):
		var one wire.Verdict
		one, err = wire.DecodeVerdict(m.Subject(), m.Data())
		if v.of[one.Monitor].State != one.State {
			v.changes[one.Monitor]++
		}
		v.of[one.Monitor] = one
	case wire.IsAgentVerdict(m.Subject()):
		var one wire.AgentVerdict
		one, err = wire.DecodeAgentVerdict(m.Subject(), m.Data())
		v.agents[one.Agent] = one
	default:
		v.mesh, err = wire.DecodeMeshVerdict(m.Subject(), m.Data())
	}
	if err != nil {
		v.t.Error(err)
	}
	close(v.more)
	v.more = make(chan struct{})
}

// await waits until ok, which is asked after each verdict.
func (v *verdicts) await(what string, within time.Duration, ok func() bool) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), within)
	defer cancel()
	for {
		v.mu.Lock()
		done, more := ok(), v.more
		v.mu.Unlock()
		if done {
			return
		}
		select {
		case <-more:
		case <-ctx.Done():
			v.mu.Lock()
			defer v.mu.Unlock()
			v.t.Fatalf("%s: not within %v. Agents: %+v\nmesh: %+v\nmonitors: %+v", what, within, v.agents, v.mesh, v.of)
		}
	}
}

// recount counts changes of states from now on.
func (v *verdicts) recount() {
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.changes)
}

// changed are the monitors whose state changed since, but for some.
func (v *verdicts) changed(but map[string]bool) map[string]int {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := map[string]int{}
	for name, n := range v.changes {
		if !but[name] {
			out[name] = n
		}
	}
	return out
}

// wait waits until a monitor is in a state.
func (v *verdicts) wait(monitor string, state wire.VerdictState) (one wire.Verdict) {
	v.t.Helper()
	v.await(monitor+" is "+string(state), 2*patience, func() bool {
		one = v.of[monitor]
		return one.State == state
	})
	return one
}

// waitAgent waits until an agent has a status.
func (v *verdicts) waitAgent(agent string, status wire.AgentStatus) (one wire.AgentVerdict) {
	v.t.Helper()
	v.await(agent+" is "+string(status), 2*patience, func() bool {
		one = v.agents[agent]
		return one.Status == status
	})
	return one
}
