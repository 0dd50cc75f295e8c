package console

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"netmon/wire"
)

// AgentState is whether an agent is there: online, left on purpose, or offline.
func AgentState(a Agent) string {
	switch {
	case a.Online:
		return "online"
	case a.Leaving:
		return "left"
	}
	return "offline"
}

// AgentNotes is what is wrong with an agent, in words.
func AgentNotes(a Agent) []string {
	notes := slices.Clone(a.Notes)
	for _, name := range slices.Sorted(maps.Keys(a.Refused)) {
		notes = append(notes, fmt.Sprintf("cannot run %s: %s", name, a.Refused[name]))
	}
	for _, kind := range slices.Sorted(maps.Keys(a.Cannot)) {
		notes = append(notes, fmt.Sprintf("cannot measure %s: %s", kind, a.Cannot[kind]))
	}
	return notes
}

// LabelText is name=value by commas, in the order of the names.
func LabelText(labels map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, k+"="+labels[k])
	}
	return strings.Join(out, ",")
}

// PolicyText sums a policy up in a line.
func PolicyText(p *wire.Policy) string {
	if p == nil {
		return "-"
	}
	text := p.Source + " " + p.Digest
	add := func(format string, args ...any) { text += ", " + fmt.Sprintf(format, args...) }
	if p.Allow > 0 {
		add("allow %d", p.Allow)
	}
	if p.Deny > 0 {
		add("deny %d", p.Deny)
	}
	if p.Kinds != nil {
		add("kinds %s", strings.Join(p.Kinds, "+"))
	}
	if p.MinEvery > 0 {
		add("every %s or more", p.MinEvery)
	}
	if p.MaxMonitors > 0 {
		add("%d monitors", p.MaxMonitors)
	}
	if p.MaxRate > 0 {
		add("%v probes/s", p.MaxRate)
	}
	if p.MaxTargetRate > 0 {
		add("%v/s to a target", p.MaxTargetRate)
	}
	return Printable(text)
}

// Placement says in a few words where a monitor runs.
func Placement(m wire.Saved) string {
	s := m.Agents.String()
	switch {
	case m.Agents == nil:
		s = wire.Everywhere
	case len(m.Agents) == 0:
		s = "none"
	}
	if len(m.Except) > 0 {
		s += " except " + m.Except.String()
	}
	if m.Paused {
		s = "paused (" + s + ")"
	}
	return s
}

// Ago writes how long since t, in one unit.
func Ago(t time.Time) string {
	switch d := time.Since(t); {
	case d < time.Second:
		return "now"
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds ago", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm ago", int(d.Minutes()))
	default:
		return t.Local().Format("2006-01-02 15:04")
	}
}

// ByteCount writes a size in the largest binary unit.
func ByteCount(n uint64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	v, i := float64(n), 0
	for v >= 1024 && i < len(units)-1 {
		v /= 1024
		i++
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}

// ParseSize reads a number of bytes with a binary unit.
func ParseSize(s string) (int64, error) {
	for i, unit := range []string{"TiB", "GiB", "MiB", "KiB", "B"} {
		if number, ok := strings.CutSuffix(s, unit); ok {
			v, err := strconv.ParseFloat(number, 64)
			if n := v * math.Pow(1024, float64(4-i)); err == nil && n >= 1 && n < 1<<62 {
				return int64(n), nil
			}
		}
	}
	return 0, fmt.Errorf("want a size such as 500MiB or 4GiB, got %q", s)
}
