package judge

import (
	"slices"
	"time"
)

// series is one monitor on one agent. What is exported is in a checkpoint, and the rest
// follows from it: so it is with the other types here.
type series struct {
	m *monitor
	a *agent

	Placed  bool   `json:"placed,omitempty"`  // the monitor should run there
	Refused bool   `json:"refused,omitempty"` // the agent says that it cannot run it
	Silent  bool   `json:"silent,omitempty"`  // no run began in time
	Suspect bool   `json:"suspect,omitempty"` // enough of the last runs are bad for it to be down
	Parent  string `json:"parent,omitempty"`  // a monitor that this one depends on and that is down for the agent: what it finds does not count

	Status  seriesStatus `json:"standing,omitempty"`
	Alone   bool         `json:"alone,omitempty"`   // somebody else found it good between its bad runs
	Partial bool         `json:"partial,omitempty"` // it is down since many of its runs are bad, and not all
	Past    uint32       `json:"past,omitempty"`    // the runs of the schedule, the lowest bit is the newest, 1 is bad
	Broken  uint8        `json:"broken,omitempty"`  // broken runs in a row, of which 2 are counted

	Runs []run  `json:"runs,omitempty"` // that say something, the oldest first
	Last brief  `json:"last,omitzero"`  // the newest run
	Fail *brief `json:"fail,omitempty"` // the newest bad or slow run since it was good

	Since      moment `json:"since,omitzero"`       // the first run of the status
	BadFrom    moment `json:"bad_from,omitzero"`    // the first run of those that are bad without another between; 0 when the newest is not bad
	PartlyFrom moment `json:"partly_from,omitzero"` // the run since which many are bad, and not all
	Missed     moment `json:"missed,omitzero"`      // the newest run, or tick, that is known and does not count
	Witness    moment `json:"witness,omitzero"`     // somebody else's good run since
	Suspected  moment `json:"suspected,omitzero"`   // when it became suspect
	Instructed moment `json:"told,omitzero"`        // when it was last told to measure
	From       moment `json:"from,omitzero"`        // runs before this do not count
	Heard      moment `json:"heard,omitzero"`       // the newest run, or tick that it covers
	Armed      moment `json:"armed,omitzero"`       // its timer; 0 when there is none

	Check       check   `json:"check,omitzero"`        // of itself
	CheckedBad  moment  `json:"checked_bad,omitzero"`  // when it began to make sure that it is bad
	CheckedGood moment  `json:"checked_good,omitzero"` // and that it is good again
	Seen        Numbers `json:"seen,omitzero"`
	Revision    uint64  `json:"revision,omitempty"` // of the newest result

	reach reach // how it counts for the agent's own trouble
}

// add counts a run that began at, and as many ticks as it covers. It says whether
// it counts: one that is older than all that are remembered does not.
func (s *series) add(at moment, c class, covers uint64, b brief) bool {
	if at < s.From {
		return false
	}
	newest := at >= s.Last.At
	says := at >= s.newestAt() // of what it finds
	if c == broken {
		if newest {
			s.Broken = min(s.Broken+1, 2)
			s.Last, s.Heard = b, max(s.Heard, at)
		}
		return newest
	}
	every := s.m.Every.Std()
	if n := len(s.Runs); n > 0 && at.sub(max(s.Runs[n-1].At, s.Missed)) > s.m.silence {
		s.reset() // what was before the gap says nothing about now
	}
	room := s.m.window()
	if len(s.Runs) == room && at < s.Runs[0].At {
		return false
	}
	more := int(min(covers, uint64(room)))
	if c == bad && s.newest() != bad {
		s.Missed = max(s.Missed, at.add(time.Duration(min(covers, 1<<20))*every))
		more = 0 // one result alone is never enough
	}
	for i := range more + 1 {
		s.insert(run{At: at.add(time.Duration(i) * every), Class: c}, room)
		if !b.Asked {
			s.Past <<= 1
			s.Past |= uint32(count(c == bad))
		}
	}
	if c != good && (says || s.Fail == nil) {
		s.Fail = &b
	}
	switch {
	case !says:
	case c != bad:
		s.BadFrom, s.Witness, s.Alone = 0, 0, false
		if b.Asked && s.Status != isDown {
			s.acquit()
		}
	case s.BadFrom == 0:
		s.BadFrom = at
	}
	if newest {
		s.Broken, s.Last = 0, b
		s.Heard = max(s.Heard, at.add(time.Duration(min(covers, 1<<20))*every))
	}
	s.weigh()
	return true
}

