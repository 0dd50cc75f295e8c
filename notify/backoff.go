package notify

import "time"

// backoff says when a notice that was not taken is tried again.
type backoff struct {
	first, most time.Duration // the pause after the first attempt, and the longest one
	until       time.Duration // after the first attempt it is given up
}

// pause is how long to wait after so many attempts, the first of them at first; later is
// what the other side asked for, 0 for nothing: of that most counts at the most. ok is
// false when it is given up.
func (b backoff) pause(attempts int, first, now time.Time, later time.Duration) (d time.Duration, ok bool) {
	left := b.until - now.Sub(first)
	if left <= 0 {
		return 0, false
	}
	d = b.most
	if shift := attempts - 1; shift < 20 {
		d = min(b.most, b.first<<max(0, shift))
	}
	return min(max(d, min(later, b.most)), left), true
}

// ahead says whether a next attempt is to come. One that is further ahead than any pause
// was noted by a clock that was wrong: it is due.
func (b backoff) ahead(next, now time.Time) bool { return next.After(now) && next.Sub(now) <= b.most }
