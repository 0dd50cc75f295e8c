package controller

import (
	"encoding/json"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/freeport"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/wire"
)

// watch saves a monitor that runs every second, and returns its verdicts as they come.
func (m *mesh) watch(name, target string) <-chan wire.Verdict {
	m.t.Helper()
	verdicts := make(chan wire.Verdict, 100)
	if _, err := m.nc.Subscribe("verdicts."+name, func(msg *nats.Msg) {
		v, err := wire.DecodeVerdict(msg.Subject, msg.Data)
		if err != nil {
			m.t.Error(err)
		}
		verdicts <- v
	}); err != nil {
		m.t.Fatal(err)
	}
	data, err := json.Marshal(wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: target, Every: wire.Duration(time.Second), Timeout: wire.Duration(time.Second)}, Agents: wire.Selectors{"all"}})
	if err != nil {
		m.t.Fatal(err)
	}
	if _, err := m.kv.Put(m.t.Context(), name, data); err != nil {
		m.t.Fatal(err)
	}
	return verdicts
}

// becomes waits for a verdict with a state.
func becomes(t *testing.T, verdicts <-chan wire.Verdict, state wire.VerdictState) wire.Verdict {
	t.Helper()
	limit := time.After(time.Minute)
	for {
		select {
		case v := <-verdicts:
			if v.State == state {
				return v
			}
		case <-limit:
			t.Fatalf("it does not become %s", state)
		}
	}
}

// judged waits until a checkpoint knows of all results up to now.
func (m *mesh) judged() {
	m.t.Helper()
	js, err := jetstream.New(m.nc)
	if err != nil {
		m.t.Fatal(err)
	}
	s, err := js.Stream(m.t.Context(), wire.ResultsStream)
	if err != nil {
		m.t.Fatal(err)
	}
	for limit := time.Now().Add(time.Minute); ; {
		var h head
		if last, err := lastOf(m.t.Context(), js, wire.VerdictsStream, checkpointHead); err == nil && json.Unmarshal(last.Data, &h) == nil && h.Position.Results >= s.CachedInfo().State.LastSeq {
			return
		}
		if time.Now().After(limit) {
			m.t.Fatal("what is stored is not judged")
		}
		<-time.After(20 * time.Millisecond)
	}
}

// TestController_Judges: a target that dies and comes back, as everybody sees it, and
// again by the next leader, that continues.
func TestController_Judges(t *testing.T) {
	need.Time(t)
	m := newMesh(t)
	stop := m.control()
	m.agent("paris", nil)
	m.await("paris", 0)
	l, err := net.Listen("tcp", freeport.Addr(t)) // it comes back
	if err != nil {
		t.Fatal(err)
	}
	verdicts := m.watch("web", l.Addr().String())
	up := becomes(t, verdicts, wire.VerdictUp)
	l.Close()
	down := becomes(t, verdicts, wire.VerdictDown)
	if down.N <= up.N || down.Blame == nil || len(down.Quorum.Down) != 1 || down.Incident == "" {
		t.Errorf("%+v", down)
	}
	stop()
	stop = m.control()
	m.judged()
	stop()
	// A checkpoint that cannot be read changes no verdict, either.
	publishes(checkpointHead, "{")(t, natstest.JetStream(t, m.nc))
	m.control()
	m.judged()
	if n := len(verdicts); n > 0 {
		t.Errorf("another leader has %+v", <-verdicts)
	}
	if l, err = net.Listen("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if v := becomes(t, verdicts, wire.VerdictUp); v.N != down.N+1 {
		t.Errorf("number %d follows %d", v.N, down.N)
	}
}
