package controller

import (
	"slices"
	"time"

	"netmon/wire"
)

// This file is about how often agents may have a monitor placed otherwise by what they
// say of themselves: that they refuse it, cannot run it, or are another process now.

const (
	restateEvery = time.Minute      // what they refuse is written again, where it runs as before
	movesWithin  = 10 * time.Minute // time in which mostMoves count
	mostMoves    = 30               // of a revision of one monitor; more than mostRefusals
	restFor      = 10               // times as long as it took to look at all monitors, until that is done again
	restMost     = 5 * time.Second  // but no longer: it may have been the host that was slow
)

// due says whether a moment is there. Else all is looked at again when it is.
func (p *placing) due(at, now time.Time) bool {
	if !now.Before(at) {
		return true
	}
	if p.again.IsZero() || at.Before(p.again) {
		p.again = at
	}
	return false
}

// refusesAnew says whether an agent refuses the monitor that did not.
func refusesAnew(was, is map[string]wire.Refusal) bool {
	for id := range is {
		if _, known := was[id]; !known {
			return true
		}
	}
	return false
}

// wavering says whether a monitor is moved though all that ran it are there: because of
// what agents say that they can run.
func wavering(all []candidate, was, is []string) bool {
	for _, id := range was {
		i := slices.IndexFunc(all, func(c candidate) bool { return c.id == id })
		if !slices.Contains(is, id) && (i < 0 || all[i].is == lost) {
			return false
		}
	}
	return len(is) == len(was) && !slices.Equal(was, is)
}
