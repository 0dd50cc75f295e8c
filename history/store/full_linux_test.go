package store

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"netmon/internal/need"
)

// TestStore_FullDisk: a commit that finds no room fails, and what it had to write is
// there when there is room again, each result once.
func TestStore_FullDisk(t *testing.T) {
	need.Root(t)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		need.Missing(t, "a tmpfs that can be mounted: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	s := openAt(t, filepath.Join(dir, "history.db"))
	all := record(11, day, 10*time.Second, 1500, 4, 4)
	half := len(all) / 2
	add(s, all[:half], 0)
	ballast := filepath.Join(dir, "ballast")
	must(t, os.WriteFile(ballast, nil, 0o600))
	f, err := os.OpenFile(ballast, os.O_WRONLY, 0)
	must(t, err)
	for err == nil { // until nothing fits
		_, err = f.Write(make([]byte, 4096))
	}
	f.Close()
	if err := s.Commit(t.Context(), day); err == nil {
		t.Fatal("a full disk takes a commit")
	} else {
		t.Log(err)
	}
	same(t, "while the disk is full", held(t, s, time.Minute, 0), sums(all[:half]))
	must(t, syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, fmt.Sprintf("size=%dm", 64)))
	must(t, s.Commit(t.Context(), day))
	add(s, all, half)
	must(t, s.Commit(t.Context(), day))
	must(t, s.Check(t.Context()))
	same(t, "when there is room again", held(t, s, time.Minute, 0), sums(all))
}
