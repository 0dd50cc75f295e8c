package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"netmon/history"
	"netmon/wire"
)

// seriesRows appends the rows of one series of the reply, from a time on. It reads as much
// as surely fits, and says where it stopped; full says that there is no room for more.
func (r *reading) seriesRows(ctx context.Context, key seriesKey, of []seriesKey, begin time.Time) (next time.Time, full bool, err error) {
	rows := wire.HistorySeries{Monitor: key.monitor, Agent: key.agent, Kind: r.s.kindOf(of[0]), Rows: []wire.HistoryRow{}}
	step, size := r.out.Step.Std(), 0 // bytes of a row, as far as is known
	series := r.s.pendingOf(of)
	defer func() {
		if len(rows.Rows) > 0 {
			r.out.Series = append(r.out.Series, rows)
		}
	}()
	for begin.Before(r.q.To) {
		end := r.q.To
		fits := max(1, min(r.left, 1+r.room/cmp.Or(size, unknownRow))) // rows
		if window := time.Duration(fits) * step; window > 0 && window < end.Sub(begin) {
			end = begin.Add(window)
		}
		if end.Before(r.q.To) { // no row is in two windows
			if cut := r.q.From.Add(end.Sub(r.q.From) / step * step); cut.After(begin) {
				end = cut
			}
		}
		got, err := r.window(ctx, series, begin, end)
		if err != nil {
			return begin, false, err
		}
		for i := range got {
			size = rowSize(&got[i])
			if len(rows.Rows) > 0 || len(r.out.Series) > 0 { // one fits always
				if r.left <= 0 || size > r.room {
					// Those that begin together stay together.
					rows.Rows = slices.DeleteFunc(rows.Rows, func(row wire.HistoryRow) bool { return !row.At.Before(got[i].At) })
					return got[i].At, true, nil
				}
			}
			r.left--
			r.room -= size
			rows.Rows = append(rows.Rows, got[i])
		}
		begin = end
	}
	return begin, r.left <= 0 || r.room <= 0, nil
}

// unknownRow is how many bytes a row may well take, before one is known: those that find no
// room are read in vain.
const unknownRow = 4 << 10

// rowSize is how many bytes a row takes in JSON, at most.
func rowSize(row *wire.HistoryRow) int {
	const fixed, number, phase = 420, 21, 60
	size := fixed + len(row.Phases)*(phase+wire.MaxToken)
	if row.Latency != nil {
		for _, n := range row.Latency.Buckets {
			if size += 2; n > 9 {
				size += number
			}
		}
	}
	return size
}

// adding is the rows of one series of the reply while they are added up, by their
// beginning in seconds, twice that and one for a row that is a whole hour.
type adding struct {
	brief       bool
	first, step int64 // s
	rows        map[int64]*history.Sum
	last        *history.Sum // the one of minutes that was added to last
	from        int64        // its beginning
}

func (a *adding) at(key int64) *history.Sum {
	sum := a.rows[key]
	if sum == nil {
		sum = &history.Sum{Brief: a.brief}
		a.rows[key] = sum
	}
	return sum
}

// minute is the row that a minute, or an hour of a step of hours, is in.
func (a *adding) minute(at int64) *history.Sum {
	if a.last == nil || at < a.from || at >= a.from+a.step {
		a.from = a.first + (at-a.first)/a.step*a.step
		a.last = a.at(a.from << 1)
	}
	return a.last
}

// held adds what of an hour is not in the rows of the file.
func (r *part) held(a *adding, hour int64, h *pendingHour, b, e int64) error {
	for i, m := range h.added {
		if at := hour*hourSeconds + int64(i)*60; m != nil && at >= b && at < e {
			a.minute(at).Add(m)
		}
	}
	for _, data := range h.packed {
		if err := r.packed(a, hour, data, b, e); err != nil {
			return err
		}
	}
	return nil
}

// packed adds the minutes of an hour that begin in [b, e).
func (r *part) packed(a *adding, hour int64, data []byte, b, e int64) error {
	return r.s.names.AddMinutes(data, func(i int) *history.Sum {
		at := hour*hourSeconds + int64(i)*60
		if at < b || at >= e {
			return nil
		}
		return a.minute(at)
	})
}

