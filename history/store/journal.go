package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"

	"netmon/history"
)

// The journal holds what was committed of hours that are not closed: an entry for each
// commit, with the end of each series that it added to. It is written again, as one entry,
// when an hour closes: so the rows of an hour are written once, and not at each commit.

// entry is one of the journal.
type entry struct {
	series []seriesEntry
	saved  []*series // that are in no entry: their ends are in their rows
}

type seriesEntry struct {
	id    int64
	tail  history.Tail
	hours []piece
}

// piece is a part of an hour.
type piece struct {
	hour        int64
	first, last uint64 // sequences
	packed      []byte // its minutes
}

// journalVersion is the first byte of an entry.
const journalVersion = 1

func (w *writer) journal(ctx context.Context) error {
	w.journals = w.s.journaled
	if w.anew {
		w.journals = 0
		if _, err := w.tx.ExecContext(ctx, `DELETE FROM journal`); err != nil {
			return err
		}
	}
	if len(w.entry.series) == 0 {
		return nil
	}
	w.journals++
	_, err := w.tx.ExecContext(ctx, `INSERT INTO journal (data) VALUES (?)`, w.entry.encode())
	return err
}

func (e *entry) encode() []byte {
	size := 1
	for i := range e.series {
		size += 64
		for j := range e.series[i].hours {
			size += 32 + len(e.series[i].hours[j].packed)
		}
	}
	b := append(make([]byte, 0, size), journalVersion)
	text := func(s []byte) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	for i := range e.series {
		x := &e.series[i]
		b = binary.AppendUvarint(b, uint64(x.id)) // #nosec G115 -- over 0
		text([]byte(x.tail.Epoch))
		b = binary.AppendUvarint(b, x.tail.Run)
		b = binary.AppendUvarint(b, x.tail.Latency)
		b = binary.AppendUvarint(b, uint64(len(x.hours)))
		for j := range x.hours {
			h := &x.hours[j]
			b = binary.AppendUvarint(b, uint64(h.hour)) // #nosec G115 -- since 1970
			b = binary.AppendUvarint(b, h.first)
			b = binary.AppendUvarint(b, h.last-h.first)
			text(h.packed)
		}
	}
	return b
}

// decodeEntry calls do for each series of an entry.
func decodeEntry(data []byte, do func(seriesEntry) error) error {
	bad := len(data) == 0 || data[0] != journalVersion
	next := func() uint64 {
		v, n := binary.Uvarint(data)
		if n <= 0 {
			bad, data = true, nil
			return 0
		}
		data = data[n:]
		return v
	}
	text := func() []byte {
		n := next()
		if n > uint64(len(data)) {
			bad, data = true, nil
			return nil
		}
		out := data[:n:n]
		data = data[n:]
		return out
	}
	for data = data[min(1, len(data)):]; len(data) > 0 && !bad; {
		x := seriesEntry{id: int64(next())} // #nosec G115 -- an unknown one is refused
		x.tail = history.Tail{Epoch: string(text()), Run: next(), Latency: next()}
		for many := next(); many > 0 && !bad; many-- {
			h := piece{hour: int64(next()), first: next()} // #nosec G115 -- an hour
			h.last, h.packed = h.first+next(), text()
			x.hours = append(x.hours, h)
		}
		if bad {
			break
		}
		if err := do(x); err != nil {
			return err
		}
	}
	if bad {
		return fmt.Errorf("%w: an entry of the journal", ErrDamaged)
	}
	return nil
}

// loadJournal reads what is held of hours that are not closed.
func (s *Store) loadJournal(ctx context.Context) error {
	byID := make(map[int64]*series, len(s.series))
	for _, x := range s.series {
		byID[x.id] = x
	}
	return s.each(ctx, `SELECT data FROM journal ORDER BY id`, func(rows *sql.Rows) error {
		var data sql.RawBytes
		if err := rows.Scan(&data); err != nil {
			return err
		}
		s.journaled++
		return decodeEntry(data, func(e seriesEntry) error {
			x := byID[e.id]
			if x == nil {
				return fmt.Errorf("%w: the journal has a series %d", ErrDamaged, e.id)
			}
			x.tail = e.tail
			for i := range e.hours {
				p := &e.hours[i]
				h := x.open[p.hour]
				if h == nil {
					h = &hour{hour: p.hour, first: p.first, last: p.last}
					if x.open == nil {
						x.open = map[int64]*hour{}
					}
					x.open[p.hour] = h
				}
				h.first, h.last = min(h.first, p.first), max(h.last, p.last)
				h.packed = append(h.packed, append([]byte(nil), p.packed...))
			}
			return nil
		})
	})
}
