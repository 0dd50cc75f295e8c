package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/tail"
	"netmon/wire"
)

// verdicts are those on each monitor, in order. Whatever was killed, they are counted
// without holes, and none is there twice.
func (m *faultMesh) verdicts(nc *nats.Conn) map[string][]wire.Verdict {
	m.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		m.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(m.Context(), 2*patience)
	defer cancel()
	t, err := tail.Open(ctx, js, wire.VerdictsStream, tail.From{Subjects: []string{"verdicts.*"}})
	if err != nil {
		m.Fatal(err)
	}
	defer t.Stop()
	all := map[string][]wire.Verdict{}
	for left := t.Left(); left > 0; left-- {
		msg, _, err := t.Next()
		if err != nil {
			m.Fatal(err)
		}
		v, err := wire.DecodeVerdict(msg.Subject, msg.Data)
		if err != nil {
			m.Fatal(err)
		}
		before := all[v.Monitor]
		if n := uint64(len(before)); v.N != n+1 && before != nil && v.N != before[n-1].N+1 {
			m.Errorf("verdict %d on %s follows %d", v.N, v.Monitor, before[n-1].N)
		}
		if before != nil && v.At.Before(before[len(before)-1].At) {
			m.Errorf("verdict %d on %s is of %v, the one before of %v", v.N, v.Monitor, v.At, before[len(before)-1].At)
		}
		all[v.Monitor] = append(before, v)
	}
	return all
}

// upThroughout says of a monitor that it was up once, and nothing else since.
func (m *faultMesh) upThroughout(list []wire.Verdict) error {
	up := false
	for _, v := range list {
		if up && v.State != wire.VerdictUp {
			return fmt.Errorf("%s became %s at %v: %s", v.Monitor, v.State, v.At, v.Why)
		}
		up = up || v.State == wire.VerdictUp
	}
	if !up {
		return fmt.Errorf("it is not up: %+v", list)
	}
	return nil
}

// TestFaults_Judging kills controllers while a target dies and comes back: each
// outage has its verdicts, once.
func TestFaults_Judging(t *testing.T) {
	if !*runFaults {
		t.Skip("kills controllers: go test ./e2e -run Faults_Judging -faults -v")
	}
	m := newFaultMesh(t, setup{})
	nc := m.connect()
	target := listener(t)
	flaky, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for name, addr := range map[string]string{"steady": target, "flaky": flaky.Addr().String()} {
		if out, _, err := m.run("add", "tcp", addr, "--name", name, "--every", "1s"); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	becomes := func(state wire.VerdictState) {
		t.Helper()
		m.eventually("the monitor is "+string(state), func() error {
			list := m.verdicts(nc)["flaky"]
			if len(list) == 0 || list[len(list)-1].State != state {
				return fmt.Errorf("verdicts: %+v", list)
			}
			return nil
		})
	}
	becomes(wire.VerdictUp)
	r := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	const outages = 2
	for range outages {
		flaky.Close()
		m.during(time.Duration(r.Int64N(int64(4 * time.Second))))
		m.kill(m.controller)
		m.startController()
		becomes(wire.VerdictDown)
		if flaky, err = net.Listen("tcp", flaky.Addr().String()); err != nil {
			t.Fatal(err)
		}
		m.during(time.Duration(r.Int64N(int64(3 * time.Second))))
		m.kill(m.controller)
		m.startController()
		becomes(wire.VerdictUp)
	}
	flaky.Close()
	all := m.verdicts(nc)
	if err := m.upThroughout(all["steady"]); err != nil {
		t.Error(err)
	}
	downs := 0
	var was wire.VerdictState
	for _, v := range all["flaky"] {
		if v.State == wire.VerdictDown && was != wire.VerdictDown {
			downs++
		}
		was = v.State
	}
	if downs != outages {
		t.Errorf("%d outages, want %d: %+v", downs, outages, all["flaky"])
	}
}
