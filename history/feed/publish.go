package feed

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/retry"
	"netmon/wire"
)

const (
	publishEvery  = 10 * time.Second // closed hours are looked for, while there are few
	publishMost   = 100              // hours at once, and in a second
	publishWithin = 5 * time.Second  // for the broker to take them
)

// published is what became of hours that were sent.
type published struct {
	hours []wire.HistoryHour // that are stored
	last  map[string]uint64  // number of the last message of each subject; 0 where somebody else wrote
	err   error              // why not all of them
}

// publish sends what is closed and not published yet, at most publishMost hours in a
// second: after a long outage others go first. Who leads no more, and does not know it,
// writes nothing behind the message of another one.
func (g *feeding) publish(ctx context.Context) error {
	if g.publishing || time.Since(g.looked) < g.publishEvery {
		return nil
	}
	hours, err := g.file.Closed(ctx, time.Now(), publishMost)
	if err != nil {
		return err
	}
	if len(hours) < publishMost {
		g.looked = time.Now()
	}
	if len(hours) == 0 {
		return nil
	}
	g.publishing = true
	last := map[string]uint64{}
	for _, h := range hours {
		if subject, err := wire.HistoryHourSubject(h.Monitor, h.Agent); err == nil {
			if seq, known := g.last[subject]; known {
				last[subject] = seq
			}
		}
	}
	g.readers.Go(func() {
		within, cancel := context.WithTimeout(ctx, publishWithin)
		defer cancel()
		p := send(within, g.js, hours, last)
		select {
		case g.published <- p:
		case <-ctx.Done():
		}
	})
	return nil
}

// sent notes what became of it.
func (g *feeding) sent(ctx context.Context, p published) error {
	g.publishing = false
	if p.err != nil {
		g.looked = time.Now()
		g.Log.Warn("closed hours are not published yet", "error", p.err)
	}
	for subject, seq := range p.last {
		if seq == 0 {
			delete(g.last, subject)
		} else {
			g.last[subject] = max(g.last[subject], seq)
		}
	}
	if len(p.hours) == 0 {
		return nil
	}
	return g.file.Published(ctx, p.hours)
}

// send stores hours, each behind the last message of its subject that is known.
func send(ctx context.Context, js jetstream.JetStream, hours []wire.HistoryHour, last map[string]uint64) (p published) {
	p.last = maps.Clone(last)
	for len(hours) > 0 && p.err == nil {
		var wave, later []wire.HistoryHour // one of each series at once
		futures := map[string]jetstream.PubAckFuture{}
		for _, h := range hours {
			subject, err := wire.HistoryHourSubject(h.Monitor, h.Agent)
			if err != nil {
				continue // it was read from the file, which took no such name
			}
			if futures[subject] != nil {
				later = append(later, h)
				continue
			}
			future, err := sendHour(ctx, js, subject, h, p.last)
			if err != nil {
				p.err = err
				break
			}
			futures[subject], wave = future, append(wave, h)
		}
		for _, h := range wave {
			subject, _ := wire.HistoryHourSubject(h.Monitor, h.Agent)
			select {
			case ack := <-futures[subject].Ok():
				p.last[subject], p.hours = ack.Sequence, append(p.hours, h)
			case err := <-futures[subject].Err():
				p.last[subject] = 0 // it is asked for again
				p.err = err
			case <-ctx.Done():
				p.last[subject] = 0
				p.err = ctx.Err()
			}
		}
		hours = later
	}
	return p
}

func sendHour(ctx context.Context, js jetstream.JetStream, subject string, h wire.HistoryHour, last map[string]uint64) (jetstream.PubAckFuture, error) {
	seq, known := last[subject]
	if !known || seq == 0 {
		switch there, err := retry.Newest(ctx, js, wire.HistoryStream, subject); {
		case err == nil:
			seq = there.Sequence
		case !errors.Is(err, jetstream.ErrMsgNotFound):
			return nil, err
		}
	}
	data, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	return js.PublishMsgAsync(&nats.Msg{Subject: subject, Data: data}, jetstream.WithExpectLastSequencePerSubject(seq))
}
