package store

import (
	"path/filepath"
	"testing"
	"time"
)

// rows counts those of a table or view.
func rows(t *testing.T, s *Store, table string) (n int) {
	t.Helper()
	must(t, s.write.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
	return n
}

// TestStore_Journal: hours that go on are in the journal alone, those that are closed in
// rows alone, and the sums are those of the results, also opened again.
func TestStore_Journal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	s := openAt(t, path)
	all := record(21, day, 10*time.Second, 360*3, 2, 2)
	commits := 0
	for i := range all {
		s.Add(&all[i].Result, uint64(i+1), all[i].stored)
		if i%97 != 96 {
			continue
		}
		now := all[i].stored
		must(t, s.Commit(t.Context(), now))
		if commits++; commits%7 == 0 {
			must(t, s.Close())
			s = openAt(t, path)
		}
		if over := int(max(0, now.Add(-settle).Sub(day)/time.Hour)); rows(t, s, "hourly") != 4*over || rows(t, s, "minutes") != 4*over {
			t.Fatalf("%s: %d hours in rows, want 4 series of %d", now, rows(t, s, "hourly"), over)
		}
		if n := rows(t, s, "journal"); n == 0 || n > journalMost {
			t.Fatalf("the journal has %d entries", n)
		}
	}
	same(t, "by minutes", held(t, s, time.Minute, 0), sums(all))
	same(t, "by hours", held(t, s, time.Hour, 0), sums(all))
	must(t, s.Commit(t.Context(), day.Add(4*time.Hour)))
	if n := rows(t, s, "journal"); n != 0 {
		t.Errorf("all is closed, and the journal has %d entries", n)
	}
	same(t, "closed", held(t, s, time.Minute, 0), sums(all))
	must(t, s.Close())
	s = openAt(t, path)
	same(t, "opened again", held(t, s, time.Minute, 0), sums(all))
	for key, x := range s.series { // the next run follows the last
		if x.tail.Run == 0 || x.tail != x.saved {
			t.Errorf("%v ends at %+v, in its row %+v", key, x.tail, x.saved)
		}
	}
}

// TestStore_PublishedBeforeItCloses: of an hour that another controller published first
// nothing is published again.
func TestStore_PublishedBeforeItCloses(t *testing.T) {
	a, b := fresh(t), fresh(t)
	all := record(22, day, 10*time.Second, 360, 1, 2)
	for _, s := range []*Store{a, b} {
		add(s, all, 0)
		must(t, s.Commit(t.Context(), day.Add(time.Hour)))
	}
	hours, err := a.Closed(t.Context(), day.Add(2*time.Hour), 100)
	must(t, err)
	if len(hours) != 2 || rows(t, b, "hourly") != 0 {
		t.Fatalf("%d hours, and %d in rows", len(hours), rows(t, b, "hourly"))
	}
	if taken, err := b.Import(t.Context(), hours[0]); err != nil || taken {
		t.Fatalf("%v %v", taken, err)
	}
	must(t, b.Published(t.Context(), hours[1:]))
	if left, err := b.Closed(t.Context(), day.Add(2*time.Hour), 100); err != nil || len(left) != 0 {
		t.Errorf("%d hours to publish (%v)", len(left), err)
	}
	same(t, "what it has itself", held(t, b, time.Minute, 0), sums(all))
}

// TestStore_ImportOverHeld: a published hour replaces what a file holds of it that has not
// seen all of its results.
func TestStore_ImportOverHeld(t *testing.T) {
	a, b := fresh(t), fresh(t)
	all := record(23, day, 10*time.Second, 360, 1, 1)
	add(a, all, 0)
	hours, err := a.Closed(t.Context(), day.Add(2*time.Hour), 100)
	must(t, err)
	if len(hours) != 0 {
		t.Fatal("hours are published that are not committed")
	}
	must(t, a.Commit(t.Context(), day))
	hours, err = a.Closed(t.Context(), day.Add(2*time.Hour), 100)
	must(t, err)
	for i := 100; i < 200; i++ { // it begins late
		b.Add(&all[i].Result, uint64(i+1), all[i].stored)
	}
	must(t, b.Commit(t.Context(), day))
	if taken, err := b.Import(t.Context(), hours[0]); err != nil || !taken {
		t.Fatalf("%v %v", taken, err)
	}
	add(b, all, 200)
	must(t, b.Commit(t.Context(), day))
	want := sums(all)
	got := held(t, b, time.Minute, 0)
	for key, w := range want {
		if g := got[key]; g == nil || g.Runs != w.Runs || g.Latency.SumNS != w.Latency.SumNS {
			t.Errorf("%s: %+v, want %+v", key, g, w)
		}
	}
}

// TestStore_OlderVersion: the table of version 1 is set aside, not lost.
func TestStore_OlderVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	s := openAt(t, path)
	_, err := s.write.Exec("PRAGMA user_version = 1")
	must(t, err)
	must(t, s.Close())
	s = openAt(t, path)
	if s.Stats().AsideTo == "" || s.Position() != (Position{}) {
		t.Errorf("%+v", s.Stats())
	}
}
