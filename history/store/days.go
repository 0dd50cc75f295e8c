package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"netmon/history"
)

// The rollup of an hour is in its row until its day (UTC) has been over for packAfter. Then
// those of the day are packed together into one row of days: a year of a series is 365 rows
// to read and not 8,760, of which a page has four and not two fifths.
//
// Days of a series are packed in their order. So all that is before the end of the last one
// is packed, also what comes late, and an hour is read from either place and never from both.

// packAfter is for how long a day is over before it is packed. Most of what comes late has
// come then, and is written into small rows.
const packAfter = 24 * time.Hour

// dayOf is the first hour of the day that an hour is in. Hours count from a midnight.
func dayOf(hour int64) int64 { return hour - hour%history.DayHours }

// dayID is the id of the first hour of a day, and of its row.
func dayID(id int64) int64 { return rowID(id>>24, dayOf(hourOf(id))) }

func hourOf(id int64) int64 { return id & (1<<24 - 1) }

// none is what the row of an hour has for its rollup, where that is in its day.
var none = []byte{}

// rollups reads and writes those of hours, in one transaction.
type rollups struct {
	statements
	names *history.Names
	day   *history.Day // memory
}

func (s *Store) rollupsIn(tx *sql.Tx) rollups {
	return rollups{newStatements(tx), s.names, &history.Day{}}
}

// packedUntil is the hour before which all of a series are packed by days; 0 is none.
func (x *statements) packedUntil(ctx context.Context, series int64) (int64, error) {
	var last sql.NullInt64
	err := x.one(ctx, `SELECT max(id) & 16777215 FROM days WHERE id >= (?1 << 24) AND id < ((?1 + 1) << 24)`, []any{&last}, series)
	if err != nil || !last.Valid {
		return 0, err
	}
	return last.Int64 + history.DayHours, nil
}

// addHour adds the rollup of an hour to a sum: inRow is what its row has.
func (x *rollups) addHour(ctx context.Context, id int64, inRow []byte, into *history.Sum) error {
	if len(inRow) > 0 {
		return x.names.AddRollup(inRow, into)
	}
	first := dayID(id)
	found := false
	data, err := x.packedDay(ctx, first)
	if err == nil && data != nil {
		err = x.names.AddMinutes(data, func(i int) *history.Sum {
			if int64(i) != id-first {
				return nil
			}
			found = true
			return into
		})
	}
	if err == nil && !found {
		err = fmt.Errorf("%w: an hour is in no day", ErrDamaged)
	}
	return err
}

// packedDay is a row of days; nil is none.
func (x *statements) packedDay(ctx context.Context, id int64) (data []byte, err error) {
	err = x.one(ctx, `SELECT data FROM days WHERE id = ?`, []any{&data}, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return data, err
}

// place writes a packed rollup into its day, where that is packed, and gives what is left
// for the row of the hour.
func (x *rollups) place(ctx context.Context, id int64, packed []byte) ([]byte, error) {
	until, err := x.packedUntil(ctx, id>>24)
	if err != nil || hourOf(id) >= until {
		return packed, err
	}
	first := dayID(id)
	before, err := x.packedDay(ctx, first)
	if err != nil {
		return nil, err
	}
	x.day.Reset()
	if before != nil {
		if err := x.day.Read(x.names, before); err != nil {
			return nil, err
		}
	}
	if err := x.day.Set(x.names, int(id-first), packed); err != nil {
		return nil, err
	}
	return none, x.setDay(ctx, first)
}

func (x *rollups) setDay(ctx context.Context, id int64) error {
	data, err := x.day.Pack(x.names)
	if err != nil {
		return err
	}
	return x.exec(ctx, `INSERT OR REPLACE INTO days (id, data) VALUES (?, ?)`, id, data)
}

// packDays packs the days of a series that end by an hour, the oldest first and at most so
// many, and says how many there were.
func (x *rollups) packDays(ctx context.Context, series, end int64, most int) (packed int, err error) {
	until, err := x.packedUntil(ctx, series)
	if err != nil {
		return 0, err
	}
	for ; packed < most; packed++ {
		var next sql.NullInt64
		if err := x.one(ctx, `SELECT min(id) FROM hours WHERE id >= ? AND id < ?`, []any{&next}, rowID(series, until), rowID(series, end)); err != nil || !next.Valid {
			return packed, err
		}
		first := dayID(next.Int64)
		if until = hourOf(first) + history.DayHours; until > end {
			return packed, nil
		}
		x.day.Reset()
		err := x.each(ctx, `SELECT id, rollup FROM hours WHERE id >= ? AND id < ?`, func(rows *sql.Rows) error {
			var id int64
			var rollup sql.RawBytes
			if err := rows.Scan(&id, &rollup); err != nil {
				return err
			}
			return x.day.Set(x.names, int(id-first), rollup)
		}, first, first+history.DayHours)
		if err != nil {
			return packed, err
		}
		if err := x.setDay(ctx, first); err != nil {
			return packed, err
		}
		if err := x.exec(ctx, `UPDATE hours SET rollup = x'' WHERE id >= ? AND id < ?`, first, first+history.DayHours); err != nil {
			return packed, err
		}
	}
	return packed, nil
}
