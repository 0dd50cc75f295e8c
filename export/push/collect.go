package push

import (
	"context"
	"time"

	"netmon/wire"
)

// lookEvery is how often it is looked whether verdicts may be sent that wait.
const lookEvery = time.Second

// chunk is some results, and how many are behind them in the stream.
type chunk struct {
	results []*Result
	behind  uint64
}

// hand is what was read and is in no batch yet.
type hand struct {
	results []*Result
	changes []change
	behind  uint64    // results in the stream that were not read yet
	came    time.Time // when results came last
}

// left is how many results are to be sent yet. What is counted and does not come was removed.
func (d *delivery) left() uint64 {
	h := &d.hand
	if len(h.results) == 0 && time.Since(h.came) > time.Minute && time.Since(d.heard()) < 10*time.Second {
		return 0
	}
	return h.behind + uint64(len(h.results))
}

// horizon is up to when states may be repeated, and changes sent where results are behind.
type horizon struct {
	minute  int64
	behind  bool
	changes time.Time
}

// horizon keeps verdicts behind the results while these are behind: a receiver measures
// what is too old by the newest that it has. While the broker says nothing of what holds,
// nothing is repeated.
func (d *delivery) horizon(again bool) (h horizon) {
	if again {
		return horizon{minute: d.at.SendingMinute}
	}
	d.line.bound(due(time.Now()))
	if h.minute = due(d.heard()); d.Repeats && d.left() > 0 {
		h.behind, h.changes = true, d.newest
		h.minute = min(h.minute, max(d.line.minute, d.newest.Unix()/60))
	}
	return h
}

// collect makes the next batch, and says where it ends. It is nil when ctx ends. The
// first batch after a start that may be the second try of one ends where that did.
func (d *delivery) collect(ctx context.Context) (*Batch, Position) {
	b, end := &Batch{Again: d.at.underWay()}, d.at
	wait := time.NewTimer(0)
	defer wait.Stop()
	running := false
	var until horizon
	for {
		if b.Len() == 0 { // the same for all of a batch, so that another try has the same order
			until, b.tags = d.horizon(b.Again), d.o.tags.current()
		}
		whole := d.fill(b, &end, until)
		if whole && (b.Len() > 0 || b.Again) {
			return b, end
		}
		if b.Len() == 0 {
			d.at.skip(end) // such as minutes in which nothing is saved
		} else if !running {
			wait.Reset(d.Every)
			running = true
		}
		look := d.look(b)
		select {
		case c := <-when(len(d.hand.results) == 0, d.results):
			d.hand.results, d.hand.behind, d.hand.came = c.results, c.behind, time.Now()
		case c := <-when(len(d.hand.changes) == 0, d.changes):
			d.hand.changes = append(d.hand.changes[:0], c)
		case <-look:
		case <-wait.C:
			if running && !b.Again {
				return b, end
			}
		case <-ctx.Done():
			return nil, end
		}
	}
}

// when is a channel, or one from which nothing comes.
func when[T any](want bool, c chan T) chan T {
	if want {
		return c
	}
	return nil
}

// look fires when states are to be repeated, or something that waits may be sent.
func (d *delivery) look(b *Batch) <-chan time.Time {
	switch {
	case b.Again || len(d.hand.changes) > 0:
		return time.After(lookEvery)
	case !d.Repeats || !d.line.caught:
		return nil
	}
	return time.After(max(lookEvery, time.Until(time.Unix((d.line.minute+1)*60, 0).Add(minuteAfter))))
}

// fill moves what is in hand into the batch, and says whether that is whole.
func (d *delivery) fill(b *Batch, end *Position, until horizon) (whole bool) {
	verdicts := d.fillChanges(b, end, until)
	minutes := d.fillMinutes(b, end, until)
	results := d.fillResults(b, end)
	if b.Again {
		return results && verdicts && minutes
	}
	return d.full(b)
}

func (d *delivery) full(b *Batch) bool { return b.Len() >= d.Most }

