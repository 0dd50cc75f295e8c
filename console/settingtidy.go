package console

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// Silences that are over and acknowledgements of incidents that are over stay for a
// while, for people to look at. Whoever makes another one removes some of the oldest:
// nobody else may write them.
const (
	keepEnded = 30 * 24 * time.Hour
	tidyMost  = 8 // at a time
)

// Now is the time by the broker's clock, by which silences begin and end.
func (s *Settings) Now() time.Time {
	info := s.stream.CachedInfo()
	if info.TimeStamp.IsZero() {
		return time.Now()
	}
	return info.TimeStamp.Add(time.Since(s.opened))
}

// tidySilences removes silences that are long over. What fails is done another time.
func (s *Settings) tidySilences(ctx context.Context, now time.Time) {
	list, _ := s.List(ctx, wire.SortSilence)
	s.tidy(ctx, list, func(x wire.Setting) bool {
		silence, ok := x.(*wire.Silence)
		return ok && now.Sub(silence.Until) > keepEnded
	})
}

// tidyAcks removes acknowledgements of incidents that are long over.
func (s *Settings) tidyAcks(ctx context.Context, now time.Time) {
	list, _ := s.List(ctx, wire.SortAck)
	s.tidy(ctx, list, func(x wire.Setting) bool {
		ack, ok := x.(*wire.Acknowledgement)
		return ok && now.Sub(ack.At) > keepEnded && s.over(ctx, ack.Incident)
	})
}

func (s *Settings) tidy(ctx context.Context, list []wire.Setting, old func(wire.Setting) bool) {
	removed := 0
	for _, x := range list {
		if removed == tidyMost {
			return
		}
		if !old(x) {
			continue
		}
		if _, err := s.Delete(ctx, x.Sort(), x.SettingName(), x.About().Revision); err != nil {
			return
		}
		removed++
	}
}

// over says that an incident is known not to be open.
func (s *Settings) over(ctx context.Context, incident string) bool {
	subject, err := wire.IncidentSubject(incident)
	if err != nil {
		return false
	}
	stream, err := s.c.open(ctx, wire.IncidentsStream)
	if err != nil {
		return false
	}
	m, err := s.c.last(ctx, stream, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return true
	}
	if err != nil {
		return false
	}
	i, err := wire.DecodeIncident(subject, m.Data)
	return err == nil && i.State != wire.IncidentOpen
}
