package push

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/plural"
	"netmon/internal/tail"
)

const (
	pauseFirst = time.Second
	pauseMost  = time.Minute
	laterMost  = 10 * time.Minute // that a receiver may have us wait
	// graceful is how long the batch under way may take once the work is to end.
	graceful = 10 * time.Second
	// refusedEvery is how often what a receiver refuses is reported.
	refusedEvery = time.Minute
	// farBehind is how many results make it worth a line that they were sent.
	farBehind = 1000
)

// delivery brings results and verdicts to one destination.
type delivery struct {
	Destination
	o     *Pusher
	log   *slog.Logger
	store *store
	at    Position
	line  timeline
	hand  hand

	results chan chunk
	changes chan change
	tail    atomic.Pointer[tail.Tail] // that reads verdicts

	counting counting
	failing  time.Time // since when, zero while it works
	outage   bool      // a line is due when all was sent
	told     map[string]time.Time
	stored   bool // the file says what at says
}

// run delivers until ctx ends, or nothing can be sent there any more.
func (d *delivery) run(ctx context.Context) error {
	sending, stop := withGrace(ctx, graceful)
	defer stop()
	for {
		b, end := d.collect(ctx)
		if b == nil {
			break
		}
		if b.Len() == 0 { // nothing is left of the one that was under way
			d.at.done(end)
			continue
		}
		d.at.begin(end)
		if !d.save(ctx) {
			break
		}
		results, verdicts := len(b.Results), len(b.Verdicts)
		if err := d.send(ctx, sending, b); err != nil {
			if ctx.Err() != nil && !isBroken(err) {
				break
			}
			return err
		}
		d.at.done(end)
		if f, ok := d.Sink.(filing); ok {
			f.note(&d.at)
		}
		d.stored = false
		d.acknowledged(results, verdicts)
		if len(d.hand.results) == 0 && len(d.results) == 0 {
			d.save(ctx)
		}
	}
	if !d.stored {
		if err := d.store.write(d.at); err != nil {
			return fmt.Errorf("%s: store the position: %w: the last batch is sent again by the next start", d.Name, err)
		}
	}
	return nil
}

// withGrace is a context that ends some time after another one.
func withGrace(ctx context.Context, grace time.Duration) (context.Context, func()) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	after := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(grace):
			cancel()
		case <-out.Done():
		}
	})
	return out, func() { after(); cancel() }
}

// save stores the position, and says whether it could: nothing is sent before.
func (d *delivery) save(ctx context.Context) bool {
	for pause := d.o.pause; ; pause = min(2*pause, pauseMost) {
		var err error
		if f, ok := d.Sink.(filing); ok && d.at.underWay() {
			err = f.prepare(&d.at)
		}
		if err == nil {
			err = d.store.write(d.at)
		}
		if err == nil {
			d.stored = true
			d.recovered()
			return true
		}
		d.trouble(fmt.Errorf("store the position: %w", err))
		if !sleep(ctx, pause) {
			return false
		}
	}
}

