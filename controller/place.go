package controller

import (
	"slices"

	"netmon/wire"
)

// presence is whether an agent is there, as far as placing monitors is concerned.
type presence uint8

const (
	steady  presence = iota // online, for long enough
	fresh                   // online, since a moment ago
	missing                 // silent, or shut down, perhaps only for a moment
	lost                    // for so long that others take over
)

// candidate is an agent that matches a monitor.
type candidate struct {
	id      string
	is      presence
	refuses bool // it cannot run the monitor
}

// place chooses n of the agents that match a monitor, or all where there are fewer, and
// returns them by id. It depends on what it is given alone, so whoever leads next decides
// the same.
//
// Those that rank first for the monitor run it ([wire.Rank]). An agent that runs it
// already keeps it while it is missing, and what came up a moment ago comes after all that
// are there for longer, but for a monitor that nobody runs yet. Where there are too few others, agents that refuse it or are away are named, too:
// people see then what is wrong.
func place(monitor string, n int, all []candidate, current []string) []string {
	of, ids := map[string]candidate{}, make([]string, 0, len(all))
	runs := func(c candidate) bool { return slices.Contains(current, c.id) }
	for _, c := range all {
		of[c.id] = c
		ids = append(ids, c.id)
	}
	rank := wire.Rank(monitor, ids)
	chosen := make([]string, 0, min(n, len(ids)))
	take := func(ok func(candidate) bool) {
		for i := 0; i < len(rank) && len(chosen) < n; i++ {
			if id := rank[i]; !slices.Contains(chosen, id) && ok(of[id]) {
				chosen = append(chosen, id)
			}
		}
	}
	take(func(c candidate) bool {
		return !c.refuses && (c.is == steady || c.is == fresh && len(current) == 0 || c.is != lost && runs(c))
	})
	take(func(c candidate) bool { return !c.refuses && c.is == fresh })
	take(func(c candidate) bool { return !c.refuses && runs(c) }) // nobody can take it over
	take(func(c candidate) bool { return c.is == steady || c.is == fresh })
	take(func(c candidate) bool { return c.is == missing })
	take(func(candidate) bool { return true })
	slices.Sort(chosen)
	return chosen
}
