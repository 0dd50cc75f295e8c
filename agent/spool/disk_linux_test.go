package spool

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"netmon/internal/need"
)

// TestSpool_ADiskThatOnlyTheSpoolFills has more waiting in memory than the whole
// disk has room for.
func TestSpool_ADiskThatOnlyTheSpoolFills(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=128k"); err != nil {
		need.Missing(t, "the right to mount a tmpfs: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	s := open(t, dir, Options{})
	defer s.Close()
	const n = 3000
	data := strings.Repeat("x", 300)
	for i := range n {
		key := fmt.Sprint("m", i%7)
		if err := s.Append(key, func(b []byte, epoch string, seq, run uint64) ([]byte, error) {
			return fmt.Appendf(b, "%s %s %d %d %s", epoch, key, seq, run, data), nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	for got := 0; got < n; {
		records := readRecords(t, s, 1)
		got++
		if records[0].Seq != uint64(got) || records[0].Dropped != 0 {
			t.Fatalf("record %d is %+v", got, records[0])
		}
		s.Done(records[0].Seq, 1)
	}
	if _, _, dropped := s.Figures(); dropped > 0 {
		t.Errorf("%d records are lost", dropped)
	}
}
