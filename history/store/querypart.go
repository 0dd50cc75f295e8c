package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"sync"
	"time"

	"netmon/history"
	"netmon/internal/cputime"
	"netmon/wire"
)

const (
	queriesMost = 4 // transactions that read, for one query each
	sidesMost   = 3 // more of them, that read parts of a query beside it: of all queries together
	// A part is of so many rows of the file at least, of minutes by hours or of hours by days.
	// What is less is read sooner than somebody helps.
	partRows = 180
)

// part reads a part of the time of a query.
type part struct {
	statements
	s *Store
}

func newPart(s *Store, tx *sql.Tx) part { return part{newStatements(tx), s} }

// pendingSeries is a series, with what is not in its rows.
type pendingSeries struct {
	id    int64
	hours map[int64]*pendingHour
}

// pendingOf copies what is not in the rows of some series.
func (s *Store) pendingOf(of []seriesKey) []pendingSeries {
	out := make([]pendingSeries, len(of))
	for i, k := range of {
		out[i].id, out[i].hours = s.pending(k)
	}
	return out
}

// window reads what was measured in a time, as rows that begin at From and each step after.
// A long one is read in parts, side by side: by this query and by those that help all
// queries, while they are free. Half of the work is to wait for the disk where nothing of it
// is in memory, and the other half is to unpack.
func (r *reading) window(ctx context.Context, of []pendingSeries, begin, end time.Time) ([]wire.HistoryRow, error) {
	cuts := r.cuts(begin, end, len(of))
	parts := make([][]wire.HistoryRow, len(cuts)-1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex // guards what follows
	var errs error
	next := 0
	take := func() int {
		mu.Lock()
		defer mu.Unlock()
		next++
		if errs != nil {
			return len(parts)
		}
		return next - 1
	}
	work := func(p part) {
		for i := take(); i < len(parts); i = take() {
			rows, err := p.rows(ctx, of, r.newAdding(), cuts[i], cuts[i+1])
			if err != nil {
				mu.Lock()
				errs = errors.Join(errs, err)
				mu.Unlock()
				cancel()
				return
			}
			parts[i] = rows
		}
	}
	var sides sync.WaitGroup
	for range min(len(parts)-1, sidesMost) {
		select {
		case r.s.sides <- struct{}{}:
		default: // others have them
			continue
		}
		sides.Go(func() {
			defer func() { <-r.s.sides }()
			tx, err := r.s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
			if err != nil {
				return // the query reads its parts itself
			}
			defer tx.Rollback() // it only reads
			took := cputime.Of(func() { work(newPart(r.s, tx)) })
			mu.Lock()
			defer mu.Unlock()
			r.beside += took
		})
	}
	work(r.part)
	sides.Wait()
	return slices.Concat(parts...), errs
}

// cuts divides a time into parts of which each has rows of its own.
func (r *reading) cuts(begin, end time.Time, series int) []time.Time {
	step := r.out.Step.Std()
	row := time.Hour
	if step >= time.Hour {
		row = history.DayHours * time.Hour
	}
	most := int(end.Sub(begin)/row) * series / partRows
	many := min(most, 4*(1+sidesMost)) // several for each who reads: some are slower
	out := []time.Time{begin}
	for i := 1; i < many; i++ {
		at := begin.Add(end.Sub(begin) / time.Duration(many) * time.Duration(i))
		if at = r.q.From.Add(at.Sub(r.q.From) / step * step); at.After(out[len(out)-1]) && at.Before(end) {
			out = append(out, at)
		}
	}
	return append(out, end)
}

func (r *reading) newAdding() *adding {
	return &adding{brief: r.q.Brief, first: r.q.From.Unix(), step: int64(r.out.Step.Std() / time.Second), rows: map[int64]*history.Sum{}}
}

// rows reads what was measured in a time, as rows.
func (r *part) rows(ctx context.Context, of []pendingSeries, a *adding, begin, end time.Time) ([]wire.HistoryRow, error) {
	b, e := begin.Unix(), end.Unix()
	if !end.Equal(end.Truncate(time.Second)) {
		e++
	}
	for _, x := range of {
		for hour, h := range x.hours {
			if err := r.held(a, hour, h, b, e); err != nil {
				return nil, err
			}
		}
		if x.id == 0 {
			continue
		}
		read := r.hours
		if a.step < hourSeconds {
			read = r.minutes
		}
		if err := read(ctx, a, x.id, b, e); err != nil {
			return nil, err
		}
	}
	out := make([]wire.HistoryRow, 0, len(a.rows))
	for key, sum := range a.rows {
		row := wire.HistoryRow{At: time.Unix(key>>1, 0).UTC(), Rollup: *sum.Take(r.s.names)}
		if key&1 != 0 {
			row.For = wire.Duration(time.Hour)
		}
		out = append(out, row)
	}
	slices.SortFunc(out, func(a, b wire.HistoryRow) int { return a.At.Compare(b.At) })
	return out, nil
}
