package prompt

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"netmon/console"
	"netmon/wire"
)

// Mode says which results stream above the prompt.
type Mode string

const (
	All      Mode = "on"
	Failures Mode = "failures" // what is not ok
	Changes  Mode = "changes"  // another outcome than the run before on the same agent
	Off      Mode = "off"
)

var modes = []Mode{All, Failures, Changes, Off}

func modeNames() []string {
	names := make([]string, len(modes))
	for i, m := range modes {
		names[i] = string(m)
	}
	return names
}

// ParseMode reads the argument of `results`.
func ParseMode(s string) (Mode, error) {
	if !slices.Contains(modes, Mode(s)) {
		return "", fmt.Errorf("results: want one of %s, got %q", strings.Join(modeNames(), ", "), s)
	}
	return Mode(s), nil
}

// How many results are shown in a second, as many as a person reads. Results that are not
// ok have room of their own, so that they are not lost among the others.
const (
	perSecond    = 30
	badPerSecond = 15
)

// Stream takes results as fast as they come, gives out as many as a person can read, and
// counts the others. Add never blocks.
type Stream struct {
	mu      sync.Mutex
	mode    Mode
	last    map[[2]string]wire.Outcome // by agent and monitor
	waiting []wire.Result
	good    int // of this second, that were kept
	bad     int
	began   time.Time
	more    Missed
	trouble error
	stop    context.CancelFunc // of the present Follow
	woken   chan struct{}
}

// Missed counts results that were not shown.
type Missed struct{ All, Bad int }

// NewStream makes a stream in this mode.
func NewStream(mode Mode) *Stream {
	return &Stream{mode: mode, last: map[[2]string]wire.Outcome{}, woken: make(chan struct{}, 1), stop: func() {}}
}

// Add takes one result.
func (s *Stream) Add(r wire.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := [2]string{r.Agent, r.Monitor}
	before, known := s.last[of]
	s.last[of] = r.Outcome
	bad := r.Outcome != wire.OK
	switch {
	case s.mode == Off, s.mode == Failures && !bad, s.mode == Changes && known && before == r.Outcome:
		return
	case s.good < perSecond:
		s.good++
	case bad && s.bad < badPerSecond:
		s.bad++
	default:
		s.more.All++
		if bad {
			s.more.Bad++
		}
		return
	}
	s.waiting = append(s.waiting, r)
}

// Take returns the results to show now, and once a second how many were left out.
func (s *Stream) Take(now time.Time) ([]wire.Result, Missed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out, missed := s.waiting, Missed{}
	s.waiting = nil
	if now.Sub(s.began) >= time.Second {
		missed = s.more
		s.began, s.more, s.good, s.bad = now, Missed{}, 0, 0
	}
	return out, missed
}

// Waiting is how many results wait for Take.
func (s *Stream) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting) + s.more.All
}

// Skip drops the results that wait for Take, and counts them.
func (s *Stream) Skip() Missed {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.more
	for _, r := range s.waiting {
		n.All++
		if r.Outcome != wire.OK {
			n.Bad++
		}
	}
	s.waiting, s.more, s.good, s.bad = nil, Missed{}, 0, 0
	return n
}

// Mode is the present mode.
func (s *Stream) Mode() Mode {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mode
}

// SetMode changes what streams. It drops the results that wait.
func (s *Stream) SetMode(m Mode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mode, s.waiting, s.more, s.good, s.bad = m, nil, Missed{}, 0, 0
	if m == Off {
		s.stop()
		return
	}
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// Run feeds the stream with the results of the mesh until ctx ends. It reads none while
// the stream is off.
func (s *Stream) Run(ctx context.Context, cl *console.Client) {
	for ctx.Err() == nil {
		following, stop := context.WithCancel(ctx)
		s.mu.Lock()
		s.stop = stop
		off := s.mode == Off
		s.mu.Unlock()
		wait := time.After(time.Second) // before reading again
		if off {
			wait = nil
		} else {
			err := cl.Follow(following, console.Filter{Trouble: s.report}, func() { s.report(nil) }, func(r wire.Result) error { s.Add(r); return nil })
			if err != nil && cl.Connected() {
				s.report(err)
			}
		}
		stop()
		select {
		case <-ctx.Done():
		case <-s.woken:
		case <-wait:
		}
	}
}

// report notes why results cannot be read although the broker is there; nil: they can.
func (s *Stream) report(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble = err
}

// Trouble is why results cannot be read although the broker is there; nil: they can.
func (s *Stream) Trouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trouble
}
