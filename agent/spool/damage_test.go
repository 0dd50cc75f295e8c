package spool

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSpool_NumbersThatCouldNotBeSaved are saved as soon as that goes again, and
// until then the segments stay that hold them: no number is given twice.
func TestSpool_NumbersThatCouldNotBeSaved(t *testing.T) {
	dir := t.TempDir()
	o := Options{SegmentBytes: 4096}
	s := open(t, dir, o)
	put(t, s, "a")
	readRecords(t, s, 1)
	obstacle := filepath.Join(dir, numbersName+".tmp")
	if err := os.Mkdir(obstacle, 0o700); err != nil {
		t.Fatal(err)
	}
	var last Record
	n := 1
	for ; s.Problem() == nil; n++ { // until a segment is begun
		put(t, s, "a")
		s.Read(1)
	}
	for range 3 { // the next rounds write, although the numbers are not saved
		put(t, s, "b")
		n++
	}
	for last.Seq < uint64(n) {
		for _, r := range s.Read(100) {
			last = r
		}
	}
	s.Done(last.Seq, n)
	if files, _ := filepath.Glob(filepath.Join(dir, "*"+suffix)); len(files) < 2 {
		t.Errorf("segments %v: the first was deleted, which alone holds its numbers", files)
	}
	if err := os.Remove(obstacle); err != nil {
		t.Fatal(err)
	}
	s.Read(1) // a write round
	var saved numbers
	if found, problem := s.load(numbersName, &saved); !found || saved.Seq != last.Seq {
		t.Errorf("numbers %+v (%s), want those up to %d", saved, problem, last.Seq)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*"+suffix)); len(files) != 1 {
		t.Errorf("segments %v, want one", files)
	}
	abandon(s)
	before := s.runs["a"]
	s = open(t, dir, o)
	defer s.Close()
	put(t, s, "a")
	r := readRecords(t, s, 1)[0]
	for r.Seq <= last.Seq { // that all is done was not yet on the disk
		r = readRecords(t, s, 1)[0]
	}
	if r.Run != before+1 {
		t.Errorf("run %d of a after a kill, want %d", r.Run, before+1)
	}
}

// TestSpool_DamageIsNotPending: records that can no longer be read wait for
// nobody; they are counted as lost.
func TestSpool_DamageIsNotPending(t *testing.T) {
	dir := t.TempDir()
	o := Options{SegmentBytes: 4096}
	s := open(t, dir, o)
	const n = 100
	for range n {
		put(t, s, "a")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, o)
	defer s.Close()
	files, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil || len(files) < 3 {
		t.Fatalf("segments %v, %v", files, err)
	}
	f, err := os.OpenFile(files[1], os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("damage"), 1000); err != nil {
		t.Fatal(err)
	}
	f.Close()
	got := 0
	var last uint64
	for records := s.Read(n); len(records) > 0; records = s.Read(n) {
		got += len(records)
		last = records[len(records)-1].Seq
	}
	if got == n || last != n {
		t.Fatalf("read %d records up to %d", got, last)
	}
	if pending, _, dropped := s.Figures(); pending != got || dropped != uint64(n-got) {
		t.Errorf("%d pending, %d dropped, want %d and %d", pending, dropped, got, n-got)
	}
	s.Done(last, got)
	if pending, _, _ := s.Figures(); pending != 0 {
		t.Errorf("%d records are pending, want none", pending)
	}
}

// TestSpool_TheDiskDoesNotAccept has what is written refused when it is synced:
// that is reported until all of it is with somebody else, also when later syncs succeed.
func TestSpool_TheDiskDoesNotAccept(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs a file that takes writes and no sync: /dev/null of Linux")
	}
	s := open(t, t.TempDir(), Options{})
	defer s.Close()
	put(t, s, "a")
	readRecords(t, s, 1)
	s.Done(1, 1)
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	real := s.file
	s.file = null
	s.mu.Unlock()
	put(t, s, "a")
	for end := time.Now().Add(time.Minute); s.Problem() == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nobody is told")
		}
	}
	s.mu.Lock()
	s.file = real
	s.mu.Unlock()
	null.Close()
	s.noteSync(nil)
	if err := s.Problem(); err == nil || !strings.Contains(err.Error(), "sync spool") {
		t.Errorf("after a sync that succeeds: %v", err)
	}
	s.Done(2, 1)
	if err := s.Problem(); err != nil {
		t.Errorf("all is delivered: %v", err)
	}
	s.noteSync(syscall.EIO)
	if err := s.Problem(); err != nil {
		t.Errorf("nothing is left to lose: %v", err)
	}
}
