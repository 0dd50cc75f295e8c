package push

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// send hands over a batch, in parts where the receiver refuses it as a whole. After an
// error it was not acknowledged. ctx ends the waiting, sending what is under way.
func (d *delivery) send(ctx, sending context.Context, b *Batch) error {
	if b.Len() == 0 {
		return nil
	}
	refusal, err := d.try(ctx, sending, b)
	switch {
	case err != nil || refusal == nil:
		return err
	case refusal.Dropped > 0 || b.Len() == 1:
		d.refused(b, refusal)
		return nil
	}
	items := b.items()
	if refusal.Reason == tooOld {
		return d.sendNewer(ctx, sending, b, items)
	}
	if known(refusal.Reason) && b.Again && !d.examined {
		d.examined = true
		if has, err := d.hasAlready(ctx, sending, b, items); err != nil || has {
			return err
		}
	}
	sortBySeries(items)
	if known(refusal.Reason) && items[0].key() == items[len(items)-1].key() {
		return d.sendSeries(ctx, sending, b, items)
	}
	cut := middle(items)
	return d.sendBoth(ctx, sending, b.of(items[:cut]...), b.of(items[cut:]...))
}

func (d *delivery) sendBoth(ctx, sending context.Context, first, second *Batch) error {
	if err := d.send(ctx, sending, first); err != nil {
		return err
	}
	return d.send(ctx, sending, second)
}

// try sends a batch until it is taken or refused.
func (d *delivery) try(ctx, sending context.Context, b *Batch) (*Refusal, error) {
	for pause := d.o.pause; ; pause = min(2*pause, pauseMost) {
		err := d.Sink.Send(sending, b)
		var refusal *Refusal
		switch {
		case err == nil:
			d.answers = true
			d.recovered()
			return nil, nil
		case isBroken(err):
			return nil, err
		case errors.As(err, &refusal) && !d.refusesAll(sending, refusal):
			d.recovered()
			return refusal, nil
		case refusal != nil:
			err = fmt.Errorf("%w: it answers so to an empty request, too", err)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		d.trouble(err)
		d.counting.change(func(s *Stats) { s.Retries++ })
		b.Again = true
		wait := pause/2 + rand.N(pause) // #nosec G404 -- spreads those who try again
		if later := (*Later)(nil); errors.As(err, &later) && later.After > 0 {
			wait = min(later.After, laterMost)
		}
		if !sleep(ctx, wait) {
			return nil, ctx.Err()
		}
	}
}

// refusesAll says that a refusal has nothing to do with what was sent, such as that of a
// proxy, or of a port that speaks TLS: an empty request is refused in the same words.
func (d *delivery) refusesAll(ctx context.Context, r *Refusal) bool {
	p, ok := d.Sink.(pinger)
	if !ok || r.Reason != invalid || r.Dropped > 0 || d.answers {
		return false
	}
	err := p.ping(ctx)
	var other *Refusal
	if d.answers = err == nil || errors.As(err, &other) && other.Error() != r.Error(); d.answers {
		return false
	}
	return true
}

// sendNewer sends what a receiver may take that found something too old. It asks for the
// newest result: where that is too old all are. Else it cuts in two by time, the older ones
// first, since a receiver takes the results of a series in order.
func (d *delivery) sendNewer(ctx, sending context.Context, b *Batch, items []item) error {
	slices.SortStableFunc(items, func(a, b item) int { return a.at.Compare(b.at) })
	at := newest(items)
	refusal, err := d.try(ctx, sending, b.of(items[at]))
	if err != nil {
		return err
	}
	probe := items[at]
	var rest, mates, left []item // mates are of the series that has a newer one now
	for i, x := range items {
		mate := x.key() == probe.key()
		switch {
		case i == at && refusal == nil:
		case i == at, refusal != nil && !x.at.After(probe.at) && (refusal.Reason == tooOld || mate && known(refusal.Reason)):
			left = append(left, x)
		case refusal == nil && mate && i < at:
			mates = append(mates, x)
		default:
			rest = append(rest, x)
		}
	}
	if len(left) > 0 {
		d.refused(b.of(left...), refusal)
	}
	for _, x := range mates {
		if err := d.send(ctx, sending, b.of(x)); err != nil {
			return err
		}
	}
	cut := len(rest) / 2
	if len(left) >= len(rest) { // most is gone: the others may be taken at once
		cut = 0
	}
	return d.sendBoth(ctx, sending, b.of(rest[:cut]...), b.of(rest[cut:]...))
}

// newest is, among the newest eighth of items in order of time, one of the series that has
// the fewest: once it is taken the older ones of its series are not.
func newest(items []item) int {
	count := map[seriesKey]int{}
	for i := range items {
		count[items[i].key()]++
	}
	best := len(items) - 1
	for i := len(items) - 1; i > len(items)*7/8; i-- {
		if count[items[i].key()] < count[items[best].key()] {
			best = i
		}
	}
	return best
}

// hasAlready says that a receiver took an earlier try, as the answer to that was lost: it
// refuses the oldest results of three series, which it would take otherwise.
func (d *delivery) hasAlready(ctx, sending context.Context, b *Batch, items []item) (bool, error) {
	oldest, count := map[seriesKey]item{}, map[seriesKey]int{}
	for _, x := range items {
		if old, there := oldest[x.key()]; !there || x.at.Before(old.at) {
			oldest[x.key()] = x
		}
		count[x.key()]++
	}
	asked := 0
	for key, x := range oldest {
		if asked == 3 {
			break
		}
		if count[key] == 1 {
			continue // one that it has is no reason to refuse
		}
		asked++
		if refusal, err := d.try(ctx, sending, b.of(x)); err != nil || refusal == nil || !known(refusal.Reason) {
			return false, err
		}
	}
	if asked > 0 {
		d.refused(b, &Refusal{Reason: duplicate, Err: errors.New("the receiver has it already")})
	}
	return asked > 0, nil
}

// sendSeries sends what a receiver may take of one series, in order of time. A few that are
// late cost no other; where there are more, it asks for the newest, as a receiver that has a
// newer one takes none.
func (d *delivery) sendSeries(ctx, sending context.Context, b *Batch, items []item) error {
	late := 0
	for range 3 {
		one := b.of(items[0])
		refusal, err := d.try(ctx, sending, one)
		if err != nil {
			return err
		}
		if refusal != nil {
			late++
			d.refused(one, refusal)
		}
		if items = items[1:]; len(items) == 0 {
			return nil
		}
		if refusal, err := d.try(ctx, sending, b.of(items...)); err != nil || refusal == nil {
			return err
		}
	}
	if late == 3 {
		return d.sendNewer(ctx, sending, b, items)
	}
	cut := (len(items) + 1) / 2
	return d.sendBoth(ctx, sending, b.of(items[:cut]...), b.of(items[cut:]...))
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
