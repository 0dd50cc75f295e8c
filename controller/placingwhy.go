package controller

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"netmon/internal/plural"
	"netmon/wire"
)

// why says what changed, for people.
func (p *placing) why(was, is *wire.Placement, all []candidate, now time.Time) string {
	joined := func(ids []string) string { return strings.Join(ids[:min(8, len(ids))], ", ") }
	from, to := without(was.Agents, is.Agents), without(is.Agents, was.Agents)
	switch {
	case was.N == 0:
		return fmt.Sprintf("chosen of %s", plural.Count(len(all), "agent that matches", "agents that match"))
	case was.Revision != is.Revision:
		return "the monitor was changed"
	case len(from)+len(to) == 0:
		return "what agents refuse changed"
	}
	var reasons []string
	for _, id := range from {
		a := p.agents[id]
		i := slices.IndexFunc(all, func(c candidate) bool { return c.id == id })
		switch {
		case a == nil:
			reasons = append(reasons, id+" is gone")
		case is.Refused[id].Why != "":
			reasons = append(reasons, id+" refuses it ("+is.Refused[id].Why+")")
		case i < 0:
			reasons = append(reasons, id+" does not match any more")
		case all[i].refuses:
			reasons = append(reasons, id+" cannot run it")
		case a.is == lost && a.Leaving:
			reasons = append(reasons, id+" was shut down")
		case a.is == lost:
			reasons = append(reasons, fmt.Sprintf("%s was offline for %s", id, wire.Duration(now.Sub(a.heard).Round(time.Second))))
		}
	}
	switch text := strings.Join(reasons[:min(8, len(reasons))], "; "); {
	case text == "" && len(from) == 0:
		return joined(to) + " can run it, too"
	case text == "":
		return fmt.Sprintf("%s %s over from %s, now that there is a better spread", joined(to), plural.Of(len(to), "takes", "take"), joined(from))
	case len(to) == 0:
		return text + ": nobody else can take over"
	default:
		return fmt.Sprintf("%s: %s %s over", text, joined(to), plural.Of(len(to), "takes", "take"))
	}
}

func without(list, drop []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(id string) bool { return slices.Contains(drop, id) })
}
