package store

import (
	"reflect"
	"testing"
	"time"

	"netmon/wire"
)

// TestQuery_PartsAreTheWhole: what is read in parts, side by side, is what small pages say
// one after the other, however rows and hours lie to each other.
func TestQuery_PartsAreTheWhole(t *testing.T) {
	s := fresh(t)
	const length = 20 * 24 * time.Hour
	all := record(21, day, 20*time.Minute, int(length/(20*time.Minute)), 1, 3)
	for i := range all {
		s.Add(&all[i].Result, uint64(i+1), all[i].stored)
		if i%500 == 0 {
			must(t, s.Commit(t.Context(), all[i].stored))
		}
	}
	pruned(t, s, day.Add(length-72*time.Hour)) // the newest days are not packed
	// Of some hours the minutes are not known.
	if _, err := s.write.ExecContext(t.Context(), `DELETE FROM minutes WHERE id & 15 = 3`); err != nil {
		t.Fatal(err)
	}
	for _, step := range []time.Duration{7 * time.Minute, 20 * time.Minute, 45 * time.Minute, time.Hour, 5 * time.Hour} {
		q := wire.HistoryQuery{What: wire.HistoryRollups, From: day.Add(11 * time.Minute), To: day.Add(length), Step: wire.Duration(step), Together: true}
		read := func(limit int) (rows []wire.HistoryRow) {
			q.Limit = limit
			for q.After = ""; ; {
				reply, err := s.Query(t.Context(), q)
				if err != nil || !reply.OK {
					t.Fatal(err, reply.Error)
				}
				for _, x := range reply.Series {
					rows = append(rows, x.Rows...)
				}
				if q.After = reply.Next; q.After == "" {
					return rows
				}
			}
		}
		whole, small := read(0), read(40)
		if len(whole) < 10 || !reflect.DeepEqual(whole, small) {
			t.Errorf("%s: %d rows in parts, %d in small pages, and they differ", step, len(whole), len(small))
		}
	}
}
