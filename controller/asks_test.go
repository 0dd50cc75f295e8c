package controller

import (
	"encoding/json"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/internal/natstest"
	"netmon/judge"
	"netmon/wire"
)

// TestAsker: what is wanted is sent once, unless it is stale, or the agent is too old
// for it; and again when that agent was replaced.
func TestAsker(t *testing.T) {
	nc := natstest.Connect(t, natstest.Start(t))
	got := make(chan wire.Command, 100)
	answer := func(agent string, r wire.Reply) {
		if _, err := nc.Subscribe("agent."+agent+".cmd", func(m *nats.Msg) {
			c, err := wire.DecodeCommand(m.Data)
			if err != nil {
				t.Error(err)
			}
			got <- c
			r.Agent = agent
			data, _ := json.Marshal(r)
			m.Respond(data)
		}); err != nil {
			t.Fatal(err)
		}
	}
	answer("paris", wire.Reply{OK: true, Monitors: []wire.MonitorReply{{Name: "web", State: wire.Asked}}})
	old := []wire.Error{{Code: wire.CodeInvalid, Field: "op", Message: `unknown op "run"`}}
	answer("rome", wire.Reply{Error: &old[0], Errors: old})
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	c, err := New(nc, nil, Access{}, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	a := newAsker(c.commands, &wg, c.log)
	now := time.Now()
	ask := func(agent string, at time.Time) []wire.Command {
		t.Helper()
		a.ask(t.Context(), []judge.Ask{{Agent: agent, Monitor: "web", ID: "K3D7", At: at}}, now)
		wg.Wait()
		var all []wire.Command
		for len(got) > 0 {
			all = append(all, <-got)
		}
		return all
	}
	if all := ask("paris", now); len(all) != 1 || all[0].Op != wire.OpRun || all[0].Asked != "K3D7" || len(all[0].Names) != 1 || all[0].Names[0] != "web" {
		t.Errorf("sent %+v", all)
	}
	if all := ask("paris", now.Add(-askStale-time.Millisecond)); len(all) != 0 {
		t.Errorf("sent what was stale: %+v", all)
	}
	a.heard(&wire.Alive{Agent: "rome", Instance: "1"})
	for i, want := range []int{1, 0, 0} {
		if all := ask("rome", now); len(all) != want {
			t.Errorf("try %d: sent %d times", i, len(all))
		}
	}
	a.heard(&wire.Alive{Agent: "rome", Instance: "2"})
	if all := ask("rome", now); len(all) != 1 {
		t.Errorf("it was replaced, and is not asked")
	}
	if all := ask("oslo", now); len(all) != 0 { // away: nobody answers
		t.Errorf("%+v", all)
	}
}
