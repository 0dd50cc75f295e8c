package console

import (
	"testing"

	"netmon/wire"
)

// TestWanted_Here has what is about the broker at a loopback address run on its own host.
func TestWanted_Here(t *testing.T) {
	w := Wanted{Monitors: []wire.Saved{
		{Monitor: wire.Monitor{Name: "broker", Target: BrokerTarget}},
		{Monitor: wire.Monitor{Name: "placed", Target: BrokerTarget}, Agents: wire.Selectors{"region=eu"}},
		{Monitor: wire.Monitor{Name: "web", Target: "https://example.com"}},
	}}
	for address, want := range map[string][]string{
		"127.0.0.1:4222": {"home", "region=eu", ""},
		"[::1]:4222":     {"home", "region=eu", ""},
		"192.0.2.1:4222": {"", "region=eu", ""},
	} {
		for i, m := range w.Here(address, "home").Monitors {
			got := ""
			if m.Agents != nil {
				got = m.Agents.String()
			}
			if got != want[i] {
				t.Errorf("at %s, %s runs on %q, want %q", address, m.Name, got, want[i])
			}
		}
	}
	if got := w.Here("127.0.0.1:4222").Monitors[0].Agents; got != nil {
		t.Errorf("without an agent of that host it runs on %q, want all", got)
	}
	if got := w.Here("127.0.0.1:4222", "home", "spare").Monitors[0].Agents.String(); got != "home,spare" {
		t.Errorf("with two agents of that host it runs on %q", got)
	}
	if got := w.OnlyHere("localhost:4222"); len(got) != 1 || got[0] != "broker" {
		t.Errorf("only here: %q", got)
	}
	if w.Monitors[0].Agents != nil || w.Monitors[0].Target != BrokerTarget {
		t.Errorf("the file itself is changed: %+v", w.Monitors[0])
	}
}
