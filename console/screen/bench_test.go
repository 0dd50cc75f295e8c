package screen

import (
	"fmt"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"netmon/console/view"
	"netmon/wire"
)

// BenchmarkKey is the time from a key to the text of the screen that answers
// it, with 10,000 monitors on 10 agents.
func BenchmarkKey(b *testing.B) {
	v := view.New(time.Now())
	for a := range 10 {
		v.Heartbeat(wire.Alive{Agent: fmt.Sprintf("agent%d", a), At: time.Now()}, time.Now(), time.Now())
	}
	for m := range 10_000 {
		name := fmt.Sprintf("m%05d", m)
		v.Saved(name, &wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: "h:1", Every: wire.Duration(time.Hour)}}, nil, time.Now())
		for n := range 40 {
			for a := range 10 {
				ns := int64(1e6 + n)
				v.Result(wire.Result{Agent: fmt.Sprintf("agent%d", a), Monitor: name, Kind: "tcp", Target: "h:1", Epoch: "E", Run: uint64(n),
					Started: time.Now().Add(time.Duration(n-40) * time.Second), LatencyNS: &ns, Outcome: wire.OK, Revision: 1}, time.Now())
			}
		}
	}
	for _, tab := range []Tab{Monitors, Matrix, Agents, Detail} {
		b.Run(tab.String(), func(b *testing.B) {
			p := &program{o: Options{Model: shown{v}, Styles: Colours}, ctx: b.Context(), ui: New("nats://127.0.0.1:4222", nil), w: 200, h: 60}
			p.refresh()
			p.ui.Tab = tab
			for range b.N {
				p.Update(tea.KeyPressMsg{Code: tea.KeyDown})
			}
		})
	}
}
