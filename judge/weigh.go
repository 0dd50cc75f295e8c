package judge

import (
	"math/bits"
	"slices"
	"time"
)

// acquit clears the bad runs before a good one that was asked for to make sure. That
// they were is still in Past.
func (s *series) acquit() {
	s.Runs = slices.DeleteFunc(s.Runs, func(r run) bool { return r.Class == bad })
}

const (
	partialOf    = 12               // runs of the schedule
	partialBad   = 5                // of these, that make a series down even if each was made good by another
	partialGood  = 16               // good runs of the schedule in a row that end it
	partialCalm  = 15 * time.Minute // or so long without a bad one
	partialLeast = 4                // and at least so many
	partialLong  = 20 * time.Second // for how long it is so before it counts
)

// partly says whether so many runs of the schedule are bad that the series is down.
func (s *series) partly() bool {
	return bits.OnesCount32(s.Past&(1<<partialOf-1)) >= max(partialBad, 2*s.m.rule.Down.Bad+1)
}

// recovered says whether enough runs are good for the series to be.
func (s *series) recovered(up int) bool {
	if s.Status == fresh {
		return up > 0
	}
	if up < s.m.rule.Up || !s.Partial {
		return up >= s.m.rule.Up
	}
	calm := bits.TrailingZeros32(s.Past)
	return calm >= partialGood || calm >= partialLeast && s.Fail != nil && s.newestAt().sub(s.Fail.At) >= partialCalm
}

// weigh finds the status from the last runs. That a suspect is down is for
// [Judge.reconcile] to say: it depends on the others.
func (s *series) weigh() {
	up := s.trailing(good)
	if s.recovered(up) {
		if s.Status != isGood || s.Suspect {
			first := len(s.Runs) - min(up, s.m.rule.Up)
			if s.Status == isDown {
				s.Past = 0
			}
			s.Status, s.Since = isGood, s.Runs[first].At
			s.Runs = slices.Delete(s.Runs, 0, first) // a new beginning: what was before is over
			s.From = max(s.From, s.Since)
		}
		s.Suspect, s.Partial, s.Suspected, s.Fail = false, false, 0, nil
		if !s.partly() {
			s.PartlyFrom = 0
		}
		return
	}
	bads, slows, first := s.count()
	switch {
	case !s.partly():
		s.PartlyFrom = 0
	case s.PartlyFrom == 0:
		s.PartlyFrom = s.newestAt()
	}
	switch {
	case bads >= s.m.rule.Down.Bad || s.partly():
		s.Suspect = true
	case s.Status == isDown:
		// in between it stays what it was
	case slows > 0 && bads+slows >= s.m.rule.Down.Bad:
		s.Suspect, s.Suspected = false, 0
		if s.Status != isSlow {
			s.Status, s.Since = isSlow, first
		}
	default:
		s.Suspect, s.Suspected = false, 0
	}
}
