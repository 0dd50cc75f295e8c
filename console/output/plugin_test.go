package output

import (
	"strings"
	"testing"

	"netmon/console"
	"netmon/judge"
)

// TestPluginLine_OneBar keeps the plugin's line free of what would begin its figures.
func TestPluginLine_OneBar(t *testing.T) {
	line, code := PluginLine(console.Status{Monitor: "web", State: judge.Down, Agents: []console.AgentStatus{{Agent: "paris", State: judge.Down, Why: "mismatch: a|b\nc"}}})
	if code != PluginCritical || strings.Count(line, "|") != 1 || strings.Contains(line, "\n") {
		t.Errorf("%d %q", code, line)
	}
}
