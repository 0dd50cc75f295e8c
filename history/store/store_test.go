package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"netmon/history"
	"netmon/wire"
)

var day = time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)

func figures(string) []history.Figure {
	return []history.Figure{{Name: "connect_ns"}, {Name: "tls_ns"}}
}

func openAt(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, Options{Figures: figures})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func fresh(t *testing.T) *Store { return openAt(t, filepath.Join(t.TempDir(), "history.db")) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// recorded is a stream of results: several series, some late, some twice.
type recorded struct {
	wire.Result
	stored time.Time
}

func record(seed uint64, from time.Time, every time.Duration, n int, monitors, agents int) []recorded {
	rnd := rand.New(rand.NewPCG(seed, 1))
	var out, held []recorded
	seqs, runs := map[string]uint64{}, map[string]uint64{}
	for i := range n {
		due := from.Add(time.Duration(i) * every)
		for m := range monitors {
			for a := range agents {
				agent, monitor := fmt.Sprintf("a%d", a), fmt.Sprintf("m%d", m)
				seqs[agent]++
				runs[agent+monitor]++
				r := recorded{wire.Result{Agent: agent, Monitor: monitor, Kind: "tcp", Epoch: "E1", Seq: seqs[agent], Run: runs[agent+monitor], Due: due, Started: due, Outcome: wire.OK}, due.Add(50 * time.Millisecond)}
				latency := int64(1e6 * math.Exp(0.3*rnd.NormFloat64()))
				r.LatencyNS = &latency
				r.Details = fmt.Appendf(nil, `{"connect_ns":%d}`, latency)
				switch rnd.IntN(40) {
				case 0:
					r.Outcome, r.LatencyNS, r.Failure, r.Skipped, r.Covers = wire.Failed, nil, wire.FailTimeout, 2, 1
				case 1:
					r.Outcome, r.LatencyNS = wire.Broken, nil
				case 2:
					held = append(held, r) // it comes late
					continue
				case 3:
					out = append(out, r) // it comes twice
				}
				out = append(out, r)
			}
		}
		if len(held) > 0 && rnd.IntN(50) == 0 {
			for i := range held {
				held[i].stored, held[i].LateNS = due, 5e9
			}
			out = append(out, held...)
			held = nil
		}
	}
	return append(out, held...)
}

// sums are what a stream holds, each result once, by series and hour.
func sums(all []recorded) map[string]*wire.Rollup {
	out, seen, tails := map[string]*wire.Rollup{}, map[string]bool{}, map[string]*history.Tail{}
	a := history.Adder{Figures: figures("")}
	for _, r := range all {
		if seen[r.ID()] {
			continue
		}
		seen[r.ID()] = true
		at, _ := history.When(&r.Result, r.stored)
		key := fmt.Sprint(r.Monitor, " ", r.Agent, " ", at.Truncate(time.Hour).Format(time.RFC3339))
		if out[key] == nil {
			out[key] = &wire.Rollup{}
		}
		tail := tails[r.Monitor+" "+r.Agent]
		if tail == nil {
			tail = &history.Tail{}
			tails[r.Monitor+" "+r.Agent] = tail
		}
		a.Add(out[key], &r.Result, tail)
	}
	return out
}

func add(s *Store, all []recorded, from int) {
	for i := from; i < len(all); i++ {
		s.Add(&all[i].Result, uint64(i+1), all[i].stored)
	}
}

// ask reads all pages.
func ask(t *testing.T, s *Store, q wire.HistoryQuery) (series []wire.HistorySeries, last wire.HistoryReply) {
	t.Helper()
	for range 1000 {
		reply, err := s.Query(t.Context(), q)
		must(t, err)
		if !reply.OK {
			t.Fatalf("%+v: %v", q, reply.Error)
		}
		if data := reply.Encode(); len(data) > wire.MaxHistoryReply {
			t.Fatalf("a reply of %d bytes", len(data))
		} else if back, err := wire.DecodeHistoryReply(data); err != nil || !back.OK {
			t.Fatalf("it cannot be read: %v %v", err, back.Error)
		}
		for _, x := range reply.Series {
			if n := len(series); n > 0 && series[n-1].Monitor == x.Monitor && series[n-1].Agent == x.Agent {
				series[n-1].Rows = append(series[n-1].Rows, x.Rows...)
			} else {
				series = append(series, x)
			}
		}
		if last = reply; reply.Next == "" {
			return series, last
		}
		q.After = reply.Next
	}
	t.Fatal("it never ends")
	return nil, last
}

// held is what the store holds, by series and hour.
func held(t *testing.T, s *Store, step time.Duration, limit int) map[string]*wire.Rollup {
	t.Helper()
	series, _ := ask(t, s, wire.HistoryQuery{What: wire.HistoryRollups, From: day.Add(-72 * time.Hour), To: day.Add(72 * time.Hour), Step: wire.Duration(step), Limit: limit})
	out := map[string]*wire.Rollup{}
	for _, x := range series {
		before := time.Time{}
		for _, row := range x.Rows {
			if !row.At.After(before) {
				t.Errorf("%s on %s: a row at %s after one at %s", x.Monitor, x.Agent, row.At, before)
			}
			before = row.At
			key := fmt.Sprint(x.Monitor, " ", x.Agent, " ", row.At.Truncate(time.Hour).Format(time.RFC3339))
			if out[key] == nil {
				out[key] = &wire.Rollup{}
			}
			history.Merge(out[key], &row.Rollup)
		}
	}
	return out
}

func same(t *testing.T, what string, got, want map[string]*wire.Rollup) {
	t.Helper()
	for key, w := range want {
		if g := got[key]; !reflect.DeepEqual(g, w) {
			t.Errorf("%s: %s is %+v, want %+v", what, key, g, w)
			return
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d hours, want %d", what, len(got), len(want))
	}
}

// TestStore_HoldsWhatCame: by minutes and by hours, in pages of any size, committed or
// not, and opened again, the sums are those of the results.
func TestStore_HoldsWhatCame(t *testing.T) {
	all := record(1, day.Add(22*time.Hour), 10*time.Second, 1100, 2, 2)
	want := sums(all)
	path := filepath.Join(t.TempDir(), "history.db")
	s := openAt(t, path)
	for i := range all {
		s.Add(&all[i].Result, uint64(i+1), all[i].stored)
		if i%997 == 0 {
			must(t, s.Commit(t.Context(), all[i].stored))
		}
	}
	same(t, "with what is not committed", held(t, s, time.Minute, 0), want)
	must(t, s.Commit(t.Context(), day))
	same(t, "by minutes", held(t, s, time.Minute, 0), want)
	same(t, "by hours", held(t, s, time.Hour, 0), want)
	same(t, "by 20 minutes in pages of 3", held(t, s, 20*time.Minute, 3), want)
	same(t, "by hours in pages of 1", held(t, s, time.Hour, 1), want)
	at := s.Position()
	if at.Results != uint64(len(all)) || s.Stats().Twice == 0 || s.Stats().Late == 0 {
		t.Errorf("position %+v of %d, %+v", at, len(all), s.Stats())
	}
	must(t, s.Close())
	s = openAt(t, path)
	same(t, "opened again", held(t, s, time.Minute, 0), want)
	if s.Position() != at {
		t.Errorf("opened again it is at %+v, was %+v", s.Position(), at)
	}
	add(s, all, 0) // they are there
	must(t, s.Commit(t.Context(), day))
	same(t, "added again", held(t, s, time.Minute, 0), want)
	must(t, s.Check(t.Context()))
}

// TestStore_Together: the agents of a monitor as one series, aligned to From.
func TestStore_Together(t *testing.T) {
	all := record(2, day.Add(22*time.Hour), 10*time.Second, 800, 2, 3)
	s := fresh(t)
	add(s, all, 0)
	must(t, s.Commit(t.Context(), day))
	q := wire.HistoryQuery{What: wire.HistoryRollups, From: day.Add(22*time.Hour + 7*time.Minute), To: day.Add(25 * time.Hour), Step: wire.Duration(25 * time.Minute), Together: true, Limit: 2}
	series, reply := ask(t, s, q)
	if len(series) != 2 || series[0].Agent != "" || series[0].Kind != "tcp" || len(series[0].Rows) != 6 {
		t.Fatalf("%d series, the first %+v", len(series), series[0])
	}
	for i, row := range series[0].Rows {
		if want := q.From.Add(time.Duration(i) * 25 * time.Minute); !row.At.Equal(want) {
			t.Errorf("row %d begins at %s, want %s", i, row.At, want)
		}
	}
	if !reply.Through.Equal(all[len(all)-1].stored) {
		t.Errorf("through %s", reply.Through)
	}
	q.Agents, q.Together, q.Limit, q.Step = []string{"a1"}, false, 0, 0
	series, reply = ask(t, s, q)
	if len(series) != 2 || series[1].Agent != "a1" || reply.Step != wire.Duration(time.Minute) || !reply.Since.Equal(day.Add(22*time.Hour)) || !reply.Minutes.Equal(reply.Since) {
		t.Errorf("%d series, step %s, since %s", len(series), reply.Step, reply.Since)
	}
	q.To, q.Points = q.From.Add(365*24*time.Hour), 100
	if _, reply = ask(t, s, q); reply.Step != wire.Duration(7*24*time.Hour) {
		t.Errorf("a year in 100 rows has step %s", reply.Step)
	}
	for _, bad := range []wire.HistoryQuery{{}, {What: wire.HistoryRollups, From: day, To: day}, {What: wire.HistoryRollups, From: day, To: day.Add(1), After: "x"}, {What: wire.HistoryRollups, From: day, To: day.Add(1), Step: 90e9}} {
		if reply, err := s.Query(t.Context(), bad); err != nil || reply.OK || reply.Error == nil {
			t.Errorf("%+v: %+v %v", bad, reply, err)
		}
	}
}

// TestStore_Times: what is too old, from a wrong clock, or a day late.
func TestStore_Times(t *testing.T) {
	s := fresh(t)
	latency := int64(1e6)
	one := func(seq uint64, due, stored time.Time) {
		s.Add(&wire.Result{Agent: "a", Monitor: "m", Kind: "tcp", Epoch: "E", Seq: seq, Run: seq, Due: due, Started: due, Outcome: wire.OK, LatencyNS: &latency}, seq, stored)
	}
	now := day.Add(12 * time.Hour)
	one(1, now, now)
	one(2, now.Add(-3*365*24*time.Hour), now) // before all that is kept
	one(3, now.Add(10*time.Hour), now)        // a clock that is ahead
	one(4, now.Add(-time.Minute), now)        // a clock that stepped back
	must(t, s.Commit(t.Context(), now))
	for i := range 8640 { // the backlog of a day, after an hour that is over
		one(uint64(5+i), now.Add(-24*time.Hour).Add(time.Duration(i)*10*time.Second), now)
		if i%3000 == 0 {
			must(t, s.Commit(t.Context(), now))
		}
	}
	series, _ := ask(t, s, wire.HistoryQuery{What: wire.HistoryRollups, From: day.Add(-24 * time.Hour), To: day.Add(48 * time.Hour), Step: wire.Duration(time.Hour)})
	if len(series) != 1 || len(series[0].Rows) != 25 {
		t.Fatalf("%d series", len(series))
	}
	for i, row := range series[0].Rows {
		want := uint64(360)
		switch i {
		case 23:
			want = 361 // 11:59 of what stepped back
		case 24:
			want = 2
		}
		if row.Runs != want {
			t.Errorf("%s has %d runs, want %d", row.At, row.Runs, want)
		}
	}
	if st := s.Stats(); st.TooOld != 1 || st.Moved != 1 || st.Results != 8643 {
		t.Errorf("%+v", st)
	}
}

// TestStore_Publish: what one publishes, a new one takes, and both hold the same.
func TestStore_Publish(t *testing.T) {
	all := record(3, day, 10*time.Second, 2000, 2, 2)
	cut := len(all) / 2
	a, b := fresh(t), fresh(t)
	add(a, all[:cut], 0)
	must(t, a.Commit(t.Context(), day))
	now := day.Add(48 * time.Hour)
	published := func() (out []wire.HistoryHour) {
		for {
			hours, err := a.Closed(t.Context(), now, 5)
			must(t, err)
			if len(hours) == 0 {
				return out
			}
			must(t, a.Published(t.Context(), hours))
			out = append(out, hours...)
		}
	}
	hours := published()
	for _, h := range hours {
		if taken, err := b.Import(t.Context(), h); err != nil || !taken {
			t.Fatalf("%v %v", taken, err)
		}
	}
	for i := cut / 2; i < len(all); i++ { // RESULTS has let go of the first quarter
		b.Add(&all[i].Result, uint64(i+1), all[i].stored)
	}
	add(a, all, cut)
	must(t, a.Commit(t.Context(), day))
	must(t, b.Commit(t.Context(), day))
	same(t, "one that fed itself", held(t, a, time.Hour, 0), sums(all))
	// Of the series' tails nothing is published: a difference of neighbours may be missing.
	noDiffs := func(m map[string]*wire.Rollup) map[string]*wire.Rollup {
		for _, r := range m {
			if r.Latency != nil {
				r.Latency.Diffs, r.Latency.DiffNS = 0, 0
			}
		}
		return m
	}
	same(t, "one that took hours", noDiffs(held(t, b, time.Hour, 0)), noDiffs(sums(all)))
	same(t, "one that took hours, by minutes", noDiffs(held(t, b, time.Minute, 0)), noDiffs(sums(all)))

	again := published()
	if len(again) == 0 {
		t.Fatal("nothing more is published")
	}
	for _, h := range again {
		if taken, err := b.Import(t.Context(), h); err != nil || taken {
			t.Errorf("it has all of %s %s itself: %v %v", h.Monitor, h.Hour, taken, err)
		}
	}
	if left, err := b.Closed(t.Context(), now, 100); err != nil || len(left) != 0 {
		t.Errorf("%d hours to publish that another one did (%v)", len(left), err)
	}
	bad := again[0]
	bad.Rollup.Runs++
	if _, err := b.Import(t.Context(), bad); err == nil {
		t.Error("an hour that contradicts itself is taken")
	}
}

// TestStore_Gaps: results that RESULTS had let go of are missed, and said so.
func TestStore_Gaps(t *testing.T) {
	s := fresh(t)
	all := record(12, day, 10*time.Second, 100, 1, 1)
	for i := range all {
		if i == 0 || i >= 40 && i < 60 || i >= 80 {
			s.Add(&all[i].Result, uint64(i+1000), all[i].stored)
		}
		if i == 50 {
			must(t, s.Commit(t.Context(), day))
		}
	}
	_, reply := ask(t, s, wire.HistoryQuery{What: wire.HistoryRollups, From: day, To: day.Add(time.Hour)})
	if len(reply.Gaps) != 2 || reply.Gaps[0].Results != 39 || reply.Gaps[1].Results != 20 || !reply.Gaps[1].To.Equal(all[80].stored.Truncate(time.Millisecond)) {
		t.Errorf("%+v", reply.Gaps)
	}
}

// TestStore_GapsCountOnce: whatever is looked at again, hours of another controller that make
// up for a gap count once, and it is none any more. What cannot be read is none.
func TestStore_GapsCountOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	all := record(13, day, 10*time.Second, 100, 1, 1)
	other := fresh(t)
	add(other, all, 0)
	must(t, other.Commit(t.Context(), day))
	hours, err := other.Closed(t.Context(), day.Add(48*time.Hour), 10)
	must(t, err)

	s := openAt(t, path)
	add(s, all[:40], 0)
	must(t, s.Commit(t.Context(), day))
	for range 3 { // killed before it read on, each time
		s.Gone(60)
		for _, h := range hours {
			_, err := s.Import(t.Context(), h)
			must(t, err)
		}
		must(t, s.Close())
		s = openAt(t, path)
	}
	s.Gone(60)
	for i := 60; i < 100; i++ {
		if i == 70 {
			s.Unreadable(uint64(i+1), all[i].stored)
			continue
		}
		s.Add(&all[i].Result, uint64(i+1), all[i].stored)
	}
	for range 2 { // before it is written, and after
		_, reply := ask(t, s, wire.HistoryQuery{What: wire.HistoryRollups, From: day, To: day.Add(time.Hour)})
		if len(reply.Gaps) != 0 { // the hours count all of it
			t.Errorf("%+v", reply.Gaps)
		}
		runs := uint64(0)
		for _, series := range reply.Series {
			for _, row := range series.Rows {
				runs += row.Runs
			}
		}
		if want := sumOf(hours); runs != want {
			t.Errorf("%d runs, want %d", runs, want)
		}
		must(t, s.Commit(t.Context(), day))
	}
}

func sumOf(hours []wire.HistoryHour) (runs uint64) {
	for _, h := range hours {
		runs += h.Rollup.Runs
	}
	return runs
}

func TestStore_Stream(t *testing.T) {
	s := fresh(t)
	all := record(4, day, 10*time.Second, 400, 1, 1)
	if changed, err := s.Stream(t.Context(), "one"); err != nil || changed {
		t.Fatal(changed, err)
	}
	add(s, all[:300], 0)
	if changed, err := s.Stream(t.Context(), "one"); err != nil || changed {
		t.Fatal(changed, err)
	}
	if changed, err := s.Stream(t.Context(), "two"); err != nil || !changed || s.Position().Results != 0 {
		t.Fatal(changed, err, s.Position())
	}
	for i := 300; i < len(all); i++ { // numbered anew
		s.Add(&all[i].Result, uint64(i-299), all[i].stored)
	}
	must(t, s.Commit(t.Context(), day))
	same(t, "over both", held(t, s, time.Minute, 0), sums(all))
}

func TestStore_SetsAside(t *testing.T) {
	page := func(t *testing.T, path string) {
		s := openAt(t, path)
		add(s, record(5, day, 10*time.Second, 2000, 3, 3), 0)
		must(t, s.Commit(t.Context(), day))
		must(t, s.Close())
	}
	for name, damage := range map[string]func(t *testing.T, path string){
		"text":    func(t *testing.T, path string) { must(t, os.WriteFile(path, []byte("hello"), 0o600)) },
		"another": func(t *testing.T, path string) { must(t, os.WriteFile(path, make([]byte, 10_000), 0o600)) },
		"torn": func(t *testing.T, path string) {
			page(t, path)
			info, err := os.Stat(path)
			must(t, err)
			must(t, os.Truncate(path, info.Size()/3))
		},
		"zeros within": func(t *testing.T, path string) {
			page(t, path)
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			must(t, err)
			info, err := f.Stat()
			must(t, err)
			_, err = f.WriteAt(make([]byte, 8*4096), info.Size()/2/4096*4096)
			must(t, errors.Join(err, f.Close()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "history.db")
			damage(t, path)
			s := openAt(t, path)
			aside := s.Stats().AsideTo
			if _, err := os.Stat(aside); err != nil || !strings.HasSuffix(aside, ".damaged") {
				t.Errorf("set aside to %q: %v", aside, err)
			}
			if s.Position() != (Position{}) {
				t.Errorf("the new one is at %+v", s.Position())
			}
		})
	}
}

func TestStore_NewerVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	s := openAt(t, path)
	_, err := s.write.Exec("PRAGMA user_version = 99")
	must(t, errors.Join(err, s.Close()))
	if _, err := Open(t.Context(), path, Options{}); err == nil || !strings.Contains(err.Error(), "made by a newer netmon") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error("a newer one's file is gone")
	}
}

