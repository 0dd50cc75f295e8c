package broker

import (
	"crypto/rand"
	"os/exec"
	"path/filepath"
	"testing"

	"netmon/internal/need"
	"netmon/wire"
)

// TestKeepRoom_TheNewestStay: more results than a tiny disk holds are stored one
// after the other; the limit becomes lower, the oldest go, and all is acknowledged.
func TestKeepRoom_TheNewestStay(t *testing.T) {
	need.Root(t)
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", dir).CombinedOutput(); err != nil {
		need.Missing(t, "the right to mount a tmpfs: %s", out)
	}
	t.Cleanup(func() { exec.Command("umount", dir).Run() })
	b := mustStart(t, Options{Listen: "127.0.0.1:0", Store: filepath.Join(dir, "store")})
	js := connect(t, b.URL())
	mustProvision(t, js, Limits{ResultsBytes: 1 << 30})
	payload := make([]byte, 50<<10)
	const count = 6000 // 300 MB
	for i := range count {
		rand.Read(payload)
		ack, err := js.Publish(t.Context(), "results.paris.web", payload)
		if err != nil || ack.Sequence != uint64(i+1) {
			t.Fatalf("result %d: %+v, %v", i, ack, err)
		}
		if i%20 == 0 { // Run looks by time
			if err := b.keepRoom(t.Context(), b.Connect); err != nil {
				t.Fatal(err)
			}
		}
	}
	s, err := js.Stream(t.Context(), wire.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	info := s.CachedInfo()
	if info.Config.MaxBytes >= 160<<20 || info.State.LastSeq != count || info.State.FirstSeq < 2 || info.State.Msgs < 500 {
		t.Errorf("limit %d, results %d to %d: want fewer than 160 MiB, the newest of %d", info.Config.MaxBytes, info.State.FirstSeq, info.State.LastSeq, count)
	}
	if _, err := s.GetMsg(t.Context(), count); err != nil {
		t.Errorf("the last result: %v", err)
	}
}

// TestKeepRoom_LeavesARoomyDiskAlone: nothing changes where there is room, or no stream.
func TestKeepRoom_LeavesARoomyDiskAlone(t *testing.T) {
	b, js := onBroker(t)
	if free, size, ok := diskBytes(b.Store()); !ok || free < size/8 && free < 2*lowRoomMost {
		t.Skipf("%d bytes are free of %d", free, size)
	}
	mustProvision(t, js, DefaultLimits())
	before := configOf(t, js, wire.ResultsStream).MaxBytes
	if err := b.keepRoom(t.Context(), b.Connect); err != nil {
		t.Error(err)
	}
	if after := configOf(t, js, wire.ResultsStream).MaxBytes; after != before {
		t.Errorf("the limit became %d, was %d", after, before)
	}
}

func TestLessResults(t *testing.T) {
	const mib = 1 << 20
	for name, c := range map[string]struct{ counted, onDisk, missing, want int64 }{
		"a part, as much as is missing":           {1000 * mib, 1000 * mib, 100 * mib, 900 * mib},
		"the same part of what is compressed":     {1000 * mib, 200 * mib, 20 * mib, 900 * mib},
		"at least a twentieth":                    {1000 * mib, 1000 * mib, 1, 950 * mib},
		"at most half at once":                    {1000 * mib, 100 * mib, 1000 * mib, 500 * mib},
		"and never all":                           {20 * mib, 20 * mib, 1000 * mib, leastResults},
		"where their files are not to be counted": {1000 * mib, 0, mib, 500 * mib},
	} {
		if got := lessResults(c.counted, c.onDisk, c.missing); got != c.want {
			t.Errorf("%s: %d MiB, want %d", name, got/mib, c.want/mib)
		}
	}
}
