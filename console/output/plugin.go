package output

import (
	"fmt"
	"strings"

	"netmon/console"
	"netmon/judge"
)

// Exit codes of plugins of Nagios.
const (
	PluginOK = iota
	PluginWarning
	PluginCritical
	PluginUnknown
)

// PluginLine is what a plugin prints of a monitor, and its exit code.
func PluginLine(s console.Status) (line string, code int) {
	word, code := "UNKNOWN", PluginUnknown
	switch s.State {
	case judge.Up:
		word, code = "OK", PluginOK
	case judge.Degraded:
		word, code = "WARNING", PluginWarning
	case judge.Down:
		word, code = "CRITICAL", PluginCritical
	}
	up := 0
	var perf, why []string
	for _, a := range s.Agents {
		if a.State == judge.Up {
			up++
		} else {
			word := a.State.String()
			if share := a.Share.String(); share != "" {
				word = share
			}
			why = append(why, a.Agent+" "+word+", "+a.Why)
		}
		if a.Result == nil {
			continue
		}
		if d, ok := a.Result.Latency(); ok {
			perf = append(perf, fmt.Sprintf("'latency %s'=%.6fs;;;0", a.Agent, d.Seconds()))
		}
		if a.Result.Loss != nil {
			perf = append(perf, fmt.Sprintf("'loss %s'=%.4g%%;;;0;100", a.Agent, 100**a.Result.Loss))
		}
	}
	of, unit := len(s.Agents), "agents"
	if g := s.Group; g != nil {
		up, of, unit = len(g.Up), len(g.Up)+len(g.Degraded)+len(g.Down)+len(g.Unknown), "monitors"
	}
	if of == 1 {
		unit = strings.TrimSuffix(unit, "s")
	}
	text := fmt.Sprintf("%s %s: %s, %d of %d %s up", word, s.Monitor, s.State, up, of, unit)
	if s.State != judge.Up && s.Why != "" {
		text += ": " + console.WhyText(s.Why, s.Verdict)
	}
	if s.State == judge.Paused {
		text = fmt.Sprintf("%s %s: paused", word, s.Monitor)
	}
	if len(why) > 0 {
		text += ": " + strings.Join(why, "; ")
	}
	if s.Here {
		text += " (" + console.JudgedHere + ")"
	}
	perf = append(perf, fmt.Sprintf("up=%d;;;0;%d", up, of))
	// A bar would begin the performance data.
	return strings.ReplaceAll(console.Printable(text), "|", "/") + " | " + strings.Join(perf, " "), code
}

// PluginFailed is what a plugin prints, and its exit code, where nothing could be
// found out.
func PluginFailed(err error) (line string, code int) {
	first, _, _ := strings.Cut(err.Error(), "\n")
	return "UNKNOWN " + strings.ReplaceAll(console.Printable(first), "|", "/"), PluginUnknown
}
