package console

import (
	"time"

	"netmon/internal/tail"
	"netmon/wire"
)

// storedTime turns the broker's times into ours, for the messages of one tail: no
// other clock than the broker's own says how old something is.
type storedTime struct {
	t           *tail.Tail
	began, ours time.Time // when the reading began, by the broker's clock and by ours
}

func newStoredTime(t *tail.Tail) *storedTime {
	return &storedTime{t, t.Stream().TimeStamp, time.Now()}
}

// of is when a message was stored. Those that were there when the reading began are
// as old as the broker says; later ones come at once.
func (s *storedTime) of(stored time.Time) time.Time {
	if began := s.t.Stream().TimeStamp; !began.Equal(s.began) {
		s.began, s.ours = began, time.Now()
	}
	if stored.Before(s.began) {
		return s.ours.Add(-s.began.Sub(stored))
	}
	return time.Now()
}

// measured is when a result was: it may have waited for a broker.
func (s *storedTime) measured(stored time.Time, r *wire.Result) time.Time {
	return s.of(stored).Add(-max(0, time.Duration(r.LateNS)))
}
