package access

import (
	"cmp"
	"slices"
	"time"
)

// Share is how much of the stream of results one agent may replace: the oldest
// go when it is full, whoever stored them.
type Share struct {
	Part  float64       // of all that is kept, at once
	Whole time.Duration // in which it may replace all of it, and longest suspension
}

// DefaultShare lets an agent deliver a full spool of 1 GiB into a stream of
// 4 GiB at once: with subjects and headers it comes to 1.2 to 1.3 GiB. An agent that
// stores 1,000 results a second, all day, stays within it.
func DefaultShare() Share { return Share{Part: 3.0 / 8, Whole: time.Hour} }

// shares weighs what agents store against their share: a bucket for each that
// fills with what it stores and empties with time. It knows no clock and no
// broker, and is not for several goroutines.
type shares struct {
	Share
	max   int64             // bytes that the stream keeps; 0 when it has no limit
	uses  map[string]*use   // by agent; one that is empty is forgotten
	grace map[string]*grace // by agent
}

// grace is what an agent that was let in again may have sent before it was
// suspended, and the stream has yet to store.
type grace struct {
	bytes float64
	until time.Time
}

// use is what one agent took of its share.
type use struct {
	agent  string
	level  float64   // bytes in its bucket
	at     time.Time // when level was so
	since  time.Time // when its bucket was empty last
	stored float64   // bytes since then
	warned bool      // that half of it is gone
}

func newShares(s Share) *shares {
	d := DefaultShare()
	return &shares{Share: Share{cmp.Or(s.Part, d.Part), cmp.Or(s.Whole, d.Whole)}, uses: map[string]*use{}, grace: map[string]*grace{}}
}

// burst is how many bytes one agent may store at once.
func (s *shares) burst() float64 { return s.Part * float64(s.max) }

// rate is how many bytes a second one agent may store for any time.
func (s *shares) rate() float64 { return float64(s.max) / s.Whole.Seconds() }

// limit says what the stream keeps from now on.
func (s *shares) limit(maxBytes int64) { s.max = max(0, maxBytes) }

// add counts what agents stored until now.
func (s *shares) add(now time.Time, stored map[string]float64) {
	if s.max == 0 {
		clear(s.uses)
		return
	}
	for agent, u := range s.uses {
		u.level -= s.rate() * now.Sub(u.at).Seconds()
		if u.at = now; u.level <= 0 && stored[agent] == 0 {
			delete(s.uses, agent)
		}
	}
	for agent, g := range s.grace {
		if of := min(g.bytes, stored[agent]); of > 0 {
			stored[agent], g.bytes = stored[agent]-of, g.bytes-of
		}
		if stored[agent] == 0 {
			delete(stored, agent)
		}
		if g.bytes == 0 || now.After(g.until) {
			delete(s.grace, agent)
		}
	}
	for agent, bytes := range stored {
		u := s.uses[agent]
		if u == nil || u.level <= 0 {
			u = &use{agent: agent, at: now, since: now}
			s.uses[agent] = u
		}
		u.stored += bytes
		// What came in too fast to be stopped is not held against it for ever.
		u.level = min(u.level+bytes, 2*s.burst())
	}
}

// over lists the agents above their share, those that stored most first, and
// warns, once, of those that used up half of it.
func (s *shares) over() (over, half []use) {
	for _, u := range s.uses {
		switch {
		case u.level > s.burst():
			over = append(over, *u)
		case u.level > s.burst()/2 && !u.warned:
			u.warned = true
			half = append(half, *u)
		}
	}
	most := func(a, b use) int { return cmp.Or(-cmp.Compare(a.level, b.level), cmp.Compare(a.agent, b.agent)) }
	slices.SortFunc(over, most)
	slices.SortFunc(half, most)
	return over, half
}

// pause is how long an agent has to store nothing until half of its share is
// there again.
func (s *shares) pause(u use) time.Duration {
	return time.Duration((u.level - s.burst()/2) / s.rate() * float64(time.Second))
}

const (
	// queued is the most that a server has taken in and not stored yet: its
	// max_buffered_size.
	queued    = 128 << 20
	graceMost = time.Minute // for the stream to store that
)

// forgive gives an agent all of its share again. What it sent before, and the
// stream has yet to store, does not count.
func (s *shares) forgive(agent string, now time.Time) {
	delete(s.uses, agent)
	s.grace[agent] = &grace{queued, now.Add(graceMost)}
}

// How often the stream is read: so often that an eighth of a share does
// not pass unseen, at more than a disk takes.
const (
	fastest   = 512 << 20 // bytes a second
	lookMost  = 500 * time.Millisecond
	lookLeast = 50 * time.Millisecond
)

func (s *shares) every() time.Duration {
	if s.max == 0 {
		return lookMost
	}
	return min(lookMost, max(lookLeast, time.Duration(s.burst()/8/fastest*float64(time.Second))))
}

// worth says whether so many new messages could matter, at the largest size: a
// look at them costs the same for ten as for ten thousand.
func (s *shares) worth(n uint64, largest int64) bool {
	return float64(n)*float64(largest) >= s.burst()/64
}

// sample is one message of those that were stored.
type sample struct {
	agent string
	bytes int64
}

// estimate says what each agent stored of n messages, from some of them that
// were chosen at random.
func estimate(n uint64, of []sample) map[string]float64 {
	out := map[string]float64{}
	for _, m := range of {
		out[m.agent] += float64(m.bytes) * float64(n) / float64(len(of))
	}
	return out
}

// choose picks at most k of the numbers after one up to another: one out of each
// of k parts, so that who floods cannot know which. random is below its argument.
func choose(after, upTo uint64, k int, random func(uint64) uint64) []uint64 {
	n := upTo - after
	if n <= uint64(k) {
		k = int(n)
	}
	out := make([]uint64, 0, k)
	for i := range uint64(k) {
		from, to := n*i/uint64(k), n*(i+1)/uint64(k)
		out = append(out, after+1+from+random(to-from))
	}
	return out
}
