package feed

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"netmon/internal/need"
	"netmon/wire"
)

// morning is an hour that is over, with room before and behind.
func morning() time.Time { return time.Now().UTC().Truncate(time.Hour).Add(-5 * time.Hour) }

func TestFeeder_CountsEachResultOnce(t *testing.T) {
	m := newMesh(t)
	from := morning()
	folder := t.TempDir()
	_, stop := m.feeder(folder, nil)
	m.sends(100, "paris", "web", from)
	m.sends(50, "rome", "web", from.Add(time.Hour))
	want := map[string]uint64{"web on paris ok": 90, "web on paris failed": 10, "web on rome ok": 45, "web on rome failed": 5}
	m.wantSums(from, from.Add(3*time.Hour), want)
	stop()

	// Meanwhile: more, and one that is stored twice.
	m.sends(20, "paris", "web", from.Add(time.Hour))
	m.seq["paris"]--
	m.sends(1, "paris", "web", from.Add(2*time.Hour))
	m.feeder(folder, nil)
	want["web on paris ok"], want["web on paris failed"] = 108, 12
	m.wantSums(from, from.Add(3*time.Hour), want)
}

// TestFeeder_OneStandsBy: both have the same sums, the leader alone publishes, and who
// takes over publishes nothing again.
func TestFeeder_OneStandsBy(t *testing.T) {
	m := newMesh(t)
	from := morning()
	a, _ := m.feeder(t.TempDir(), nil)
	b, stopB := m.feeder(t.TempDir(), nil)
	lead, end := context.WithCancel(t.Context())
	go a.Lead(lead)
	m.sends(100, "paris", "web", from)
	m.sends(100, "rome", "web", from.Add(time.Hour))
	m.eventually(func() error { return wantLen(m.hours(), 2) })

	end()
	take, endB := context.WithCancel(t.Context())
	defer endB()
	go b.Lead(take)
	m.sends(1, "paris", "web", from.Add(30*time.Minute)) // late
	m.eventually(func() error { return wantLen(m.hours(), 3) })
	hours := m.hours()
	if h := hours[2]; h.Agent != "paris" || h.Rollup.Runs != 101 || h.Revision <= hours[0].Revision {
		t.Errorf("the late result made %+v of %+v", h, hours[0])
	}
	for _, x := range []*Feeder{a, b} {
		r, err := x.query(t.Context(), wire.HistoryQuery{What: wire.HistoryRollups, From: from, To: from.Add(2 * time.Hour), Step: wire.Duration(time.Hour), Limit: 100})
		if err != nil || len(r.Series) != 2 || r.Series[0].Rows[0].Runs != 101 || r.Series[1].Rows[0].Runs != 100 {
			t.Errorf("%+v %v", r, err)
		}
	}
	stopB()
	if err := wantLen(m.hours(), 3); err != nil {
		t.Error(err)
	}
}

// TestFeeder_FillsAGap: of results that are gone from the stream the hours remain.
func TestFeeder_FillsAGap(t *testing.T) {
	m := newMesh(t)
	from := morning()
	away := t.TempDir()
	_, stop := m.feeder(away, nil)
	m.sends(60, "paris", "web", from)
	m.wantSums(from, from.Add(3*time.Hour), map[string]uint64{"web on paris ok": 54, "web on paris failed": 6})
	stop()

	other, stopOther := m.feeder(t.TempDir(), nil)
	go other.Lead(t.Context())
	m.sends(60, "paris", "web", from.Add(time.Minute)) // the same hour, in which it was away
	m.sends(60, "paris", "web", from.Add(time.Hour))
	m.eventually(func() error {
		n := uint64(0)
		newest := map[time.Time]uint64{}
		for _, h := range m.hours() {
			newest[h.Hour] = h.Rollup.Runs
		}
		for _, runs := range newest {
			n += runs
		}
		return wantLen(make([]struct{}, n), 180)
	})
	stopOther()
	results, err := m.js.Stream(t.Context(), wire.ResultsStream)
	if err == nil {
		err = results.Purge(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	m.sends(10, "paris", "web", from.Add(2*time.Hour))
	want := map[string]uint64{"web on paris ok": 171, "web on paris failed": 19}
	f, stop := m.feeder(away, nil)
	m.wantSums(from, from.Add(3*time.Hour), want)
	if gaps := f.status.gaps; len(gaps) != 1 || gaps[0].Results != 120 {
		t.Errorf("gaps %+v", gaps)
	}
	stop()

	// So it does for a controller that is new.
	m.feeder(t.TempDir(), nil)
	m.wantSums(from, from.Add(3*time.Hour), want)
}

// TestFeeder_FileTornOrLost: it is made again from what the broker has, while it goes on.
func TestFeeder_FileTornOrLost(t *testing.T) {
	need.Time(t)
	m := newMesh(t)
	from := morning()
	m.sends(100, "paris", "web", from)
	want := map[string]uint64{"web on paris ok": 90, "web on paris failed": 10}
	folder := t.TempDir()
	_, stop := m.feeder(folder, nil)
	m.wantSums(from, from.Add(time.Hour), want)
	stop()
	path := filepath.Join(folder, FileName)
	if err := os.Truncate(path, 5000); err != nil {
		t.Fatal(err)
	}
	f, _ := m.feeder(folder, nil)
	m.wantSums(from, from.Add(time.Hour), want)
	if aside, _ := filepath.Glob(path + ".*.damaged"); len(aside) != 1 {
		t.Errorf("set aside: %v", aside)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	m.eventually(func() error { _, err := os.Stat(path); return err })
	m.wantSums(from, from.Add(time.Hour), want)
	_ = f
}

// TestFeeder_StreamMadeAnew: what was counted before stays, and numbers begin again.
func TestFeeder_StreamMadeAnew(t *testing.T) {
	need.Time(t)
	m := newMesh(t)
	from := morning()
	m.feeder(t.TempDir(), nil)
	m.sends(100, "paris", "web", from)
	m.wantSums(from, from.Add(time.Hour), map[string]uint64{"web on paris ok": 90, "web on paris failed": 10})
	s, err := m.js.Stream(t.Context(), wire.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	config := s.CachedInfo().Config
	if err := m.js.DeleteStream(t.Context(), wire.ResultsStream); err != nil {
		t.Fatal(err)
	}
	if _, err := m.js.CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	m.sends(10, "paris", "web", from.Add(10*time.Minute))
	m.wantSums(from, from.Add(time.Hour), map[string]uint64{"web on paris ok": 99, "web on paris failed": 11})
}
