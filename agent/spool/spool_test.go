package spool

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func open(t testing.TB, dir string, o Options) *Spool {
	t.Helper()
	s, problem, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	if problem != "" {
		t.Logf("problem: %s", problem)
	}
	return s
}

func put(t testing.TB, s *Spool, key string) {
	t.Helper()
	err := s.Append(key, func(buf []byte, epoch string, seq, run uint64) ([]byte, error) {
		return fmt.Appendf(buf, "%s %s %d %d %s", epoch, key, seq, run, strings.Repeat("x", 100)), nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// readRecords reads n records, waiting until they are written.
func readRecords(t testing.TB, s *Spool, n int) []Record {
	t.Helper()
	var out []Record
	limit := time.After(time.Minute)
	for len(out) < n {
		out = append(out, s.Read(n-len(out))...)
		if len(out) == n {
			break
		}
		select {
		case <-s.Ready():
		case <-limit:
			t.Fatalf("read %d records, want %d", len(out), n)
		}
	}
	for _, r := range out {
		want := fmt.Sprintf("%s %s %d %d ", r.Epoch, r.Key, r.Seq, r.Run)
		if !bytes.HasPrefix(r.Data, []byte(want)) {
			t.Fatalf("record %d/%d of %s holds %q", r.Seq, r.Run, r.Key, r.Data)
		}
	}
	return out
}

// awaitWritten waits until no record waits in memory.
func awaitWritten(s *Spool) {
	for {
		s.mu.Lock()
		waiting := len(s.kept)
		s.mu.Unlock()
		if waiting == 0 {
			return
		}
		<-s.Ready()
	}
}

// abandon leaves the spool as a kill does: nothing more is written.
func abandon(s *Spool) {
	close(s.quit)
	s.wg.Wait()
}

func TestSpool_NumbersWithoutHoles(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	defer s.Close()
	for i := range 10 {
		put(t, s, []string{"a", "b"}[i%2])
	}
	for i, r := range readRecords(t, s, 10) {
		if r.Seq != uint64(i+1) || r.Run != uint64(i/2+1) || r.Dropped != 0 {
			t.Errorf("%d: %+v", i, r)
		}
	}
	s.Done(10, 10)
	if pending, seq, dropped := s.Figures(); pending != 0 || seq != 10 || dropped != 0 {
		t.Errorf("pending %d, seq %d, dropped %d", pending, seq, dropped)
	}
}

func TestSpool_SurvivesKillsAndRestarts(t *testing.T) {
	dir := t.TempDir()
	rnd := rand.New(rand.NewPCG(1, 2))
	var next, done uint64 = 1, 0
	runs := map[string]uint64{}
	var epoch string
	for round := range 30 {
		s := open(t, dir, Options{MaxBytes: 1 << 20, SegmentBytes: 4096})
		if epoch == "" {
			epoch = s.epoch
		}
		if s.epoch != epoch {
			t.Fatal("another epoch after a restart")
		}
		n := 50 + rnd.IntN(100)
		for range n {
			put(t, s, fmt.Sprintf("m%d", rnd.IntN(7)))
		}
		pending, _, _ := s.Figures()
		got := readRecords(t, s, pending)
		// What is read again after a kill is what was not done, from the saved cursor on.
		for _, r := range got {
			if r.Seq > next {
				t.Fatalf("round %d: read %d, want %d or one before", round, r.Seq, next)
			}
			if r.Seq < next {
				continue
			}
			next++
			if r.Run != runs[r.Key]+1 || r.Epoch != epoch {
				t.Fatalf("round %d: run %d of %s after %d", round, r.Run, r.Key, runs[r.Key])
			}
			runs[r.Key] = r.Run
		}
		if k := rnd.IntN(len(got)); k > 0 && got[k].Seq > done {
			done = got[k].Seq
			s.Done(done, k+1)
		}
		if round%2 == 0 {
			abandon(s)
		} else if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSpool_CutsOffATornRecord(t *testing.T) {
	for _, cut := range []int64{1, 7, 20, 100} {
		dir := t.TempDir()
		s := open(t, dir, Options{})
		for range 3 {
			put(t, s, "a")
		}
		readRecords(t, s, 3)
		abandon(s)
		files, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		info, err := os.Stat(files[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(files[0], info.Size()-cut); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir, Options{})
		put(t, s, "a")
		got := readRecords(t, s, 3)
		if got[2].Run != 3 || got[2].Seq != 3 {
			t.Errorf("cut %d: %+v", cut, got[2])
		}
		s.Close()
	}
}

func TestSpool_DropsTheOldestAndStatesTheGap(t *testing.T) {
	s := open(t, t.TempDir(), Options{MaxBytes: 64 << 10, SegmentBytes: 8 << 10})
	defer s.Close()
	const n = 2000
	for i := range n {
		put(t, s, []string{"a", "b", "c"}[i%3])
	}
	awaitWritten(s)
	pending, _, dropped := s.Figures()
	if dropped == 0 || pending+int(dropped) != n {
		t.Fatalf("%d pending, %d dropped, want %d in all and some dropped", pending, dropped, n)
	}
	got := readRecords(t, s, pending)
	gaps := uint64(0)
	last := map[string]uint64{}
	for _, r := range got {
		if r.Run != last[r.Key]+r.Dropped+1 {
			t.Fatalf("run %d of %s after %d, %d dropped", r.Run, r.Key, last[r.Key], r.Dropped)
		}
		last[r.Key] = r.Run
		gaps += r.Dropped
	}
	if gaps != dropped {
		t.Errorf("%d dropped, %d stated", dropped, gaps)
	}
}

func TestSpool_AGapIsStatedAfterARestartToo(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{MaxBytes: 32 << 10, SegmentBytes: 8 << 10})
	for range 1000 {
		put(t, s, "a")
	}
	awaitWritten(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{MaxBytes: 32 << 10, SegmentBytes: 8 << 10})
	defer s.Close()
	first := readRecords(t, s, 1)[0]
	if first.Dropped == 0 || first.Run != first.Dropped+1 {
		t.Errorf("%+v", first)
	}
}

func TestSpool_WhatIsReadIsNotDropped(t *testing.T) {
	s := open(t, t.TempDir(), Options{MaxBytes: 32 << 10, SegmentBytes: 8 << 10})
	defer s.Close()
	for range 10 {
		put(t, s, "a")
	}
	readRecords(t, s, 10)
	for range 1000 {
		put(t, s, "b")
	}
	awaitWritten(s)
	s.Done(10, 10)
	r := readRecords(t, s, 1)[0]
	if r.Key != "b" || r.Run != r.Dropped+1 {
		t.Errorf("%+v", r)
	}
}

func TestSpool_LostNumbersBeginANewEpoch(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	old := s.epoch
	for range 5 {
		put(t, s, "a")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, numbersName), []byte("{torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, problem, err := Open(dir, Options{})
	if err != nil || !strings.Contains(problem, numbersName) {
		t.Fatal(problem, err)
	}
	defer s.Close()
	put(t, s, "a")
	got := readRecords(t, s, 6)
	if got[4].Epoch != old || got[5].Epoch == old || got[5].Seq != 6 || got[5].Run != 1 {
		t.Errorf("%+v then %+v", got[4], got[5])
	}
}

func TestSpool_ACorruptSegmentLosesNoOther(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{SegmentBytes: 4096, MaxBytes: 1 << 20})
	for i := range 200 {
		put(t, s, "a")
		if i%20 == 0 {
			readRecords(t, s, 1) // let it be written, so that segments are rolled
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	if err := os.WriteFile(files[1], []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, problem, err := Open(dir, Options{SegmentBytes: 4096})
	if err != nil || !strings.Contains(problem, filepath.Base(files[1])) {
		t.Fatalf("%q %v", problem, err)
	}
	defer s.Close()
	pending, seq, _ := s.Figures()
	got := readRecords(t, s, pending)
	if seq != 200 || got[len(got)-1].Seq != 200 {
		t.Errorf("seq %d, last read %d", seq, got[len(got)-1].Seq)
	}
}

func TestSpool_AReaderThatKeepsUpReadsFromMemory(t *testing.T) {
	s := open(t, t.TempDir(), Options{SegmentBytes: 4096})
	defer s.Close()
	for i := range 200 { // over several segments
		put(t, s, fmt.Sprint("k", i%3))
		put(t, s, "web")
		got := readRecords(t, s, 2)
		if s.at.file != nil {
			t.Fatal("the file was read")
		}
		s.Done(got[1].Seq, 2)
	}
	for range 2*freshMost + 10 { // now it does not
		put(t, s, "web")
		s.writeUnread()
	}
	got := readRecords(t, s, 2*freshMost+10)
	for i, r := range got {
		if r.Seq != uint64(401+i) {
			t.Fatalf("record %d has number %d", i, r.Seq)
		}
	}
	put(t, s, "web")
	s.at.close()
	if readRecords(t, s, 1); s.at.file != nil {
		t.Error("a reader that has caught up reads the file")
	}
}

func FuzzReadRecord(f *testing.F) {
	rec, err := beginRecord(nil, 1, 2, time.Unix(3, 4), "web")
	rec = append(rec, "data"...)
	if err != nil || endRecord(rec) != nil {
		f.Fatal(err)
	}
	f.Add(rec)
	f.Add(rec[:len(rec)-1])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		r, n, err := readRecord(bytes.NewReader(data))
		if err != nil {
			return
		}
		again, err := beginRecord(nil, r.Seq, r.Run, r.At, r.Key)
		again = append(again, r.Data...)
		if err != nil || endRecord(again) != nil || !bytes.Equal(again, data[:n]) {
			t.Errorf("%x is read as %+v", data, r)
		}
	})
}

// BenchmarkSpool appends and drains results of a usual size.
func BenchmarkSpool(b *testing.B) {
	s := open(b, b.TempDir(), Options{})
	defer s.Close()
	data := bytes.Repeat([]byte("x"), 450)
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = fmt.Sprintf("monitor-%d", i)
	}
	b.ReportAllocs()
	n, done := 0, 0
	begin := time.Now() // b.Loop stops the clock before what is left is drained
	for b.Loop() {
		if err := s.Append(keys[n%len(keys)], func(buf []byte, _ string, _, _ uint64) ([]byte, error) { return append(buf, data...), nil }); err != nil {
			b.Fatal(err)
		}
		if n++; n%256 == 0 {
			got := s.Read(256)
			if len(got) > 0 {
				s.Done(got[len(got)-1].Seq, len(got))
				done += len(got)
			}
		}
	}
	for done < n {
		got := s.Read(1024)
		if len(got) == 0 {
			<-s.Ready()
			continue
		}
		s.Done(got[len(got)-1].Seq, len(got))
		done += len(got)
	}
	b.ReportMetric(float64(n)/time.Since(begin).Seconds(), "results/s")
}
