package broker

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/need"
	"netmon/wire"
)

func TestJudgeDisk(t *testing.T) {
	const gib = 1 << 30
	for _, c := range []struct {
		name       string
		free, size uint64
		was, want  bool
	}{
		{"a small disk with room", 2 * gib / 10, gib, false, false},
		{"a small disk that is nearly full", gib / 11, gib, false, true},
		{"a little more than a tenth, after it was less", gib * 11 / 100, gib, true, true},
		{"a quarter more than that", gib * 13 / 100, gib, true, false},
		{"a twentieth of a large disk is much", 50 * gib, 1000 * gib, false, false},
		{"a large disk that is nearly full", gib - 1, 1000 * gib, false, true},
		{"a large disk with a little more", gib + gib/8, 1000 * gib, true, true},
		{"a large disk with room again", gib + gib/4, 1000 * gib, true, false},
	} {
		if got := judgeDisk(c.free, c.size, c.was); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestDiskWatch: a disk that somebody fills is reported once, by a broker that was
// started again meanwhile, too, and its room again as well.
func TestDiskWatch(t *testing.T) {
	need.Root(t)
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", dir).CombinedOutput(); err != nil {
		need.Missing(t, "the right to mount a tmpfs: %s", out)
	}
	t.Cleanup(func() { exec.Command("umount", dir).Run() })
	b := mustStart(t, Options{Listen: "127.0.0.1:0", Store: filepath.Join(dir, "store")})
	js := connect(t, b.URL())
	var w diskWatch
	look := func() {
		t.Helper()
		if err := w.check(t.Context(), b, b.Connect); err != nil {
			t.Fatal(err)
		}
	}
	fill := func(size int) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "others"), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	look() // there are no streams yet
	mustProvision(t, js, Limits{ResultsBytes: 16 << 20})
	look()
	fill(94 << 20)
	look()
	look()
	w = diskWatch{}
	look()
	fill(89 << 20) // 11 MB are free: not yet
	look()
	fill(0)
	look()
	look()
	s, err := js.Stream(t.Context(), wire.IncidentsStream)
	if err != nil {
		t.Fatal(err)
	}
	info, err := s.Info(t.Context(), jetstream.WithSubjectFilter("troubles.disk.*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(info.State.Subjects) != 1 || info.State.Msgs != 2 {
		t.Fatalf("%v", info.State.Subjects)
	}
	var all []wire.Trouble
	for seq := info.State.FirstSeq; seq <= info.State.LastSeq; seq++ {
		m, err := s.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		d, err := wire.DecodeTrouble(m.Subject, m.Data)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	if a, z := all[0], all[1]; !a.Wrong || z.Wrong || a.N != 1 || z.N != 2 || a.Incident == "" || a.Incident != z.Incident || wire.CheckToken(a.Incident) != nil || time.Since(a.At) > time.Hour {
		t.Errorf("%+v\n%+v", a, z)
	}
}
