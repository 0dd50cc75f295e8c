package feed

import (
	"runtime"
	"time"
)

// What questions may take of the CPU: half of it all together, and one who asks half of
// that, so that judging and feeding keep theirs, and others are answered, whoever asks for ever.
const (
	shareOfAll = 0.5              // of the processors
	shareOfOne = shareOfAll / 2   //
	burstOfAll = 10 * time.Second // of CPU time, after a rest
	burstOfOne = 5 * time.Second  //
	// waitMost is for how long a question waits for its share. Consoles wait for 20 s for
	// an answer, and one may take 5 s.
	waitMost = 10 * time.Second
)

// share is CPU time that is earned while time passes, up to a burst. It is known
// afterwards what a question took: what is over is owed.
type share struct {
	rate  float64 // seconds a second
	burst time.Duration
	has   time.Duration // less than nothing: it is owed
	at    time.Time     // when it had that
}

func newShare(part float64, burst time.Duration, now time.Time) *share {
	return &share{rate: part * float64(runtime.GOMAXPROCS(0)), burst: burst, has: burst, at: now}
}

// earn counts the time since it was called last.
func (s *share) earn(now time.Time) {
	if d := now.Sub(s.at); d > 0 {
		s.has, s.at = min(s.burst, s.has+time.Duration(float64(d)*s.rate)), now
	}
}

// wait says for how long there is nothing to spend.
func (s *share) wait(now time.Time) time.Duration {
	if s.earn(now); s.has > 0 {
		return 0
	}
	return time.Duration(float64(time.Millisecond-s.has) / s.rate)
}

func (s *share) full() bool { return s.has >= s.burst }

// shares are those of all who ask, and of each.
type shares struct {
	all *share
	of  map[string]*share // of those that spent something not long ago
}

func newShares(now time.Time) *shares {
	return &shares{all: newShare(shareOfAll, burstOfAll, now), of: map[string]*share{}}
}

// wait says for how long somebody's next question has to wait, and whether because of
// what he asked himself.
func (s *shares) wait(who string, now time.Time) (d time.Duration, own bool) {
	d = s.all.wait(now)
	if x := s.of[who]; x != nil {
		if mine := x.wait(now); mine > d {
			return mine, true
		}
	}
	return d, false
}

// spend notes what a question took.
func (s *shares) spend(who string, took time.Duration, now time.Time) {
	for name, x := range s.of {
		if x.earn(now); x.full() {
			delete(s.of, name)
		}
	}
	x := s.of[who]
	if x == nil {
		x = newShare(shareOfOne, burstOfOne, now)
		s.of[who] = x
	}
	s.all.earn(now)
	x.has -= took
	s.all.has -= took
}
