package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"netmon/history"
	"netmon/wire"
)

// Stream says of which lives of the streams RESULTS and VERDICTS the sequences are that
// follow: when they were created, with a slash between them. In another life than before
// they begin again: the position is 0, and with RESULTS every hour counts as not published.
// What was added and is not committed is committed first.
func (s *Store) Stream(ctx context.Context, id string) (changed bool, err error) {
	if id == s.at.stream {
		return false, nil
	}
	if s.at.stream == "" {
		s.mu.Lock()
		s.at.stream = id
		s.mu.Unlock()
		return false, s.Commit(ctx, time.Now())
	}
	if err := s.close(ctx, always); err != nil {
		return false, err
	}
	was := s.at
	sameResults, sameVerdicts := sameLife(was.stream, id)
	s.mu.Lock()
	if !sameVerdicts {
		s.at.Verdicts = 0
		s.verdict.endAll(s.verdict.judged.until)
	}
	if sameResults {
		s.at.stream = id
		s.mu.Unlock()
		return true, s.Commit(ctx, time.Now())
	}
	s.at = position{stream: id, Position: Position{Verdicts: s.at.Verdicts}}
	clear(s.skips)
	s.mu.Unlock()
	err = s.change(ctx, "begin with another stream of results", func(tx *sql.Tx) error {
		for _, text := range []string{`UPDATE hours SET revision = 1, span = 0, ahead = -1`, `DELETE FROM imported`} {
			if _, err := tx.ExecContext(ctx, text); err != nil {
				return err
			}
		}
		return (&writer{rollups: s.rollupsIn(tx), s: s}).positions(ctx)
	})
	if err != nil {
		s.mu.Lock()
		s.at = was
		s.mu.Unlock()
		return false, err
	}
	s.committed = 0
	return true, nil
}

// change runs one transaction.
func (s *Store) change(ctx context.Context, what string, do func(*sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return s.judgeError(what, err)
	}
	defer tx.Rollback() // does nothing after the commit
	if err := do(tx); err != nil {
		return s.judgeError(what, err)
	}
	return s.judgeError(what, tx.Commit())
}

// Gone says that the stream RESULTS has let go of all up to a sequence. Where some of them
// were not added, [Store.Import] takes the hours that count them.
func (s *Store) Gone(through uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at.Results > 0 && through > s.at.Results {
		s.at.from = through
	}
}

// ErrUnfit says that an hour of the stream HISTORY is none that this store can hold: it was
// made by somebody else. Others are to be taken.
var ErrUnfit = errors.New("the hour does not fit")

// Import takes an hour from the stream HISTORY, where it has results that this file
// has not seen itself; of one that it has, it notes that it is published. Results that
// are in it do not count again. A new file takes all of them before the first Add.
func (s *Store) Import(ctx context.Context, h wire.HistoryHour) (taken bool, err error) {
	if err := h.Check(); err != nil {
		return false, fmt.Errorf("import an hour: %w: %w", ErrUnfit, err)
	}
	if !history.Whole(&h.Rollup) {
		return false, fmt.Errorf("import an hour of %s on %s: %w: its buckets do not reach from its least latency to its greatest", h.Monitor, h.Agent, ErrUnfit)
	}
	x := s.series[seriesKey{h.Monitor, h.Agent}]
	hour := h.Hour.Unix() / hourSeconds
	// All that it counts came by this file, or will.
	own := s.at.Results > 0 && h.First > s.at.from
	if x != nil && x.hours[hour] != nil || len(s.gaps) > 0 {
		if err := s.Commit(ctx, s.at.Stored); err != nil {
			return false, err
		}
	}
	if x != nil && x.open[hour] != nil {
		if own {
			x.open[hour].noted(h.Revision)
		} else if err := s.close(ctx, always); err != nil { // it changes the rows
			return false, err
		}
	}
	var id int64
	filled := s.at.filled
	err = s.change(ctx, "import an hour", func(tx *sql.Tx) error {
		rows := s.rollupsIn(tx)
		if x != nil {
			id = x.id
		}
		if id == 0 {
			done, err := tx.ExecContext(ctx, `INSERT INTO series (monitor, agent, kind) VALUES (?, ?, ?)`, h.Monitor, h.Agent, h.Kind)
			if err != nil {
				return err
			}
			if id, err = done.LastInsertId(); err != nil {
				return err
			}
		}
		var is revisions
		var revision, span, ahead int64
		var rollup []byte
		var before history.Sum
		switch err := tx.QueryRowContext(ctx, `SELECT revision, span, ahead, rollup FROM hours WHERE id = ?`, rowID(id, hour)).Scan(&revision, &span, &ahead, &rollup); {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return err
		default:
			is.scan(revision, span, ahead)
			if err := rows.addHour(ctx, rowID(id, hour), rollup, &before); err != nil {
				return err
			}
		}
		more := counted(&h.Rollup) - min(counted(&h.Rollup), counted(&before.Rollup))
		if own || is.revision > h.Revision || is.revision == h.Revision && is.first <= h.First && more == 0 {
			_, err := tx.ExecContext(ctx, notePublished, int64(h.Revision), rowID(id, hour))
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM minutes WHERE id = ?`, rowID(id, hour)); err != nil {
			return err
		}
		if err := rows.setHour(ctx, rowID(id, hour), &h.Rollup, revisions{revision: h.Revision, first: h.First, published: max(h.Revision, is.published)}); err != nil {
			return err
		}
		taken = true
		if h.Revision <= s.at.Results {
			if err := fill(ctx, tx, hour, more); err != nil {
				return err
			}
		} else {
			if s.at.Results > 0 { // else nothing is missing that was to be there
				filled += more
			}
			if err := setMeta(ctx, tx, "filled", int64(filled)); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO imported (series, hour, revision) VALUES (?, ?, ?)`, id, hour, int64(h.Revision)); err != nil {
				return err
			}
		}
		return s.writeNames(ctx, tx)
	})
	if err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.named = len(s.names.All())
	if x == nil {
		x = &series{seriesKey: seriesKey{h.Monitor, h.Agent}, kind: h.Kind}
		s.series[x.seriesKey] = x
	}
	x.id = id
	s.at.filled = filled
	if taken && h.Revision > s.at.Results {
		s.skips[hourKey{id, hour}] = h.Revision
	}
	return taken, nil
}

