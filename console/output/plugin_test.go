package output

import (
	"strings"
	"testing"

	"netmon/console"
	"netmon/judge"
	"netmon/wire"
)

// TestPluginLine_OneBar keeps the plugin's line free of what would begin its figures.
func TestPluginLine_OneBar(t *testing.T) {
	line, code := PluginLine(console.Status{Monitor: "web", State: judge.Down, Agents: []console.AgentStatus{{Agent: "paris", State: judge.Down, Why: "mismatch: a|b\nc"}}})
	if code != PluginCritical || strings.Count(line, "|") != 1 || strings.Contains(line, "\n") {
		t.Errorf("%d %q", code, line)
	}
}

// TestPluginLine_One: one agent is one.
func TestPluginLine_One(t *testing.T) {
	paris, rome := console.AgentStatus{Agent: "paris", State: judge.Up}, console.AgentStatus{Agent: "rome", State: judge.Up}
	for want, s := range map[string]console.Status{
		"OK web: up, 1 of 1 agent up | ":    {Monitor: "web", State: judge.Up, Agents: []console.AgentStatus{paris}},
		"OK web: up, 2 of 2 agents up | ":   {Monitor: "web", State: judge.Up, Agents: []console.AgentStatus{paris, rome}},
		"OK shop: up, 1 of 1 monitor up | ": {Monitor: "shop", State: judge.Up, Group: &wire.GroupVerdict{Up: []string{"web"}}},
	} {
		if line, _ := PluginLine(s); !strings.HasPrefix(line, want) {
			t.Errorf("%q, want %q", line, want)
		}
	}
}
