package access_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/wire"
)

// TestAttack_ClaimFlood: a stolen agent's key takes its own commands, answers
// none, and asks without end who has its id.
func TestAttack_ClaimFlood(t *testing.T) {
	need.Time(t)
	s := natstest.StartSecure(t)
	who := actors(t, s.Mesh)
	hostile := who[wire.RoleAgent].connect(t, s.Mesh)
	if _, err := hostile.Subscribe("agent.paris.cmd", func(*nats.Msg) {}); err != nil {
		t.Fatal(err)
	}
	busy := make(chan struct{}, 1<<16)
	inbox := hostile.NewInbox()
	if _, err := hostile.Subscribe(inbox, func(m *nats.Msg) {
		if strings.Contains(string(m.Data), `"busy"`) {
			busy <- struct{}{}
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := hostile.Flush(); err != nil {
		t.Fatal(err)
	}
	before, most, heap := runtime.NumGoroutine(), 0, heapNow()
	const flood = 8000
	for i := range flood {
		if err := hostile.PublishRequest("access.claim.paris", inbox, []byte(`{"op":"info","instance":"x"}`)); err != nil {
			t.Fatal(err)
		}
		if i%100 == 0 {
			most = max(most, runtime.NumGoroutine())
		}
	}
	if err := hostile.Flush(); err != nil {
		t.Fatal(err)
	}
	// Others are served meanwhile: another agent asks, and an admin.
	oslo := s.As(t, wire.RoleAgent, "oslo", nats.CustomInboxPrefix("_INBOX_oslo"))
	if m, err := oslo.Request("access.claim.oslo", []byte(`{"op":"info"}`), 5*time.Second); err != nil || !strings.Contains(string(m.Data), `"ok":true`) {
		t.Errorf("another agent's claim: %v %v", m, err)
	}
	most = max(most, runtime.NumGoroutine())
	if most > before+50 {
		t.Errorf("%d goroutines in the flood, %d before", most, before)
	}
	end := time.After(time.Minute)
	for n := range flood - 100 { // some are asked for, one after the other
		select {
		case <-busy:
		case <-end:
			t.Fatalf("%d of %d claims were told to wait", n, flood)
		}
	}
	t.Logf("goroutines %d before, %d at most; heap %d KiB before, %d after", before, most, heap>>10, heapNow()>>10)
}

func heapNow() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestClaim_TellsOfTheOldest: of several agents with one id, the asker hears of
// the one that keeps it, in one answer, and of itself never.
func TestClaim_TellsOfTheOldest(t *testing.T) {
	s := natstest.StartSecure(t)
	paris := actors(t, s.Mesh)[wire.RoleAgent]
	now := time.Now().UTC()
	for i, instance := range []string{"me", "younger", "oldest", "young"} {
		started := now.Add(time.Duration(-i) * time.Minute)
		if instance == "young" {
			started = now.Add(-90 * time.Second)
		}
		nc := paris.connect(t, s.Mesh)
		defer nc.Close()
		data, err := json.Marshal(wire.Reply{OK: true, Agent: "paris", Info: &wire.Alive{Agent: "paris", Instance: instance, Started: started, At: now}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := nc.Subscribe("agent.paris.cmd", func(m *nats.Msg) { m.Respond(data) }); err != nil || nc.Flush() != nil {
			t.Fatal(err)
		}
	}
	asker := paris.connect(t, s.Mesh)
	defer asker.Close()
	for _, c := range []struct{ asks, hears string }{{"me", "oldest"}, {"oldest", "young"}} {
		m, err := asker.Request("access.claim.paris", fmt.Appendf(nil, `{"op":"info","instance":%q}`, c.asks), 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		r, err := wire.DecodeReply(m.Data)
		if err != nil || r.Info == nil || r.Info.Instance != c.hears {
			t.Errorf("%s hears %s (%v), want of %s", c.asks, m.Data, err, c.hears)
		}
	}
}
