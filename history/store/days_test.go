package store

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"netmon/wire"
)

// pruned prunes until there is no more.
func pruned(t *testing.T, s *Store, now time.Time) {
	t.Helper()
	for {
		more, err := s.Prune(t.Context(), now)
		must(t, err)
		if !more {
			return
		}
	}
}

// count is what a query says.
func count(t *testing.T, s *Store, text string) (n int) {
	t.Helper()
	must(t, s.write.QueryRowContext(t.Context(), text).Scan(&n))
	return n
}

const (
	loose   = `SELECT count(*) FROM hours WHERE rollup <> x''`
	inDays  = `SELECT count(*) FROM days`
	noPlace = `SELECT count(*) FROM hours h WHERE rollup = x'' AND NOT EXISTS (SELECT 1 FROM days d WHERE d.id = (h.id >> 24 << 24) + (h.id & 16777215) / 24 * 24)`
)

// daysOf is a recorded time of five days, to both sides of day.
func daysOf(seed uint64) []recorded {
	return record(seed, day.Add(-60*time.Hour), 5*time.Minute, 5*24*12, 2, 2)
}

// TestStore_PacksDays: days that are over are packed, and every answer stays what it was, also
// after results that come late into a packed day, and opened again.
func TestStore_PacksDays(t *testing.T) {
	all := daysOf(41)
	late := len(all) / 3 // of the first days: they come at the end
	order := append(append([]recorded{}, all[late/2:]...), all[:late/2]...)
	want := sums(order)
	path := filepath.Join(t.TempDir(), "history.db")
	s := openAt(t, path)
	add(s, order[:len(all)-late/2], 0)
	now := day.Add(60 * time.Hour)
	must(t, s.Commit(t.Context(), now))
	before := held(t, s, time.Hour, 0)
	pruned(t, s, now)
	// The day that is not over for long enough, and the one after it, are not; the newest hour is in the journal.
	if days, left, lost := count(t, s, inDays), count(t, s, loose), count(t, s, noPlace); days == 0 || left != 35*4 || lost != 0 {
		t.Fatalf("%d days are packed, %d hours are not, %d are lost", days, left, lost)
	}
	same(t, "packed", held(t, s, time.Hour, 0), before)
	same(t, "packed, in small pages", held(t, s, time.Hour, 7), before)
	same(t, "packed, by minutes", held(t, s, 20*time.Minute, 0), before)

	for i := len(all) - late/2; i < len(order); i++ {
		s.Add(&order[i].Result, uint64(i+1), now)
	}
	must(t, s.Commit(t.Context(), now))
	same(t, "after what came late", held(t, s, time.Hour, 0), want)
	must(t, s.Close())
	s = openAt(t, path)
	pruned(t, s, now)
	if left, lost := count(t, s, loose), count(t, s, noPlace); left != 35*4 || lost != 0 {
		t.Errorf("%d hours are not packed, %d are lost", left, lost)
	}
	same(t, "opened again", held(t, s, time.Hour, 0), want)
	same(t, "opened again, by minutes", held(t, s, time.Minute, 0), want)
	must(t, s.Check(t.Context()))
}

