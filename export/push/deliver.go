package push

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
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

	newest time.Time // of the results that were sent
	seen   numbers

	answers  bool // it took something of this batch, or answers to an empty request
	examined bool // it was asked whether it has this part already

	counting counting
	failing  time.Time // since when, zero while it works
	failure  string    // why, as was said last
	outage   bool      // a line is due when all was sent
	reported map[string]time.Time
	stored   bool // the file says what at says
}

// run delivers until ctx ends, or nothing can be sent there any more.
func (d *delivery) run(ctx context.Context) error {
	sending, stop := withGrace(ctx, cmp.Or(d.Grace, graceful))
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
		d.answers = false
		for _, part := range d.parts(b) {
			d.examined = false
			if err := d.send(ctx, sending, part); err != nil {
				if ctx.Err() != nil && !isBroken(err) {
					return d.end()
				}
				return err
			}
		}
		d.at.done(end)
		if f, ok := d.Sink.(filing); ok {
			f.note(&d.at)
		}
		d.stored = false
		d.acknowledged(len(b.Results), len(b.Verdicts))
		if len(d.hand.results) == 0 {
			d.save(ctx)
		}
	}
	return d.end()
}

// end stores the position.
func (d *delivery) end() error {
	if d.stored {
		return nil
	}
	if err := d.store.write(d.at); err != nil {
		return fmt.Errorf("store the position: %w: the last batch is sent again by the next start", err)
	}
	return nil
}

// parts are what is sent by requests of their own: at most so many results and verdicts,
// also of a minute of many monitors; and where they go to different addresses, what one of
// these refuses costs the other nothing.
func (d *delivery) parts(b *Batch) (out []*Batch) {
	items := b.items()
	for len(items) > 0 {
		n := min(len(items), d.Most)
		if results := len(b.Results) - (b.Len() - len(items)); d.Apart && results > 0 {
			n = min(n, results)
		}
		out = append(out, b.of(items[:n]...))
		items = items[n:]
	}
	return out
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

// refused counts what is refused for good, and reports it now and then.
func (d *delivery) refused(b *Batch, r *Refusal) {
	n := uint64(cmp.Or(r.Dropped, b.Len())) // #nosec G115 -- a count
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
	if time.Since(d.reported[what]) < refusedEvery {
		return false
	}
	d.reported[what] = time.Now()
	return true
}

// trouble reports that nothing can be sent, once, and now and then when that is for another
// reason.
func (d *delivery) trouble(err error) {
	text := err.Error()
	d.counting.change(func(s *Stats) { s.Failing, s.Failure = true, text })
	switch {
	case d.failing.IsZero():
		d.failing, d.outage = time.Now(), true
		d.o.say("%s: %s: what is measured meanwhile is sent later", d.Name, text)
		d.reported["trouble"] = time.Now()
	case text != d.failure && d.due("trouble"):
		d.o.say("%s: now %s", d.Name, text)
	default:
		return
	}
	d.failure = text
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
func (d *delivery) place(info *jetstream.StreamInfo, p *Place, all bool) {
	at, trouble := placeOf(info, *p, all)
	if trouble != "" {
		d.log.Warn(trouble, "stream", info.Config.Name, "sequence", p.Sequence, "last", info.State.LastSeq)
	}
	*p = at
}
