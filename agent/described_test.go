package agent

import (
	"testing"

	"netmon/internal/natstest"
	"netmon/probes/kinds"
	"netmon/wire"
)

// TestAgent_SaysWhatItMeasures: whoever embeds an agent gets each result as the broker does,
// and the heartbeat of any moment.
func TestAgent_SaysWhatItMeasures(t *testing.T) {
	b := natstest.Start(t)
	measured := make(chan wire.Result, 1000)
	l := launch(t, "paris", t.TempDir(), over(b), func(o *Options) {
		o.Measured = func(r *wire.Result) {
			select {
			case measured <- *r:
			default:
			}
		}
	})
	nc := natstest.Connect(t, b)
	all := results(t, nc)
	l.awaitOpen()
	ask(t, nc, "paris", startCommand("web", target(t)))
	first, sent := await(t, measured, "a result"), await(t, all, "a result")
	if first.ID() != sent.ID() || first.Monitor != "web" || first.Outcome != wire.OK {
		t.Errorf("%+v, want %+v", first, sent)
	}
	if now, linked, ok := l.Now(); !ok || !linked || now.Agent != "paris" || now.Monitors != 1 || now.Results == 0 {
		t.Errorf("%+v %v %v", now, linked, ok)
	}
	if list := l.Running(); len(list) != 1 || list[0].Name != "web" || list[0].Timeout == 0 {
		t.Errorf("%+v", list)
	}
}

// TestAgent_NothingToSayBeforeItRuns.
func TestAgent_NothingToSayBeforeItRuns(t *testing.T) {
	a, err := New(Options{ID: "paris", State: t.TempDir(), Kinds: kinds.All()})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, ok := a.Now(); ok || len(a.Running()) != 0 {
		t.Error("an agent that was not started says something")
	}
}