// TestStore_PublishesPackedDays: in another life of the stream all hours are published again,
// packed ones, too, and a new file that packed its own takes what they count more.
func TestStore_PublishesPackedDays(t *testing.T) {
	all := daysOf(42)
	want := sums(all)
	now := day.Add(60 * time.Hour)
	a, b := fresh(t), fresh(t)
	for _, s := range []*Store{a, b} {
		_, err := s.Stream(t.Context(), "one/one")
		must(t, err)
	}
	add(a, all, 0)
	for i := range all {
		if i%7 > 0 { // the other one was away for a part
			b.Add(&all[i].Result, uint64(i+1), all[i].stored)
		}
	}
	for _, s := range []*Store{a, b} {
		must(t, s.Commit(t.Context(), now))
		pruned(t, s, now)
	}
	_, err := b.Stream(t.Context(), "two/two")
	must(t, err)
	_, err = a.Stream(t.Context(), "two/two")
	must(t, err)
	taken := 0
	for {
		hours, err := a.Closed(t.Context(), now.Add(24*time.Hour), 50)
		must(t, err)
		if len(hours) == 0 {
			break
		}
		must(t, a.Published(t.Context(), hours))
		for _, h := range hours {
			is, err := b.Import(t.Context(), h)
			must(t, err)
			if is {
				taken++
			}
		}
	}
	if lost := count(t, b, noPlace); taken == 0 || lost != 0 {
		t.Errorf("%d hours were taken, %d are lost", taken, lost)
	}
	same(t, "published", held(t, a, time.Hour, 0), want)
	noDiffs := func(m map[string]*wire.Rollup) map[string]*wire.Rollup {
		for _, r := range m {
			if r.Latency != nil {
				r.Latency.Diffs, r.Latency.DiffNS = 0, 0
			}
		}
		return m
	}
	same(t, "taken", noDiffs(held(t, b, time.Hour, 0)), noDiffs(sums(all)))
}

// TestStore_VersionBefore: a file without days is read as it is, and packed later.
func TestStore_VersionBefore(t *testing.T) {
	all := daysOf(43)
	path := filepath.Join(t.TempDir(), "history.db")
	s := openAt(t, path)
	add(s, all, 0)
	must(t, s.Commit(t.Context(), day.Add(90*time.Hour)))
	_, err := s.write.ExecContext(t.Context(), `DROP TABLE days; PRAGMA user_version = 2`)
	must(t, err)
	must(t, s.Close())
	for range 2 {
		s = openAt(t, path)
		if aside := s.Stats().AsideTo; aside != "" {
			t.Fatalf("it was set aside to %s", aside)
		}
		same(t, "as it was", held(t, s, time.Hour, 0), sums(all))
		pruned(t, s, day.Add(90*time.Hour))
		if n := count(t, s, inDays); n == 0 {
			t.Error("no day is packed")
		}
		same(t, "packed", held(t, s, time.Hour, 0), sums(all))
		must(t, s.Close())
	}
}

// TestStore_LosesWholeDays: what is too old goes from days and hours alike, a day at a time.
func TestStore_LosesWholeDays(t *testing.T) {
	all := daysOf(44)
	s := fresh(t)
	add(s, all, 0)
	must(t, s.Commit(t.Context(), day.Add(90*time.Hour)))
	pruned(t, s, day.Add(90*time.Hour))
	pruned(t, s, day.Add(wire.HistoryHours).Add(5*time.Hour))
	want := map[string]*wire.Rollup{}
	for key, r := range sums(all) {
		if at, err := time.Parse(time.RFC3339, key[len(key)-20:]); err == nil && !at.Before(day) {
			want[key] = r
		}
	}
	same(t, "what is left", held(t, s, time.Hour, 0), want)
	if lost := count(t, s, noPlace); lost != 0 {
		t.Errorf("%d hours are lost", lost)
	}
	pruned(t, s, day.Add(wire.HistoryHours+200*time.Hour))
	if n := count(t, s, inDays) + count(t, s, `SELECT count(*) FROM hours`); n != 0 {
		t.Errorf("%d rows of it are left", n)
	}
}

// TestStore_AnHourInNoDay: a row that says that its day has its rollup, where that has not, is damage.
func TestStore_AnHourInNoDay(t *testing.T) {
	all := daysOf(45)
	s := fresh(t)
	add(s, all, 0)
	must(t, s.Commit(t.Context(), day.Add(90*time.Hour)))
	pruned(t, s, day.Add(90*time.Hour))
	_, err := s.write.ExecContext(t.Context(), `DELETE FROM days`)
	must(t, err)
	_, err = s.Query(t.Context(), wire.HistoryQuery{What: wire.HistoryRollups, From: day, To: day.Add(24 * time.Hour), Step: wire.Duration(time.Hour)})
	if !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
}
