package console

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/tail"
	"netmon/wire"
)

const (
	// leadGrace is how long nobody may lead before consoles judge by themselves: an
	// election takes less.
	leadGrace = 10 * time.Second
	// leadAgain is how often it is looked for streams that were not there.
	leadAgain = 5 * time.Second
)

const leaderSubject = "$KV." + wire.ControlBucket + "." + wire.LeaderKey

// lead is what is known about who judges.
type lead struct {
	c       *Client
	stored  bool       // there are verdicts that we may read
	heard   time.Time  // when the lease was written last, by our clock; zero: never
	lease   *tail.Tail // nil where there is no bucket
	reading sync.WaitGroup
	asked   time.Time // when the streams were looked for
	renewed chan time.Time
	ended   chan struct{}
}

// followLead calls told with whether a controller leads whose verdicts can be read,
// and again when that changes, until ctx ends.
func (c *Client) followLead(ctx context.Context, told func(leads bool)) error {
	l := lead{c: c, renewed: make(chan time.Time), ended: make(chan struct{})}
	defer l.stop()
	if err := l.refresh(ctx); err != nil {
		return err
	}
	is := l.leads(time.Now())
	told(is)
	tick := time.NewTicker(clockEach)
	defer tick.Stop()
	connected := true
	for {
		select {
		case <-ctx.Done():
			return nil
		case l.heard = <-l.renewed:
		case now := <-tick.C:
			was := connected
			if connected = c.Connected(); !connected {
				continue // nothing is known of now
			}
			if !was && is {
				l.heard = now
			}
			if (!l.stored || l.lease == nil) && now.Sub(l.asked) > leadAgain {
				if err := l.refresh(ctx); err != nil {
					return err
				}
			}
		}
		if now := l.leads(time.Now()); now != is {
			is = now
			told(is)
		}
	}
}

func (l *lead) stop() {
	close(l.ended)
	if l.lease != nil {
		l.lease.Stop()
	}
	l.reading.Wait()
}

func (l *lead) leads(now time.Time) bool {
	return l.stored && !l.heard.IsZero() && now.Sub(l.heard) <= l.c.leadGrace
}

// refresh reads the verdicts and the lease again.
func (l *lead) refresh(ctx context.Context) error {
	l.asked = time.Now()
	verdicts, err := l.c.open(ctx, wire.VerdictsStream)
	l.stored = err == nil
	if err != nil && !absent(err) {
		return noMesh("look for verdicts", err)
	}
	if l.lease != nil {
		return nil
	}
	if _, err = l.c.open(ctx, "KV_"+wire.ControlBucket); err == nil {
		l.lease, err = tail.Open(ctx, l.c.js, "KV_"+wire.ControlBucket, tail.From{Subjects: []string{leaderSubject}, Last: true})
	}
	switch {
	case err != nil && absent(err):
		return nil
	case err != nil:
		return noMesh("ask which controller leads", err)
	}
	// A lease that nobody renews is gone, but the stream knows when it was written. It
	// is in memory: where the broker started over, there has to be another one first.
	s := l.lease.Stream()
	at := s.State.LastTime
	if s.State.LastSeq == 0 && l.stored && verdicts.CachedInfo().State.LastSeq > 0 {
		at = s.Created
	}
	if !at.IsZero() {
		l.heard = time.Now().Add(-s.TimeStamp.Sub(at))
	}
	t := l.lease
	l.reading.Go(func() { l.read(t) })
	return nil
}

// read reports each renewal of the lease, until the reading is stopped.
func (l *lead) read(t *tail.Tail) {
	for {
		m, _, err := t.Next()
		if err != nil {
			return
		}
		if m.Header.Get(headerOperation) != "" {
			continue // it was given back
		}
		select {
		case l.renewed <- time.Now():
		case <-l.ended:
			return
		}
	}
}

// absent says that there is no such stream, or not for us.
func absent(err error) bool {
	return errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, ErrDenied)
}

// Leads says whether a controller leads now whose verdicts we can read.
func (c *Client) Leads(ctx context.Context) (bool, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	leads := false
	err := c.followLead(ctx, func(is bool) {
		leads = is
		stop()
	})
	return leads, err
}