func TestStore_SpecialPaths(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b%20?c#d")
	s := openAt(t, path)
	must(t, s.Commit(t.Context(), day))
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestStore_Backup(t *testing.T) {
	s := fresh(t)
	all := record(6, day, 10*time.Second, 500, 2, 2)
	add(s, all, 0)
	must(t, s.Commit(t.Context(), day))
	copied := filepath.Join(t.TempDir(), "copy.db")
	must(t, s.Backup(t.Context(), copied))
	if err := s.Backup(t.Context(), copied); err == nil {
		t.Error("it writes over a file")
	}
	same(t, "the copy", held(t, openAt(t, copied), time.Minute, 0), sums(all))
}

func TestStore_OneWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	a, b := openAt(t, path), openAt(t, path)
	all := record(7, day, 10*time.Second, 10, 1, 1)
	add(a, all, 0)
	must(t, a.Commit(t.Context(), day))
	add(b, all, 0)
	if err := b.Commit(t.Context(), day); err == nil || !strings.Contains(err.Error(), "another process writes it") {
		t.Errorf("%v", err)
	}
	same(t, "one of two", held(t, a, time.Minute, 0), sums(all))
}

func TestStore_Prune(t *testing.T) {
	s := fresh(t)
	old := record(8, day, 10*time.Second, 400, 60, 1)
	add(s, old, 0)
	must(t, s.Commit(t.Context(), day))
	prune := func(now time.Time) {
		for more := true; more; {
			var err error
			more, err = s.Prune(t.Context(), now)
			must(t, err)
		}
	}
	prune(day.Add(20 * 24 * time.Hour))
	same(t, "after 20 days", held(t, s, time.Minute, 0), sums(old))
	prune(day.Add(40 * 24 * time.Hour))
	series, reply := ask(t, s, wire.HistoryQuery{What: wire.HistoryRollups, From: day, To: day.Add(2 * time.Hour), Step: wire.Duration(time.Minute)})
	if len(series) != 60 || len(series[0].Rows) != 2 || series[0].Rows[0].For != wire.Duration(time.Hour) || !reply.Minutes.IsZero() {
		t.Errorf("after 40 days: %d series, %+v", len(series), series[0].Rows)
	}
	prune(day.Add(800 * 24 * time.Hour))
	if series, _ := ask(t, s, wire.HistoryQuery{What: wire.HistoryRollups, From: day, To: day.Add(2 * time.Hour), Step: wire.Duration(time.Minute)}); len(series) != 0 {
		t.Errorf("after 800 days: %d series", len(series))
	}
}

