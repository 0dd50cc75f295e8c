package store

import (
	"context"
	"database/sql"
	"errors"

	"netmon/history"
	"netmon/wire"
)

// hour is what is held of an hour of a series until it is closed: all that was committed
// to the journal. It is replaced and never changed, but for published.
type hour struct {
	hour        int64
	first, last uint64   // sequences
	packed      [][]byte // its minutes, in pieces that add up
	published   uint64   // the highest revision in HISTORY that is known
}

func rowID(series, hour int64) int64 { return series<<24 | hour }

// revisions are those of a row.
type revisions struct{ revision, first, published uint64 }

// revisions and the difference that the file has of them: mostly 0, which takes no byte.
func (r *revisions) scan(revision, span, ahead int64) {
	r.revision, r.first, r.published = uint64(revision), uint64(revision-span), uint64(revision+ahead) // #nosec G115 -- not below 0
}

// row adds to the rows of an hour what was held of it and what was added since: one of
// them may be nil.
func (w *writer) row(ctx context.Context, series int64, held *hour, d *delta) error {
	names := w.s.names
	var at int64
	var is revisions
	var more history.Minutes
	if d != nil {
		at, is, more = d.hour, revisions{revision: d.last, first: d.first}, d.minutes
	}
	if held != nil {
		at, is = held.hour, revisions{revision: max(is.revision, held.last), first: held.first, published: held.published}
	}
	data, err := w.merged(held, &more)
	if err != nil {
		return err
	}
	id := rowID(series, at)
	total := &w.total
	total.Reset()
	if err := names.AddMinutes(data, func(int) *history.Sum { return total }); err != nil {
		return err
	}
	var rollup []byte
	var revision, span, ahead int64
	switch err := w.one(ctx, `SELECT rollup, revision, span, ahead FROM hours WHERE id = ?`, []any{&rollup, &revision, &span, &ahead}, id); {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return err
	default:
		var old revisions
		old.scan(revision, span, ahead)
		is = revisions{revision: max(is.revision, old.revision), first: min(is.first, old.first), published: max(is.published, old.published)}
		if err := w.addHour(ctx, id, rollup, total); err != nil {
			return err
		}
		var before []byte
		switch err := w.one(ctx, `SELECT data FROM minutes WHERE id = ?`, []any{&before}, id); {
		case errors.Is(err, sql.ErrNoRows): // of an hour that came whole, or is old, the minutes are not known
			data = nil
		case err != nil:
			return err
		default:
			all := hour{packed: [][]byte{before, data}}
			if data, err = w.merged(&all, &history.Minutes{}); err != nil {
				return err
			}
		}
	}
	if data != nil {
		if data, err = w.s.packer.Group(names, data); err != nil {
			return err
		}
		if err := w.exec(ctx, `INSERT OR REPLACE INTO minutes (id, data) VALUES (?, ?)`, id, data); err != nil {
			return err
		}
	}
	return w.setHour(ctx, id, total.Take(names), is)
}

// merged packs what is held of an hour, which may be nil, together with more.
func (w *writer) merged(held *hour, more *history.Minutes) ([]byte, error) {
	var pieces [][]byte
	if held != nil {
		pieces = held.packed
	}
	return w.s.packer.PackAll(w.s.names, pieces, more)
}

// setHour writes the row of an hour.
func (x *rollups) setHour(ctx context.Context, id int64, r *wire.Rollup, is revisions) error {
	packed, err := x.place(ctx, id, x.names.AppendRollup(nil, r))
	if err != nil {
		return err
	}
	return x.exec(ctx, `INSERT OR REPLACE INTO hours (id, runs, failed, broken, p50, p99, min, max, loss, revision, span, ahead, rollup)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, hourColumns(id, r, is, packed)...)
}

// hourColumns are those of a row: its figures for people, and what is packed.
func hourColumns(id int64, r *wire.Rollup, is revisions, packed []byte) []any {
	var p50, p99, least, most, loss any
	if l := r.Latency; l != nil {
		a, _ := history.Quantile(l, 0.5)
		b, _ := history.Quantile(l, 0.99)
		p50, p99, least, most = int64(a/1e3+0.5), int64(b/1e3+0.5), int64(l.MinNS+500)/1000, int64(l.MaxNS+500)/1000
	}
	if part, ok := history.Loss(r); ok {
		loss = int64(part*1e6 + 0.5)
	}
	return []any{id, int64(r.Runs), int64(r.Failed), int64(r.Broken), p50, p99, least, most, loss,
		int64(is.revision), int64(is.revision - is.first), int64(is.published) - int64(is.revision), packed}
}

// writeNames writes those that the file has not.
func (s *Store) writeNames(ctx context.Context, tx *sql.Tx) error {
	for i, name := range s.names.All()[s.named:] {
		if _, err := tx.ExecContext(ctx, `INSERT INTO phases (id, name) VALUES (?, ?)`, s.named+i, name); err != nil {
			return err
		}
	}
	return nil
}
