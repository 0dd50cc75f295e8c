package feed

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"netmon/controller"
	"netmon/wire"
)

// TestFeeder_StuckFileDoesNotStopJudging: while the file of the leading controller cannot be
// written, and its feeder waits for it, monitors are judged as ever. Then all of it counts.
func TestFeeder_StuckFileDoesNotStopJudging(t *testing.T) {
	m := newMesh(t)
	folder := t.TempDir()
	f, _ := m.feeder(folder, nil) // it commits each second
	c, err := controller.New(m.nc, func(context.Context) error { return nil }, controller.Access{}, slog.New(slog.DiscardHandler), f.Lead)
	if err != nil {
		t.Fatal(err)
	}
	c.Share(func(r controller.Reading) {
		chunk := Chunk{Created: r.Created, After: r.After}
		for _, x := range r.Results {
			chunk.Results = append(chunk.Results, Result(x))
		}
		f.Offer(chunk)
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); c.Run(ctx) }()
	defer func() { cancel(); <-ended }()

	kv, err := m.js.KeyValue(t.Context(), wire.MonitorsBucket)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "tcp", Target: "192.0.2.1:443", Every: wire.Duration(100 * time.Millisecond), Timeout: wire.Duration(50 * time.Millisecond)}, Agents: wire.Selectors{"all"}})
	if err != nil {
		t.Fatal(err)
	}
	revision, err := kv.Put(t.Context(), "web", data)
	if err != nil {
		t.Fatal(err)
	}
	sent := map[wire.Outcome]uint64{}
	until := func(state wire.VerdictState, outcome wire.Outcome) {
		m.eventually(func() error {
			alive, err := json.Marshal(wire.Alive{Agent: "paris", Instance: "1", Version: "1.0.0", Started: time.Now().UTC(), At: time.Now().UTC()})
			if err == nil {
				err = m.nc.Publish("agent.paris.alive", alive)
			}
			if err != nil {
				return err
			}
			r := m.result("paris", "web", time.Now(), outcome)
			r.Revision = revision
			m.send(r)
			sent[outcome]++
			s, err := m.js.Stream(t.Context(), wire.VerdictsStream)
			if err != nil {
				return err
			}
			last, err := s.GetLastMsgForSubject(t.Context(), "verdicts.web")
			if err != nil {
				return err
			}
			v, err := wire.DecodeVerdict(last.Subject, last.Data)
			if err == nil && v.State != state {
				err = fmt.Errorf("web is %s, want %s", v.State, state)
			}
			return err
		})
	}
	until(wire.VerdictUp, wire.OK)

	release := holdFile(t, folder)
	until(wire.VerdictDown, wire.Failed)
	m.eventually(func() error { // it was stuck, and not just late
		if f.status.why() == "" {
			return fmt.Errorf("nothing was written, and nothing said so")
		}
		return nil
	})
	until(wire.VerdictUp, wire.OK)
	release()
	m.wantSums(time.Now().Add(-2*time.Hour), time.Now().Add(time.Hour), map[string]uint64{"web on paris ok": sent[wire.OK], "web on paris failed": sent[wire.Failed]})
}
