package broker

import (
	"crypto/rand"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/need"
	"netmon/wire"
)

// TestAdjustLimit_TheNewestStay: more results than a tiny disk holds are stored one
// after the other; the limit becomes lower, the oldest go, and all is acknowledged.
func TestAdjustLimit_TheNewestStay(t *testing.T) {
	need.Time(t)
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
			mustAdjustLimit(t, b, Limits{}, false)
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

// TestAdjustLimit_LeavesARoomyDiskAlone: nothing changes where there is room, or no stream.
func TestAdjustLimit_LeavesARoomyDiskAlone(t *testing.T) {
	b, js := onBroker(t)
	if free, size, ok := diskBytes(b.Store()); !ok || free < size/8 && free < 2*lowSpaceMost {
		need.Missing(t, "room on its disk: %d bytes are free of %d", free, size)
	}
	mustProvision(t, js, DefaultLimits())
	before := configOf(t, js, wire.ResultsStream).MaxBytes
	mustAdjustLimit(t, b, Limits{}, false)
	if after := configOf(t, js, wire.ResultsStream).MaxBytes; after != before {
		t.Errorf("the limit became %d, was %d", after, before)
	}
}

// TestAdjustLimit_TheLimitFollowsCompression: results that compress well may be more
// than their size on disk, and Provision leaves it so.
func TestAdjustLimit_TheLimitFollowsCompression(t *testing.T) {
	b, js := onBroker(t)
	l := Limits{ResultsBytes: 128 << 20, Watched: true}
	if free, size, ok := diskBytes(b.Store()); !ok || free < min(size/10, lowSpaceMost)+uint64(l.ResultsBytes) {
		need.Missing(t, "room on its disk: %d bytes are free of %d", free, size)
	}
	mustProvision(t, js, l)
	storeMuch(t, js, enoughToMeasure+16<<20)
	for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) { // blocks are compressed some time after they were filled
		mustAdjustLimit(t, b, l, true)
		if configOf(t, js, wire.ResultsStream).MaxBytes == mostSaved*l.ResultsBytes {
			break
		}
		if time.Since(begun) > 3*time.Minute {
			t.Fatalf("the limit is %d, want %d", configOf(t, js, wire.ResultsStream).MaxBytes, mostSaved*l.ResultsBytes)
		}
	}
	mustProvision(t, js, l)
	config := configOf(t, js, wire.ResultsStream)
	if config.MaxBytes != mostSaved*l.ResultsBytes {
		t.Errorf("Provision made the limit %d", config.MaxBytes)
	}
	if saved, err := strconv.ParseFloat(config.Metadata[wire.CompressionKey], 64); err != nil || saved < mostSaved {
		t.Errorf("the stream says %q of its compression: %v", config.Metadata[wire.CompressionKey], err)
	}
	l.Watched = false // as of a controller that has no broker of its own
	mustProvision(t, js, l)
	if got := configOf(t, js, wire.ResultsStream).MaxBytes; got != l.ResultsBytes {
		t.Errorf("without a broker that watches the limit is %d, want %d", got, l.ResultsBytes)
	}
}

// TestDefaultLimits_LeaveRoomForCompression: the limit that results may grow to is
// one that the server accepts, with all else.
func TestDefaultLimits_LeaveRoomForCompression(t *testing.T) {
	for _, o := range []Options{{Store: t.TempDir(), MaxStore: 64 << 20}, {Store: t.TempDir()}, {Store: t.TempDir(), MaxStore: StoreFor(2 << 40)}} {
		b := mustStart(t, o)
		nc, err := b.Connect()
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		js, _ := jetstream.New(nc, jetstream.WithDefaultTimeout(time.Minute))
		l := b.DefaultLimits()
		if o.MaxStore > DefaultMaxStore {
			l.ResultsBytes = 2 << 40
		}
		mustProvision(t, js, l)
		config := configOf(t, js, wire.ResultsStream)
		config.MaxBytes = l.raised()
		if _, err := js.UpdateStream(t.Context(), config); err != nil {
			t.Errorf("with a store of %d: %v", o.MaxStore, err)
		}
	}
}

// TestStart_KeepsWhatALargerLimitKept: a broker that is started without the
// earlier results size goes on to store.
func TestStart_KeepsWhatALargerLimitKept(t *testing.T) {
	o := Options{Listen: "127.0.0.1:0", Store: t.TempDir(), MaxStore: 64 << 20}
	b := mustStart(t, o)
	l := Limits{ResultsBytes: 64 << 20, Watched: true}
	mustProvision(t, connect(t, b.URL()), l)
	b.Close()
	o.MaxStore = 4 << 20
	b = mustStart(t, o)
	js := connect(t, b.URL())
	storeMuch(t, js, 16<<20)
	mustProvision(t, js, l)
}
