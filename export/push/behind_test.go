package push

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// setMinute has the position of a destination say that states are repeated up to then.
func setMinute(t *testing.T, folder, name string, minute time.Time) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(folder, name+"-*.json"))
	if len(files) != 1 {
		t.Fatal(files)
	}
	s, at, _, err := openStore(folder, strings.TrimSuffix(filepath.Base(files[0]), ".json"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	at.Minute = minute.Unix() / 60
	if err := s.write(at); err != nil {
		t.Fatal(err)
	}
}

// TestPusher_VerdictsFollowResults: while results are behind no verdict is newer than they
// are: a receiver finds too old what is long before the newest that it has.
func TestPusher_VerdictsFollowResults(t *testing.T) {
	m := newMesh(t)
	folder := t.TempDir()
	f := &fake{}
	d := to("all", f)
	d.Repeats = true
	began := time.Now().UTC().Truncate(time.Minute).Add(-3 * time.Hour)
	m.verdict("web", wire.VerdictUp, began.Add(-time.Hour))
	m.publish(began)
	p := m.pusher(folder, d)
	eventually(t, "it began", func() bool { s := p.Stats()[0]; return s.Results == 1 && s.Verdicts >= 1 })
	_ = p.stop()
	setMinute(t, folder, "all", began)
	m.verdict("web", wire.VerdictDown, began.Add(time.Hour+time.Second))
	m.publish(every(began.Add(time.Minute), 10*time.Second, 178*6)...)
	newest, ahead := began, 0
	f.change(func() {
		f.verdicts, f.repeats = nil, nil
		f.answer = func(b *Batch) error {
			for _, v := range b.Verdicts {
				if v.At.After(newest) && newest.Before(began.Add(177*time.Minute)) {
					ahead++
				}
			}
			for _, r := range b.Results {
				newest = r.Started
			}
			return nil
		}
	})
	p = m.pusher(folder, d)
	eventually(t, "all is sent", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.results) == 178*6+1 && len(f.repeats) >= 118 // since the change
	})
	_ = p.stop()
	if ahead > 0 {
		t.Errorf("%d verdicts are newer than the results before them", ahead)
	}
	last := time.Time{}
	for _, v := range f.verdicts {
		if !v.At.After(last) {
			t.Errorf("%v follows %v", v.At, last)
		}
		last = v.At
	}
}

// TestTimeline_Bound: a clock that is set leaves out what is long ago, and repeats nothing
// twice.
func TestTimeline_Bound(t *testing.T) {
	at := func(minute int64) time.Time { return time.Unix(minute*60, 0).UTC() }
	all := func(string) bool { return true }
	line := timeline{states: map[string]*state{}, minute: 100_000}
	line.hold(&wire.Verdict{Monitor: "web", State: wire.VerdictUp, At: at(99_000)})
	line.bound(100_010)
	if line.minute != 100_000 {
		t.Errorf("at %d", line.minute)
	}
	line.bound(110_000) // a week later
	if got := line.repeat(nil, line.minute+1, all); line.minute != 110_000-minutesMost+1 || len(got) != 1 {
		t.Errorf("at %d %v", line.minute, got)
	}
	line.bound(105_000) // it was ahead
	if got := line.repeat(nil, line.minute+1, all); line.minute != 105_001 || len(got) != 1 || !got[0].At.Equal(at(105_001)) {
		t.Errorf("at %d %v", line.minute, got)
	}
}

// TestCorrectTime: an agent's clock counts where it is about right, and else when the result
// was stored, and how long it waited.
func TestCorrectTime(t *testing.T) {
	stored := time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC)
	for _, c := range []struct{ started, late, want time.Duration }{
		{-2 * time.Second, 0, -2 * time.Second}, {30 * time.Second, 0, 30 * time.Second},
		{24 * time.Hour, 0, -time.Second}, {-365 * 24 * time.Hour, 0, -time.Second},
		{-time.Hour, time.Hour, -time.Hour}, {0, time.Hour, -time.Hour - time.Second},
	} {
		r := wire.Result{Started: stored.Add(c.started), ElapsedNS: int64(time.Second), LateNS: int64(c.late)}
		if correctTime(&r, stored); !r.Started.Equal(stored.Add(c.want)) {
			t.Errorf("%+v: %v", c, r.Started)
		}
	}
}

// TestPusher_AllOfALongMesh: what was removed before anything was sent is no loss.
func TestPusher_AllOfALongMesh(t *testing.T) {
	m := newMesh(t)
	m.sends(100)
	s, err := m.js.Stream(t.Context(), wire.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Purge(t.Context(), jetstream.WithPurgeKeep(30)); err != nil {
		t.Fatal(err)
	}
	f := &fake{}
	p := m.pusher(t.TempDir(), to("all", f))
	eventually(t, "all is sent", f.has(30))
	_ = p.stop()
	if s := p.Stats()[0]; s.Missing > 0 || p.log.Count("removed") > 0 || p.said.Count("all: 30 results and 0 verdicts sent") != 1 {
		t.Errorf("%+v %s %s", s, p.log, p.said)
	}
}

// TestPusher_Twice: a result that an agent stored twice is sent once.
func TestPusher_Twice(t *testing.T) {
	m := newMesh(t)
	m.sends(10)
	for range 2 {
		r := m.sent[3]
		if _, err := m.js.Publish(t.Context(), "results."+r.Agent+"."+r.Monitor, r.Data); err != nil {
			t.Fatal(err)
		}
	}
	m.sends(10)
	f := &fake{}
	p := m.pusher(t.TempDir(), to("all", f))
	eventually(t, "all is sent", f.has(20))
	_ = p.stop()
	if got, _ := f.took(); len(got) != 20 {
		t.Errorf("%d are sent", len(got))
	}
}
