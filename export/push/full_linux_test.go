package push

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"netmon/internal/need"
)

// TestPusher_FullDisk: where lines or positions find no room nothing is lost, and it goes on
// by itself once there is some.
func TestPusher_FullDisk(t *testing.T) {
	need.Root(t)
	need.Time(t)
	for _, c := range []struct{ name, said string }{{"lines", "NDJSON in"}, {"positions", "store the position"}} {
		t.Run(c.name, func(t *testing.T) {
			m := newMesh(t)
			small := t.TempDir()
			if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=128k"); err != nil {
				need.Missing(t, "the right to mount a tmpfs: %v", err)
			}
			t.Cleanup(func() { _ = syscall.Unmount(small, syscall.MNT_DETACH) })
			folder, file := t.TempDir(), filepath.Join(small, "out.ndjson")
			ballast := filepath.Join(small, "ballast")
			if c.name == "positions" {
				folder, file = small, filepath.Join(folder, "out.ndjson")
			}
			p := m.ndjson(folder, file)
			m.sends(100)
			m.sentTo(p, 100)
			if err := fill(ballast); err != nil {
				t.Fatal(err)
			}
			m.sends(200)
			eventually(t, "it is reported", func() bool { return p.said.Count(c.said) == 1 })
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Mount("tmpfs", small, "tmpfs", syscall.MS_REMOUNT, "size=64m"); err != nil {
				t.Fatal(err)
			}
			m.sentTo(p, 300)
			eventually(t, "that is reported", func() bool { return p.said.Count("works again") == 1 })
			_ = p.stop()
			m.wantLines(file)
		})
	}
}

// fill writes until there is no room.
func fill(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for err == nil {
		_, err = fmt.Fprint(f, strings.Repeat("x", 512))
	}
	if errors.Is(err, syscall.ENOSPC) {
		return nil
	}
	return err
}
