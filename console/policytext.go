package console

import (
	"fmt"
	"strings"

	"netmon/internal/plural"
	"netmon/wire"
)

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
		add("%s", plural.Count(p.MaxMonitors, "monitor", "monitors"))
	}
	if p.MaxRate > 0 {
		add("%v probes/s", p.MaxRate)
	}
	if p.MaxTargetRate > 0 {
		add("%v/s to a target", p.MaxTargetRate)
	}
	if p.Exec > 0 {
		add("programs of %s", plural.Count(p.Exec, "folder", "folders"))
	}
	return Printable(text)
}