// notePublished raises what is published of an hour to a revision.
const notePublished = `UPDATE hours SET ahead = max(ahead, ? - revision) WHERE id = ?`

func (h *hour) noted(revision uint64) { h.published = max(h.published, revision) }

// close writes the rows of all hours before one, and what was added.
func (s *Store) close(ctx context.Context, limit int64) error {
	return s.judgeError("write the history file", s.commit(ctx, limit))
}

// Closed lists hours that are over for five minutes and changed since they were last
// published, the oldest first. Those that are in the journal get their rows first.
func (s *Store) Closed(ctx context.Context, now time.Time, most int) ([]wire.HistoryHour, error) {
	limit := closedBefore(now)
	if s.held(limit) {
		if err := s.close(ctx, limit); err != nil {
			return nil, err
		}
	}
	var out []wire.HistoryHour
	err := s.change(ctx, "read what is to be published", func(tx *sql.Tx) error { // it only reads
		rows := s.rollupsIn(tx)
		var ids []int64
		var packed [][]byte
		err := rows.each(ctx, `SELECT s.monitor, s.agent, s.kind, h.id, h.revision, h.span, h.ahead, h.rollup FROM hours h JOIN series s ON s.id = h.id >> 24
			WHERE h.ahead < 0 AND h.id & 16777215 < ? ORDER BY h.id & 16777215 LIMIT ?`, func(rows *sql.Rows) error {
			var h wire.HistoryHour
			var is revisions
			var id, revision, span, ahead int64
			var rollup []byte
			if err := rows.Scan(&h.Monitor, &h.Agent, &h.Kind, &id, &revision, &span, &ahead, &rollup); err != nil {
				return err
			}
			is.scan(revision, span, ahead)
			h.Hour, h.Revision, h.First = time.Unix(hourOf(id)*hourSeconds, 0).UTC(), is.revision, is.first
			out, ids, packed = append(out, h), append(ids, id), append(packed, rollup)
			return nil
		}, limit, most)
		for i := range out {
			sum := new(history.Sum)
			if err == nil {
				err = rows.addHour(ctx, ids[i], packed[i], sum)
			}
			out[i].Rollup = *sum.Take(s.names)
		}
		return err
	})
	return out, err
}

// held says that an hour before one has no row yet.
func (s *Store) held(limit int64) bool {
	for _, x := range s.series {
		for at := range x.open {
			if at < limit {
				return true
			}
		}
	}
	return false
}

// Published says that these hours are in HISTORY.
func (s *Store) Published(ctx context.Context, hours []wire.HistoryHour) error {
	return s.change(ctx, "note what is published", func(tx *sql.Tx) error {
		for _, h := range hours {
			x, hour := s.series[seriesKey{h.Monitor, h.Agent}], h.Hour.Unix()/hourSeconds
			if x == nil {
				continue
			}
			if held := x.open[hour]; held != nil {
				held.noted(h.Revision)
			}
			if _, err := tx.ExecContext(ctx, notePublished, int64(h.Revision), rowID(x.id, hour)); err != nil {
				return err
			}
		}
		return nil
	})
}
