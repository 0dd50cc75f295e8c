package feed

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"netmon/history/store"
	"netmon/wire"
)

// TestFeeding_CommitsAtAStop, whether it hears of the stop first, or that its readers
// ended by it.
func TestFeeding_CommitsAtAStop(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	for n := range uint64(20) {
		file, err := store.Open(t.Context(), path, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if at := file.Position().Results; at != n {
			t.Fatalf("%d results are in the file, %d were added before the stop", at, n)
		}
		g := &feeding{Feeder: New(Options{Folder: filepath.Dir(path)}), file: file, failed: make(chan error, 1)}
		at := time.Now().UTC()
		file.Add(&wire.Result{Agent: "paris", Monitor: "web", Kind: "tcp", Epoch: "E6TGUCZCDN434QQK", Seq: n + 1, Run: n + 1, Due: at, Started: at, Outcome: wire.OK, Revision: 1}, n+1, at)
		ctx, stop := context.WithCancel(t.Context())
		g.end("follow a stream", context.Canceled)
		stop()
		if err := errors.Join(g.run(ctx), file.Close()); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
}
