package spool

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// fakeClock is a wall clock that can be stepped, and a monotonic one that cannot.
type fakeClock struct {
	wall time.Time
	mono time.Duration
}

func (c *fakeClock) advance(d time.Duration) { c.wall, c.mono = c.wall.Add(d), c.mono+d }

func (c *fakeClock) now() (time.Time, time.Duration) { return c.wall, c.mono }

func TestClock_StepsOfTheWallClockAreNotWaiting(t *testing.T) {
	f := &fakeClock{wall: time.Unix(1_800_000_000, 0)}
	c := clock{now: f.now}
	var at []time.Time
	for _, s := range []time.Duration{0, time.Hour, -2 * time.Hour, 50 * 365 * 24 * time.Hour} {
		f.wall = f.wall.Add(s)
		at = append(at, c.stamp(uint64(len(at)+10)))
		f.advance(10 * time.Second)
	}
	for i := range at {
		want := time.Duration(len(at)-i) * 10 * time.Second
		if got := c.waited(uint64(i+10), at[i]); got != want {
			t.Errorf("record %d waited %v, want %v", i+10, got, want)
		}
	}
	if got := c.waited(9, f.wall.Add(-time.Minute)); got != time.Minute {
		t.Errorf("a record of an earlier process waited %v", got)
	}
	if got := c.waited(9, f.wall.Add(time.Hour)); got != 0 {
		t.Errorf("a record of the future waited %v", got)
	}
}

func TestClock_RemembersABoundedNumberOfSteps(t *testing.T) {
	f := &fakeClock{wall: time.Unix(1_800_000_000, 0)}
	c := clock{now: f.now}
	for i := range 1000 {
		f.wall = f.wall.Add(time.Second)
		at := c.stamp(uint64(i))
		f.advance(time.Millisecond)
		if got := c.waited(uint64(i), at); got != time.Millisecond {
			t.Fatalf("record %d waited %v", i, got)
		}
	}
	if len(c.steps) > stepsMost {
		t.Errorf("%d steps are remembered", len(c.steps))
	}
}

func TestSpool_APowerFailureGivesNoNumberTwice(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{boot: "one"})
	for range 5 {
		put(t, s, "a")
	}
	given := readRecords(t, s, 5) // to the broker, which has them
	abandon(s)
	files, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	info, err := os.Stat(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(files[0], info.Size()/2); err != nil { // what was not synced
		t.Fatal(err)
	}

	s = open(t, dir, Options{boot: "two"})
	old := s.epoch
	put(t, s, "a")
	pending, _, _ := s.Figures()
	got := readRecords(t, s, pending)
	last := got[len(got)-1]
	if last.Epoch == given[0].Epoch || last.Run != 1 {
		t.Errorf("after the failure: %+v", last)
	}
	if got[0].Epoch != given[0].Epoch || got[0].Seq != 1 {
		t.Errorf("what was kept: %+v", got[0])
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = open(t, dir, Options{boot: "three"}) // closed in order: it continues
	defer s.Close()
	if s.epoch != old {
		t.Error("a new epoch after an orderly end")
	}
}