// send hands over a batch, in parts where the receiver refuses it as a whole. After an
// error it was not acknowledged. ctx ends the waiting, sending what is under way.
func (d *delivery) send(ctx, sending context.Context, b *Batch) error {
	for pause := d.o.pause; ; pause = min(2*pause, pauseMost) {
		err := d.Sink.Send(sending, b)
		var refusal *Refusal
		switch {
		case err == nil:
			d.recovered()
			return nil
		case isBroken(err):
			return fmt.Errorf("%s: %w", d.Name, err)
		case errors.As(err, &refusal):
			d.recovered() // it answers
			if refusal.Dropped > 0 || b.Len() == 1 {
				d.refused(b, refusal)
				return nil
			}
			for _, half := range b.halves() {
				if half.Len() > 0 {
					if err := d.send(ctx, sending, half); err != nil {
						return err
					}
				}
			}
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		d.trouble(err)
		d.counting.change(func(s *Stats) { s.Retries++ })
		b.Again = true
		wait := pause/2 + rand.N(pause) // #nosec G404 -- spreads those who try again
		if later := (*Later)(nil); errors.As(err, &later) && later.After > 0 {
			wait = min(later.After, laterMost)
		}
		if !sleep(ctx, wait) {
			return ctx.Err()
		}
	}
}

func isBroken(err error) bool {
	var broken *Broken
	return errors.As(err, &broken)
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// refused counts what is refused for good, and reports it now and then.
func (d *delivery) refused(b *Batch, r *Refusal) {
	n := uint64(max(1, r.Dropped))
	if b.Again && known(r.Reason) {
		d.counting.change(func(s *Stats) { s.Repeated += n })
		return
	}
	d.counting.change(func(s *Stats) {
		if s.Refused == nil {
			s.Refused = map[string]uint64{}
		}
		s.Refused[r.Reason] += n
	})
	if d.due("refused " + r.Reason) {
		d.log.Warn("the receiver refuses some of what is measured: it is left out", "reason", r.Reason, "error", r.Err, "first", what(b))
	}
}

// what names the first of a batch.
func what(b *Batch) string {
	if len(b.Results) > 0 {
		return "result " + b.Results[0].ID() + " of " + b.Results[0].Monitor
	}
	return "verdict on " + b.Verdicts[0].Monitor
}

// due says that something was not reported lately.
func (d *delivery) due(what string) bool {
	if time.Since(d.told[what]) < refusedEvery {
		return false
	}
	d.told[what] = time.Now()
	return true
}

// trouble reports, once, that nothing can be sent.
func (d *delivery) trouble(err error) {
	d.counting.change(func(s *Stats) { s.Failing, s.Failure = true, err.Error() })
	if d.failing.IsZero() {
		d.failing, d.outage = time.Now(), true
		d.o.say("%s: %v: what is measured meanwhile is sent later", d.Name, err)
	}
}

// recovered reports, once, that something can be sent again.
func (d *delivery) recovered() {
	if d.failing.IsZero() {
		return
	}
	d.counting.change(func(s *Stats) { s.Failing, s.Failure = false, "" })
	d.o.say("%s: works again after %v", d.Name, time.Since(d.failing).Round(time.Second))
	d.failing = time.Time{}
}

// acknowledged counts, and reports the end of an outage.
func (d *delivery) acknowledged(results, verdicts int) {
	behind := d.hand.behind + uint64(len(d.hand.results))
	d.counting.change(func(s *Stats) {
		s.Results += uint64(results)
		s.Verdicts += uint64(verdicts)
		s.Behind = behind
	})
	switch {
	case behind >= farBehind && !d.outage:
		d.outage = true
		d.o.say("%s: %s behind", d.Name, plural.Count(behind, "result", "results"))
	case behind == 0 && d.outage && d.failing.IsZero():
		d.outage = false
		d.o.say("%s: caught up", d.Name)
	}
}

// gap counts results that are no longer in the stream, and reports them where they are
// many in a row.
func (d *delivery) gap(last, next uint64) {
	if next <= last+1 {
		return
	}
	n := next - last - 1
	d.counting.change(func(s *Stats) { s.Missing += n })
	if d.due("gap") {
		d.log.Warn("results were removed from the stream before they were sent", "stream", "RESULTS", "from", last+1, "to", next-1, "count", n)
	}
}

// recreated reports that a stream was recreated.
func (d *delivery) recreated(of, stream string) {
	d.log.Warn("the stream of "+of+" was recreated: all that it has is sent", "stream", stream)
}

// place resolves where the destination continues in a stream.
func (d *delivery) place(info *jetstream.StreamInfo, p *Place) {
	at, trouble := placeOf(info, *p)
	if trouble != "" {
		d.log.Warn(trouble, "stream", info.Config.Name, "sequence", p.Sequence, "last", info.State.LastSeq)
	}
	*p = at
}
