package feed

import (
	"context"
	"fmt"
	"time"

	"netmon/internal/tail"
	"netmon/wire"
)

// Result is one message of the stream RESULTS.
type Result struct {
	*wire.Result           // nil where it cannot be read
	Sequence     uint64    // in the stream
	Stored       time.Time // when it was stored
	Pending      uint64    // results that were stored behind it when it was read
}

// readResults hands over all results behind the file's position until ctx ends, as they
// are offered or, where they are not, read by itself.
func (g *feeding) readResults(ctx context.Context, r *reader) error {
	for {
		offered, err := g.readStream(ctx, r)
		if err == nil {
			err = g.takeOffered(ctx, r, offered)
		}
		if err != nil {
			return err
		}
	}
}

// reader is how far results are handed over.
type reader struct {
	created time.Time // of the stream
	last    uint64    // sequence of the last one
}

// readStream reads the stream until what was offered continues where it is. While it is
// behind, it rests for as long as it works: judging, and the agents' next results, go first.
func (g *feeding) readStream(ctx context.Context, r *reader) (Chunk, error) {
	t, err := tail.Open(ctx, g.js, wire.ResultsStream, tail.From{After: r.last})
	if err != nil {
		return Chunk{}, err
	}
	defer t.Stop()
	var chunk []Result
	var begin time.Time
	for {
		m, meta, err := t.Next()
		if err != nil {
			return Chunk{}, err
		}
		if len(chunk) == 0 {
			begin = time.Now()
			chunk = make([]Result, 0, min(chunkMost, meta.NumPending+1))
		}
		if !t.Stream().Created.Equal(r.created) {
			return Chunk{}, errAnew
		}
		x := Result{Sequence: meta.Sequence.Stream, Stored: meta.Timestamp, Pending: meta.NumPending}
		if result, err := wire.DecodeResult(m.Subject, m.Data); err == nil { // else the judge reports it
			x.Result = &result
		}
		chunk = append(chunk, x)
		if len(chunk) < chunkMost && t.More() {
			continue
		}
		if err := g.handOver(ctx, r, chunk); err != nil {
			return Chunk{}, err
		}
		chunk = nil
		if c, ok := g.offers.behind(r.created, r.last); ok {
			return c, nil
		}
		if x.Pending > chunkMost {
			if err := rest(ctx, time.Since(begin)); err != nil {
				return Chunk{}, err
			}
		}
	}
}

// takeOffered takes what is offered until something is missing of it, or nothing more comes:
// then there is no error, and it is to read by itself.
func (g *feeding) takeOffered(ctx context.Context, r *reader, c Chunk) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		switch {
		case !c.Created.Equal(r.created):
			return errAnew
		case c.After > r.last:
			return nil
		}
		heard := time.Now()
		if err := g.handOver(ctx, r, c.behind(r.last)); err != nil {
			return err
		}
		for {
			var ok, lost bool
			if c, ok, lost = g.offers.next(); lost {
				return nil
			} else if ok {
				break
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-g.offers.woken:
			case <-tick.C:
				if !g.leads.Load() || time.Since(heard) > offeredWithin {
					return nil
				}
			}
		}
	}
}

// handOver gives results to who adds them.
func (g *feeding) handOver(ctx context.Context, r *reader, chunk []Result) error {
	if len(chunk) == 0 {
		return nil
	}
	select {
	case g.results <- chunk:
		r.last = chunk[len(chunk)-1].Sequence
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// rest waits.
func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// follow reads results in a goroutine of its own.
func (g *feeding) follow(ctx context.Context, created time.Time, after uint64) {
	g.readers.Go(func() {
		g.end(fmt.Sprintf("follow stream %s", wire.ResultsStream), g.readResults(ctx, &reader{created: created, last: after}))
	})
}
