package broker

import (
	"bytes"
	"context"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// TestProvision_CompressesResults: a new stream of results takes a part of what
// is stored in it on disk.
func TestProvision_CompressesResults(t *testing.T) {
	b, js := onBroker(t)
	mustProvision(t, js, DefaultLimits())
	storeMuch(t, js, 30<<20)
	awaitSmall(t, b)
	if config := configOf(t, js, wire.AgentsStream); config.Compression != jetstream.NoCompression {
		t.Errorf("the agents' stream is compressed: %v", config.Compression)
	}
}

// TestRun_CompressesWhatExists: the stream of an older netmon is compressed once
// the server has loaded it again, which Run sees to; what was in it stays.
func TestRun_CompressesWhatExists(t *testing.T) {
	o := Options{Listen: "127.0.0.1:0", Store: t.TempDir()}
	old := mustStart(t, o)
	js := connect(t, old.URL())
	plain := resultsConfig(DefaultLimits())
	plain.Compression = jetstream.NoCompression
	if _, err := js.CreateStream(t.Context(), plain); err != nil {
		t.Fatal(err)
	}
	storeMuch(t, js, 1<<20)
	before := stored(t, js)
	old.Close()

	b := mustStart(t, o)
	back := make(chan struct{}, 10)
	nc, err := b.Connect(nats.ReconnectHandler(func(*nats.Conn) { back <- struct{}{} }))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if js, err = jetstream.New(nc); err != nil {
		t.Fatal(err)
	}
	mustProvision(t, js, DefaultLimits())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	<-back
	if got := stored(t, js); got != before {
		t.Errorf("%d results after the restart, want %d", got, before)
	}
	storeMuch(t, js, 30<<20)
	awaitSmall(t, b)
}

// storeMuch stores results of so many bytes, which compress well.
func storeMuch(t *testing.T, js jetstream.JetStream, size int) {
	t.Helper()
	data := bytes.Repeat([]byte(`{"agent":"paris","monitor":"web"}`), 1000)
	for n := 0; n < size; n += len(data) {
		if _, err := js.Publish(t.Context(), "results.paris.web", data); err != nil {
			t.Fatal(err)
		}
	}
}

// awaitSmall waits until some 30 MiB take less on disk: a block is compressed
// some time after it was filled, and the one that is written to is not.
func awaitSmall(t *testing.T, b *Broker) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		disk := onDisk(t, b)
		if disk < 20<<20 {
			return
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("%d bytes on disk of 30 MiB", disk)
		}
	}
}

// onDisk is what the blocks of results take.
func onDisk(t *testing.T, b *Broker) (bytes int64) {
	t.Helper()
	err := filepath.WalkDir(b.Store(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".blk" || !strings.Contains(path, wire.ResultsStream) {
			return err
		}
		if info, err := d.Info(); err == nil { // else it was replaced by its compressed self
			bytes += info.Size()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}
