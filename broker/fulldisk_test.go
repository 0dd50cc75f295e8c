package broker

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker/access"
	"netmon/internal/need"
	"netmon/wire"
)

// TestRun_MakesRoomOnAFullDisk: somebody else fills the disk, results stop, and continue
// though nobody makes room, by the ballast; or continue once there is room, where there
// is not a ballast. The connection stays, and nothing that was acknowledged is lost but the oldest.
func TestRun_MakesRoomOnAFullDisk(t *testing.T) {
	need.Time(t)
	for name, freed := range map[string]bool{"nobody makes room": false, "somebody makes room": true} {
		t.Run(name, func(t *testing.T) { fillDisk(t, freed) })
	}
}

func fillDisk(t *testing.T, freed bool) {
	need.Root(t)
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", dir).CombinedOutput(); err != nil {
		need.Missing(t, "the right to mount a tmpfs: %s", out)
	}
	t.Cleanup(func() { exec.Command("umount", dir).Run() })
	b := mustStart(t, Options{Listen: "127.0.0.1:0", Store: filepath.Join(dir, "store")})
	js := connect(t, b.URL())
	mustProvision(t, js, Limits{ResultsBytes: 1 << 30})
	acked := uint64(0) // the last number
	publish := func(within time.Duration) error {
		data := make([]byte, 50<<10)
		rand.Read(data)
		ctx, cancel := context.WithTimeout(t.Context(), within)
		defer cancel()
		ack, err := js.Publish(ctx, "results.paris.web", data, jetstream.WithMsgID(fmt.Sprint(acked+1)))
		if err != nil {
			return err
		}
		if ack.Sequence <= acked || ack.Sequence > acked+1 && !ack.Duplicate {
			t.Fatalf("result %d was acknowledged as %d", acked+1, ack.Sequence)
		}
		acked = ack.Sequence
		return nil
	}
	for acked < 1200 { // 60 MB
		if err := publish(time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	if !freed {
		mustAdjustLimit(t, b, Limits{}, false)
		if !b.ballast.there() {
			t.Fatal("there is no ballast on a disk with room")
		}
	}
	filler := filepath.Join(dir, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for piece := make([]byte, 1<<20); err == nil; {
		_, err = f.Write(piece)
	}
	f.Close()
	for b.stuck() == "" { // by nobody's watch
		if publish(3*time.Second) == nil && acked > 2000 {
			t.Fatal("the disk never was full")
		}
	}
	before := acked

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- b.Run(ctx) }()
	go func() { b.AdjustLimit(ctx, b.Connect, Limits{}); ended <- nil }()
	defer func() { cancel(); <-ended; <-ended }()
	if freed {
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
	}
	checked := false
	for begun := time.Now(); acked < before+1000; { // 50 MB, more than there is room for
		if publish(3*time.Second) != nil && time.Since(begun) > 3*time.Minute {
			t.Fatalf("the broker stores nothing after result %d", acked)
		}
		if acked == before+1 && !checked {
			checked = true
			if s, err := js.Stream(t.Context(), wire.ResultsStream); err != nil {
				t.Error(err)
			} else if _, err := s.GetMsg(t.Context(), before); err != nil {
				t.Errorf("the last result that was acknowledged on the full disk: %v", err)
			}
		}
	}
	s, err := js.Stream(t.Context(), wire.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	st := s.CachedInfo().State
	if st.LastSeq != acked || st.NumDeleted != 0 || st.Msgs < 300 {
		t.Errorf("%d results, %d to %d, %d missing, want the newest of %d", st.Msgs, st.FirstSeq, st.LastSeq, st.NumDeleted, acked)
	}
	if n := js.Conn().Stats().Reconnects; n > 0 {
		t.Errorf("the connection was lost %d times", n)
	}
	for begun := time.Now(); b.ballast.used(); time.Sleep(100 * time.Millisecond) {
		if time.Since(begun) > time.Minute {
			t.Fatal("the ballast did not come back")
		}
	}
}

// TestReload_WhereTheBrokerAsksWhoPeopleAre: accounts have their streams back, and
// the connections that they had.
func TestReload_WhereTheBrokerAsksWhoPeopleAre(t *testing.T) {
	store := t.TempDir()
	a, err := access.Open(access.FolderOf(store), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	credential, err := a.Built(access.Controller, "controller")
	if err != nil {
		t.Fatal(err)
	}
	b := mustStart(t, Options{Listen: "127.0.0.1:0", Store: store, Access: a})
	nc, err := b.Connect(credential...)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	mustProvision(t, js, DefaultLimits())
	for range 3 {
		before := stored(t, js)
		storeMuch(t, js, 1<<20)
		if !b.reloadJetStream() {
			t.Fatal("the server did not load its streams again")
		}
		if got := stored(t, js); got <= before {
			t.Errorf("%d results, and before more were stored %d", got, before)
		}
	}
	if n := nc.Stats().Reconnects; n > 0 {
		t.Errorf("the connection was lost %d times", n)
	}
}
