package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"netmon/history"
)

const (
	// settle is for how long after its end an hour is held in the journal: most of what
	// comes late is there, and its rows are written once.
	settle = 5 * time.Minute
	// journalMost is how many entries of the journal there are before it is written again,
	// as one: they are read when the file is opened.
	journalMost = 32
	always      = math.MaxInt64 // an hour: all of them are closed
)

// CommitEvery says how often to commit: 30 s for a few series, up to 2 minutes for
// thousands. Queries see everything anyway.
func (s *Store) CommitEvery() time.Duration {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return min(max(30*time.Second, time.Duration(len(s.series))*50*time.Millisecond), 2*time.Minute)
}

// Commit writes what was added, and the positions, in one transaction. After an error it
// is still there to be committed.
//
// Hours that were over for 5 minutes at now get their rows; what was added to others goes
// into the journal. Who is far behind the newest result gives the time of the last one that
// was added: else hours are written again and again.
func (s *Store) Commit(ctx context.Context, now time.Time) error {
	return s.judgeError("write the history file", s.commit(ctx, closedBefore(now)))
}

// closedBefore is the hour before which all are closed.
func closedBefore(now time.Time) int64 { return now.Add(-settle).Unix() / hourSeconds }

func (s *Store) commit(ctx context.Context, limit int64) error {
	begun := time.Now()
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after the commit
	w := &writer{rollups: s.rollupsIn(tx), s: s, limit: limit, ids: map[*series]int64{}, hours: map[*series]map[int64]*hour{}}
	if err := w.all(ctx); err != nil {
		return err
	}
	s.published.Lock()
	defer s.published.Unlock()
	if err := tx.Commit(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w.committed()
	clear(s.dirty)
	s.named = len(s.names.All())
	for _, a := range s.seen {
		for _, e := range a.epochs {
			e.changed = false
		}
	}
	s.verdict.committed()
	s.gaps = nil
	s.committed = s.at.Results
	for k, revision := range s.skips {
		if revision <= s.at.Results {
			delete(s.skips, k)
		}
	}
	if len(s.skips) == 0 {
		s.at.filled, s.at.hoped = 0, 0
	}
	s.stats.Pending = 0
	s.stats.Commits++
	s.stats.CommitTook = time.Since(begun)
	return nil
}

// writer writes one transaction. The goroutine that feeds the store calls it, so that
// nobody changes what it reads.
type writer struct {
	rollups
	s     *Store
	limit int64 // hours before this one get rows

	ids      map[*series]int64
	hours    map[*series]map[int64]*hour // as they are after this; nil is one that got its row
	anew     bool                        // the journal
	entry    entry
	journals int // entries after this

	total history.Sum
}

func (w *writer) all(ctx context.Context) error {
	s := w.s
	var there uint64
	switch err := w.tx.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = 'results'`).Scan(&there); {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return err
	}
	if there != s.committed {
		return fmt.Errorf("another process writes it: it is at result %d, and this one left it at %d", there, s.committed)
	}
	w.anew = s.journaled >= journalMost
	touched := make([]*series, 0, len(s.dirty))
	for x := range s.dirty {
		touched = append(touched, x)
	}
	for _, x := range s.series {
		for h := range x.open {
			w.anew = w.anew || h < w.limit
		}
	}
	if w.anew {
		for _, x := range s.series {
			if _, dirty := s.dirty[x]; !dirty && (len(x.open) > 0 || x.tail != x.saved) {
				touched = append(touched, x)
			}
		}
	}
	slices.SortFunc(touched, func(a, b *series) int { // pages of the file in their order
		return cmp.Or(cmp.Compare(a.id, b.id), a.compare(b.seriesKey))
	})
	for _, x := range touched {
		if err := w.series(ctx, x); err != nil {
			return fmt.Errorf("%s on %s: %w", x.monitor, x.agent, err)
		}
	}
	if err := w.journal(ctx); err != nil {
		return err
	}
	if err := s.writeNames(ctx, w.tx); err != nil {
		return err
	}
	if err := w.seen(ctx); err != nil {
		return err
	}
	if err := s.verdict.write(ctx, w.tx); err != nil {
		return err
	}
	for _, g := range s.gaps {
		if _, err := w.tx.ExecContext(ctx, `INSERT INTO gaps (since, until, results) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET until = max(until, excluded.until), results = results + excluded.results`, g.since, g.until, int64(g.results)); err != nil {
			return err
		}
	}
	return w.positions(ctx)
}

// series writes what is new of a series, and what was held of it as far as that is closed.
func (w *writer) series(ctx context.Context, x *series) error {
	id, err := w.number(ctx, x)
	if err != nil {
		return err
	}
	after := map[int64]*hour{}
	w.hours[x] = after
	one := seriesEntry{id: id, tail: x.tail}
	add := func(h *hour, packed []byte) {
		one.hours = append(one.hours, piece{hour: h.hour, first: h.first, last: h.last, packed: packed})
	}
	for at, d := range x.hours {
		held := x.open[at]
		if at < w.limit {
			if err := w.row(ctx, id, held, d); err != nil {
				return err
			}
			after[at] = nil
			continue
		}
		h := &hour{hour: at, first: d.first, last: d.last}
		if held != nil {
			h.first, h.published, h.packed = held.first, held.published, held.packed
		}
		after[at] = h
		if w.anew {
			packed, err := w.merged(h, &d.minutes)
			if err != nil {
				return err
			}
			h.packed = [][]byte{packed}
			add(h, packed)
		} else {
			packed := w.s.names.Pack(&d.minutes)
			h.packed = append(slices.Clip(h.packed), packed)
			add(&hour{hour: at, first: d.first, last: d.last}, packed)
		}
	}
	if w.anew {
		for at, held := range x.open {
			if _, done := after[at]; done {
				continue
			}
			if at >= w.limit {
				packed, err := w.merged(held, &history.Minutes{})
				if err != nil {
					return err
				}
				h := *held
				h.packed = [][]byte{packed}
				after[at] = &h
				add(held, packed)
				continue
			}
			if err := w.row(ctx, id, held, nil); err != nil {
				return err
			}
			after[at] = nil
		}
		if len(one.hours) == 0 {
			if x.tail != x.saved {
				err = w.exec(ctx, `UPDATE series SET epoch = ?, run = ?, latency = ? WHERE id = ?`, x.tail.Epoch, int64(x.tail.Run), int64(x.tail.Latency), id)
			}
			w.entry.saved = append(w.entry.saved, x)
			return err
		}
	}
	w.entry.series = append(w.entry.series, one)
	return nil
}

// number writes a series that is new, or of another kind, and gives its number.
func (w *writer) number(ctx context.Context, x *series) (int64, error) {
	if x.id != 0 {
		if !x.renamed {
			return x.id, nil
		}
		_, err := w.tx.ExecContext(ctx, `UPDATE series SET kind = ? WHERE id = ?`, x.kind, x.id)
		return x.id, err
	}
	done, err := w.tx.ExecContext(ctx, `INSERT INTO series (monitor, agent, kind) VALUES (?, ?, ?)`, x.monitor, x.agent, x.kind)
	if err != nil {
		return 0, err
	}
	id, err := done.LastInsertId()
	w.ids[x] = id
	return id, err
}

// committed has the store hold what is in the file now.
func (w *writer) committed() {
	for x, hours := range w.hours {
		for at, h := range hours {
			switch {
			case h == nil:
				delete(x.open, at)
			case x.open == nil:
				x.open = map[int64]*hour{at: h}
			default:
				x.open[at] = h
			}
		}
		x.hours, x.last, x.renamed = nil, nil, false
	}
	for x, id := range w.ids {
		x.id = id
	}
	for _, x := range w.entry.saved {
		x.saved = x.tail
	}
	w.s.journaled = w.journals
}

// seen writes the numbers of results that came.
func (w *writer) seen(ctx context.Context) error {
	for name, a := range w.s.seen {
		changed := false
		for life, e := range a.epochs {
			if !e.changed {
				continue
			}
			changed = true
			if _, err := w.tx.ExecContext(ctx, `INSERT INTO seen (agent, epoch, numbers, used) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET numbers = excluded.numbers, used = excluded.used`,
				name, life, e.numbers.String(), e.used); err != nil {
				return err
			}
		}
		if !changed {
			continue
		}
		if _, err := w.tx.ExecContext(ctx, `DELETE FROM seen WHERE agent = ?1 AND epoch NOT IN (SELECT epoch FROM seen WHERE agent = ?1 ORDER BY used DESC LIMIT ?2)`, name, maxEpochs); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) positions(ctx context.Context) error {
	at := w.s.at
	left := false
	for _, revision := range w.s.skips {
		left = left || revision > at.Results
	}
	if !left {
		at.filled, at.hoped = 0, 0 // all that was to be skipped came
	}
	for _, m := range []struct {
		key   string
		value any
	}{{"results", int64(at.Results)}, {"verdicts", int64(at.Verdicts)}, {"from", int64(at.from)}, {"stored", millis(at.Stored)}, {"stream", at.stream}, {"filled", int64(at.filled)}, {"hoped", int64(at.hoped)}} {
		if err := setMeta(ctx, w.tx, m.key, m.value); err != nil {
			return err
		}
	}
	_, err := w.tx.ExecContext(ctx, `DELETE FROM imported WHERE revision <= ?`, int64(at.Results))
	return err
}