// TestStore_QueriesMeanwhile: whoever asks while results are added and committed never
// sees one twice or not at all.
func TestStore_QueriesMeanwhile(t *testing.T) {
	s := fresh(t)
	all := record(9, day, time.Second, 3000, 1, 2)
	done := make(chan struct{})
	errs := make(chan error, 1)
	go func() {
		defer close(errs)
		before := uint64(0)
		for n := 0; ; n++ {
			reply, err := s.Query(context.Background(), wire.HistoryQuery{What: wire.HistoryRollups, From: day, To: day.Add(2 * time.Hour), Step: wire.Duration([]time.Duration{time.Minute, time.Hour}[n%2])})
			if err != nil {
				errs <- err
				return
			}
			runs := uint64(0)
			for _, x := range reply.Series {
				for _, row := range x.Rows {
					runs += row.Runs
				}
			}
			if runs < before {
				errs <- fmt.Errorf("%d runs after %d", runs, before)
				return
			}
			before = runs
			select {
			case <-done:
				return
			default:
			}
		}
	}()
	for i := range all {
		s.Add(&all[i].Result, uint64(i+1), all[i].stored)
		if i%100 == 0 {
			must(t, s.Commit(t.Context(), day))
		}
	}
	close(done)
	must(t, <-errs)
}
