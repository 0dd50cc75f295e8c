package push

import (
	"context"
	"time"

	"netmon/wire"
)

// resumeQuiet is how long the rest of a batch that was under way is waited for: part of it
// may have been removed from the stream.
const resumeQuiet = 5 * time.Second

// chunk is some results, and how many are behind them in the stream.
type chunk struct {
	results []*Result
	behind  uint64
}

// hand is what was read and is in no batch yet.
type hand struct {
	results []*Result
	changes []change
	behind  uint64
}

// collect makes the next batch, and says where it ends. It is nil when ctx ends. The
// first batch after a start that may be the second try of one ends where that did.
func (d *delivery) collect(ctx context.Context) (*Batch, Position) {
	b, end := &Batch{Again: d.at.underWay()}, d.at
	wait := time.NewTimer(resumeQuiet)
	defer wait.Stop()
	running := b.Again
	for {
		whole := d.fill(b, &end)
		if whole && (b.Len() > 0 || b.Again) {
			return b, end
		}
		if b.Len() == 0 {
			d.at.skip(end) // such as minutes in which nothing is saved
		} else if !running {
			wait.Reset(d.Every)
			running = true
		}
		minute := d.untilMinute(b)
		select {
		case c := <-when(len(d.hand.results) == 0, d.results):
			d.hand.results, d.hand.behind = c.results, c.behind
			if b.Again {
				wait.Reset(resumeQuiet)
			}
		case c := <-when(len(d.hand.changes) == 0, d.changes):
			d.hand.changes = append(d.hand.changes[:0], c)
		case <-minute:
		case <-wait.C:
			if running {
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

// untilMinute fires when states are to be repeated, or it is time to look whether the
// broker is there.
func (d *delivery) untilMinute(b *Batch) <-chan time.Time {
	if !d.Repeats || !d.line.caught || b.Again {
		return nil
	}
	return time.After(max(time.Second, time.Until(time.Unix((d.line.minute+1)*60, 0).Add(minuteAfter))))
}

// fill moves what is in hand into the batch, and says whether that is whole.
func (d *delivery) fill(b *Batch, end *Position) (whole bool) {
	results := d.fillResults(b, end)
	verdicts := d.fillChanges(b, end)
	minutes := d.fillMinutes(b, end)
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
		if r.Data != nil {
			b.Results = append(b.Results, r)
		}
		d.hand.results = d.hand.results[1:]
	}
	return end.Results.Sequence >= sending
}

// fillChanges says whether a batch that was under way has its changes.
func (d *delivery) fillChanges(b *Batch, end *Position) bool {
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
			if next := d.line.minute + 1; d.Repeats && next <= c.verdict.At.Unix()/60 && next <= due(time.Now()) {
				b.Verdicts = d.line.repeat(b.Verdicts, next, d.o.tags.saved)
				end.Minute = next
				continue
			}
			if d.Repeats {
				b.Verdicts = d.line.change(b.Verdicts, c)
			} else {
				b.Verdicts = append(b.Verdicts, Verdict{Monitor: c.verdict.Monitor, State: c.verdict.State, At: c.verdict.At, Change: c.verdict, Sequence: c.sequence, Data: c.data})
			}
		}
		end.Verdicts.Sequence = c.sequence
		d.line.caught = c.left == 0
		d.hand.changes = d.hand.changes[1:]
	}
	return end.Verdicts.Sequence >= sending
}

// fillMinutes repeats states, and says whether a batch that was under way has its own.
func (d *delivery) fillMinutes(b *Batch, end *Position) bool {
	if !d.Repeats {
		return true
	}
	until := due(d.heard()) // while nobody says what is so, nothing is repeated
	if b.Again {
		if end.Verdicts.Sequence < d.at.Verdicts.Sending {
			return false
		}
		until = d.at.SendingMinute
	} else if !d.line.caught || len(d.hand.changes) > 0 {
		return false
	}
	for d.line.minute < until && (b.Again || !d.full(b)) {
		b.Verdicts = d.line.repeat(b.Verdicts, d.line.minute+1, d.o.tags.saved)
		end.Minute = d.line.minute
	}
	return d.line.minute >= d.at.SendingMinute
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