// fillResults says whether a batch that was under way has its results.
func (d *delivery) fillResults(b *Batch, end *Position) bool {
	sending := d.at.Results.Sending
	for len(d.hand.results) > 0 && (b.Again || !d.full(b)) {
		r := d.hand.results[0]
		switch {
		case !r.life.Equal(end.Results.Life):
			if b.Len() > 0 {
				return true
			}
			d.recreated("results", wire.ResultsStream)
			end.Results = Place{Life: r.life}
			d.at.Results = end.Results
		case b.Again && r.Sequence > sending:
			return true
		}
		d.gap(end.Results.Sequence, r.Sequence)
		end.Results.Sequence = r.Sequence
		if r.Data != nil && d.seen.isNew(r) {
			b.Results = append(b.Results, r)
			if r.Started.After(d.newest) {
				d.newest = r.Started
			}
		}
		d.hand.results = d.hand.results[1:]
	}
	return end.Results.Sequence >= sending || d.left() == 0
}

// fillChanges says whether a batch that was under way has its changes.
func (d *delivery) fillChanges(b *Batch, end *Position, until horizon) bool {
	sending := d.at.Verdicts.Sending
	for len(d.hand.changes) > 0 && (b.Again || !d.full(b)) {
		c := d.hand.changes[0]
		switch {
		case !c.life.Equal(end.Verdicts.Life):
			if b.Len() > 0 {
				return true
			}
			d.recreated("verdicts", wire.VerdictsStream)
			end.Verdicts = Place{Life: c.life}
			d.at.Verdicts = end.Verdicts
		case b.Again && c.sequence > sending:
			return true
		}
		if c.verdict != nil {
			if next := d.line.minute + 1; d.Repeats && next <= min(c.verdict.At.Unix()/60, until.minute) {
				d.repeat(b, end)
				continue
			}
			switch {
			case until.behind && c.verdict.At.After(until.changes):
				return false // earlier results come first
			case d.Repeats:
				b.Verdicts = d.line.change(b.Verdicts, c)
			default:
				b.Verdicts = append(b.Verdicts, Verdict{Monitor: c.verdict.Monitor, State: c.verdict.State, At: c.verdict.At, Change: c.verdict, Sequence: c.sequence, Data: c.data})
			}
		}
		end.Verdicts.Sequence = c.sequence
		d.line.caught = c.left == 0
		d.hand.changes = d.hand.changes[1:]
	}
	return end.Verdicts.Sequence >= sending || d.line.caught && len(d.hand.changes) == 0
}

// fillMinutes repeats states, and says whether a batch that was under way has its own.
func (d *delivery) fillMinutes(b *Batch, end *Position, until horizon) bool {
	switch {
	case !d.Repeats:
		return true
	case b.Again && end.Verdicts.Sequence < d.at.Verdicts.Sending && !d.line.caught:
		return false
	case !b.Again && (!d.line.caught || len(d.hand.changes) > 0):
		return false
	}
	for d.line.minute < until.minute && (b.Again || !d.full(b)) {
		d.repeat(b, end)
	}
	return d.line.minute >= d.at.SendingMinute
}

// repeat adds the states at the next minute.
func (d *delivery) repeat(b *Batch, end *Position) {
	b.Verdicts = d.line.repeat(b.Verdicts, d.line.minute+1, b.tags.saved)
	end.Minute = d.line.minute
}

// underWay says that a batch may have been sent that was not acknowledged.
func (p *Position) underWay() bool {
	return p.Results.Sending > p.Results.Sequence || p.Verdicts.Sending > p.Verdicts.Sequence || p.SendingMinute > p.Minute
}

// skip moves it to an end that needs no sending.
func (p *Position) skip(end Position) {
	p.Results.Sequence, p.Verdicts.Sequence, p.Minute = end.Results.Sequence, end.Verdicts.Sequence, end.Minute
}

// begin notes that the batch up to end is under way, and done that it was acknowledged.
func (p *Position) begin(end Position) {
	p.Results.Sending, p.Verdicts.Sending, p.SendingMinute = end.Results.Sequence, end.Verdicts.Sequence, end.Minute
}

func (p *Position) done(end Position) {
	p.skip(end)
	p.Results.Sending, p.Verdicts.Sending, p.SendingMinute = 0, 0, 0
}