// hours adds those that begin in [b, e).
func (r *part) hours(ctx context.Context, a *adding, id, b, e int64) error {
	from, to := clampHour((b+hourSeconds-1)/hourSeconds), clampHour((e+hourSeconds-1)/hourSeconds)
	until, err := r.packedUntil(ctx, id)
	if err != nil {
		return err
	}
	if from < until {
		err := r.days(ctx, id, from, min(to, until), func(hour int64) *history.Sum { return a.minute(hour * hourSeconds) })
		if err != nil {
			return err
		}
	}
	if to <= until {
		return nil
	}
	return r.each(ctx, `SELECT id & 16777215, rollup FROM hours WHERE id >= ? AND id < ? ORDER BY id`, func(rows *sql.Rows) error {
		var hour int64
		var rollup sql.RawBytes
		if err := rows.Scan(&hour, &rollup); err != nil {
			return err
		}
		return r.s.names.AddRollup(rollup, a.minute(hour*hourSeconds))
	}, rowID(id, max(from, until)), rowID(id, to))
}

// days adds the hours of packed days in [from, to) to the sums that of gives for them; nil
// is for one that is in none.
func (r *part) days(ctx context.Context, id, from, to int64, of func(hour int64) *history.Sum) error {
	return r.each(ctx, `SELECT id & 16777215, data FROM days WHERE id >= ? AND id < ? ORDER BY id`, func(rows *sql.Rows) error {
		var first int64
		var data sql.RawBytes
		if err := rows.Scan(&first, &data); err != nil {
			return err
		}
		return r.s.names.AddMinutes(data, func(i int) *history.Sum {
			if hour := first + int64(i); hour >= from && hour < to {
				return of(hour)
			}
			return nil
		})
	}, rowID(id, dayOf(from)), rowID(id, to))
}

// minutes adds those that begin in [b, e), and the hours of which minutes are not known.
func (r *part) minutes(ctx context.Context, a *adding, id, b, e int64) error {
	from, to := clampHour(b/hourSeconds), clampHour((e+hourSeconds-1)/hourSeconds)
	var hours, of int
	if err := r.one(ctx, `SELECT count(*) FROM hours WHERE id >= ? AND id < ?`, []any{&hours}, rowID(id, from), rowID(id, to)); err != nil {
		return err
	}
	err := r.each(ctx, `SELECT id & 16777215, data FROM minutes WHERE id >= ? AND id < ? ORDER BY id`, func(rows *sql.Rows) error {
		of++
		var hour int64
		var data sql.RawBytes
		if err := rows.Scan(&hour, &data); err != nil {
			return err
		}
		return r.packed(a, hour, data, b, e)
	}, rowID(id, from), rowID(id, to))
	if err != nil || of == hours { // nearly always: who has minutes has the hour
		return err
	}
	return r.withoutMinutes(ctx, a, id, from, to, b)
}

// withoutMinutes adds the hours in [from, to) of which minutes are not known.
func (r *part) withoutMinutes(ctx context.Context, a *adding, id, from, to, b int64) error {
	inDays := map[int64]bool{}
	add := func(hour int64) *history.Sum { return a.at(hour*hourSeconds<<1 | 1) }
	err := r.each(ctx, `SELECT h.id & 16777215, h.rollup FROM hours h WHERE h.id >= ? AND h.id < ? AND NOT EXISTS (SELECT 1 FROM minutes m WHERE m.id = h.id) ORDER BY h.id`, func(rows *sql.Rows) error {
		var hour int64
		var rollup sql.RawBytes
		if err := rows.Scan(&hour, &rollup); err != nil {
			return err
		}
		if at := hour * hourSeconds; at < b && b != a.first { // it is in the part before
			return nil
		}
		if len(rollup) == 0 {
			inDays[hour] = true
			return nil
		}
		return r.s.names.AddRollup(rollup, add(hour))
	}, rowID(id, from), rowID(id, to))
	if err != nil || len(inDays) == 0 {
		return err
	}
	return r.days(ctx, id, from, to, func(hour int64) *history.Sum {
		if inDays[hour] {
			return add(hour)
		}
		return nil
	})
}

// clampHour keeps an hour within those that an id can have.
func clampHour(hour int64) int64 { return min(max(hour, 0), 1<<24-1) }
