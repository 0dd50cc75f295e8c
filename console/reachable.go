package console

import (
	"fmt"
	"slices"

	"netmon/wire"
)

// Unreachable says why a monitor's quorum can never be reached by the agents where it
// is placed, as far as they are known, and is empty where it can be. What is paused or
// placed nowhere on purpose is judged by nobody, and that is not a mistake.
func Unreachable(m wire.Saved, agents []Agent) string {
	if m.Paused || len(agents) == 0 || m.Agents != nil && len(m.Agents) == 0 {
		return ""
	}
	quorum := m.Rule().Quorum
	most, of := m.Agents.Some()
	if most > 0 { // whichever they are
		m.Agents = of
	}
	values := map[string]bool{}
	placed := 0
	for _, a := range agents {
		if m.IsPlacedOn(a.Agent, a.Labels) && (!a.Leaving || slices.Contains(m.Agents, a.Agent)) {
			placed++
			if v := a.Labels[quorum.Label]; v != "" {
				values[v] = true
			}
		}
	}
	unknown := 0 // named, and not seen yet
	for _, id := range m.Agents.IDs() {
		if m.IsPlacedOn(id, nil) && !slices.ContainsFunc(agents, func(a Agent) bool { return a.Agent == id }) {
			unknown++
		}
	}
	all := placed + unknown
	if most > 0 {
		all = min(all, most)
	}
	switch {
	case all == 0:
		return fmt.Sprintf("no agent that is known is among %s: its verdict is unknown until one joins", Where(m))
	case quorum.Kind == wire.QuorumDistinct && most > 0 && all < quorum.N:
		return fmt.Sprintf("it takes %d different values of the label %s to be down, and it runs on %d", quorum.N, quorum.Label, all)
	case quorum.Kind == wire.QuorumDistinct && len(values)+unknown < quorum.N:
		return fmt.Sprintf("it takes %d different values of the label %s to be down, and its agents have %d", quorum.N, quorum.Label, len(values))
	case quorum.Kind == wire.QuorumNumber && all < quorum.N:
		return fmt.Sprintf("it takes %d agents to be down, and it is placed on %d", quorum.N, all)
	}
	return ""
}

// warnings are what people should know of changes that were saved.
func warnings(changes []Change, agents []Agent) (out []string) {
	for _, c := range changes {
		if c.Is == nil {
			continue
		}
		for _, why := range []string{Unreachable(*c.Is, agents), TooFew(*c.Is, agents)} {
			if why != "" {
				out = append(out, c.Name()+": "+why)
			}
		}
	}
	return out
}
