package store

import (
	"context"
	"database/sql"
	"slices"

	"netmon/wire"
)

// gap is a time of which results are missing that the stream had let go of.
type gap struct {
	since, until int64 // ms
	results      uint64
}

// Hours that another controller published may count what is missing. How much that is, an
// hour does not say: it counts what is behind the gap, too. So what it counts more than this
// file did is taken from the gap first, and given back as far as results behind the gap come
// that are in it. At the end a gap says how many results are in no hour.

// missed notes a gap, as far as no hour that was imported counts what is in it.
func (s *Store) missed(g gap) {
	s.at.hoped = min(g.results, s.at.filled)
	s.at.filled -= s.at.hoped
	g.results -= s.at.hoped
	s.lastGap = g
	s.note(g)
}

// skipped notes that a result came which an hour that was imported counts.
func (s *Store) skipped() {
	switch {
	case s.at.filled > 0:
		s.at.filled--
	case s.at.hoped > 0: // one less of them was in the gap
		s.at.hoped--
		s.note(gap{s.lastGap.since, s.lastGap.until, 1})
	}
}

// note adds to the gaps that are to be written.
func (s *Store) note(g gap) { s.gaps = noted(s.gaps, g) }

// noted is a list with one more: one that begins when another one does is the same.
func noted(list []gap, g gap) []gap {
	i := slices.IndexFunc(list, func(x gap) bool { return x.since == g.since })
	if i < 0 {
		return append(list, g)
	}
	list[i].until = max(list[i].until, g.until)
	list[i].results += g.results
	return list
}

// counted is how many results a rollup counts.
func counted(r *wire.Rollup) uint64 { return r.Runs + r.Asked }

// fill takes what an hour counts more than this file did from the gaps in which it may
// have been: the first that ends after the hour began. It is of results that were passed.
func fill(ctx context.Context, tx *sql.Tx, hour int64, more uint64) error {
	var gaps []gap
	err := eachOf(ctx, tx, `SELECT since, until, results FROM gaps WHERE until >= ? AND results > 0 ORDER BY since`, func(rows *sql.Rows) error {
		var g gap
		err := rows.Scan(&g.since, &g.until, &g.results)
		gaps = append(gaps, g)
		return err
	}, hour*hourSeconds*1000)
	if err != nil {
		return err
	}
	for _, g := range gaps {
		n := min(g.results, more)
		if more -= n; n == 0 {
			break
		}
		if _, err := tx.ExecContext(ctx, `UPDATE gaps SET results = results - ? WHERE since = ?`, int64(n), g.since); err != nil {
			return err
		}
	}
	return nil
}

// loadGap reads when the newest gap was.
func (s *Store) loadGap(ctx context.Context) error {
	return s.each(ctx, `SELECT since, until FROM gaps ORDER BY since DESC LIMIT 1`, func(rows *sql.Rows) error {
		return rows.Scan(&s.lastGap.since, &s.lastGap.until)
	})
}

// setMeta keeps a value in the file.
func setMeta(ctx context.Context, tx *sql.Tx, key string, value any) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value`, key, value)
	return err
}