// insert puts a run in its place and lets go of the oldest over room.
func (s *series) insert(r run, room int) {
	i := len(s.Runs)
	for i > 0 && s.Runs[i-1].At > r.At {
		i--
	}
	if len(s.Runs) < room {
		s.Runs = slices.Insert(s.Runs, i, r)
		return
	}
	if i == 0 {
		return
	}
	copy(s.Runs, s.Runs[1:i])
	s.Runs[i-1] = r
}

// count counts the bad and the slow ones of the last runs, and says when the first
// of these began.
func (s *series) count() (bads, slows int, first moment) {
	for _, r := range s.Runs[max(0, len(s.Runs)-s.m.rule.Down.Of):] {
		switch r.Class {
		case bad:
			bads++
		case slow:
			slows++
		default:
			continue
		}
		if first == 0 {
			first = r.At
		}
	}
	return bads, slows, first
}

// span is when the first and the last bad one of the last runs began.
func (s *series) span() (first, last moment) {
	for _, r := range s.Runs[max(0, len(s.Runs)-s.m.rule.Down.Of):] {
		if r.Class == bad {
			if first == 0 {
				first = r.At
			}
			last = r.At
		}
	}
	return first, last
}

// trailing counts how many of the last runs are c, in a row.
func (s *series) trailing(c class) int {
	n := 0
	for n < len(s.Runs) && s.Runs[len(s.Runs)-1-n].Class == c {
		n++
	}
	return n
}

// newest is the class of the newest run that says something.
func (s *series) newest() class {
	if len(s.Runs) == 0 {
		return none
	}
	return s.Runs[len(s.Runs)-1].Class
}

func (s *series) newestAt() moment {
	if len(s.Runs) == 0 {
		return 0
	}
	return s.Runs[len(s.Runs)-1].At
}

// reset starts the series from the beginning.
func (s *series) reset() {
	s.Runs = s.Runs[:0]
	s.Status, s.Suspect, s.Broken = fresh, false, 0
	s.Alone, s.Partial, s.Past = false, false, 0
	s.Since, s.BadFrom, s.Witness, s.Suspected, s.PartlyFrom = 0, 0, 0, 0, 0
	s.Fail, s.Check = nil, check{}
}

// discard starts a series over whose bad runs were not the target's fault. A good one
// that is the newest is kept.
func (s *series) discard(now moment) {
	s.Instructed = now
	if s.Status == isGood && !s.Suspect && s.newest() == good {
		s.Past = 0
		return
	}
	last := s.Runs[max(0, len(s.Runs)-1):]
	keep := s.newest() == good
	s.reset()
	if keep {
		s.Runs = append(s.Runs, last...)
		s.weigh()
	} else {
		s.From = now
	}
}

// blind says that the agent cannot measure it.
func (s *series) blind() bool { return s.Broken >= 2 || s.Refused }

// deadline is when the series is silent if nothing is heard of it until then.
func (s *series) deadline(thawed moment) moment {
	return max(s.Heard, s.Instructed, thawed).add(s.m.silence)
}

// face is what others see of a series. While it stays the same, nothing else can change.
type face struct {
	status  seriesStatus
	newest  class
	suspect bool
	blind   bool
	silent  bool
	badFrom moment
}

func (s *series) face() face {
	return face{s.Status, s.newest(), s.Suspect, s.blind(), s.Silent, s.BadFrom}
}
