package host

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"netmon/controller"
	hist "netmon/history"
	"netmon/history/feed"
	"netmon/history/store"
	"netmon/probes"
	"netmon/wire"
)

// History is what a controller needs to keep history.
type History struct {
	Folder string      // where its file is
	Kinds  probes.List // whose runs have phases
}

// CopyHistory is how a backup copies the file in a folder; nil where there is none.
func CopyHistory(folder string) func(ctx context.Context, path string) error {
	file := filepath.Join(folder, feed.FileName)
	if _, err := os.Stat(file); err != nil || folder == "" {
		return nil
	}
	return func(ctx context.Context, path string) error { return store.Copy(ctx, file, path) }
}

// RestoreHistory is how a restore puts the file of a backup into a folder that has none.
func RestoreHistory(folder string) func(ctx context.Context, path string, created map[string]time.Time) error {
	return func(ctx context.Context, path string, created map[string]time.Time) error {
		to := filepath.Join(folder, feed.FileName)
		if _, err := os.Lstat(to); err == nil {
			return fmt.Errorf("%s is there already: move it away, or give another --state", to)
		}
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		if err := store.Copy(ctx, path, to); err != nil {
			return err
		}
		return store.Rename(ctx, to, feed.Life(created[wire.ResultsStream], created[wire.VerdictsStream]))
	}
}

// feeder makes what keeps history for a controller.
func (h History) feeder(c controls) *feed.Feeder {
	return feed.New(feed.Options{Folder: h.Folder, Connect: c.connect, Figures: h.figures, Check: c.access.CheckSaved, Log: c.log})
}

// chunkOf is what the judge's reader has read, for the feeder of history.
func chunkOf(r controller.Reading) feed.Chunk {
	c := feed.Chunk{Created: r.Created, After: r.After, Results: make([]feed.Result, len(r.Results))}
	for i, x := range r.Results {
		c.Results[i] = feed.Result(x)
	}
	return c
}

// figures are the parts of the time of a kind's runs.
func (h History) figures(kind string) (list []hist.Figure) {
	k, _ := h.Kinds.Find(kind)
	for _, f := range k.Figures {
		switch f.Phase {
		case "":
		case "yes":
			list = append(list, hist.Figure{Name: f.Path})
		default:
			list = append(list, hist.Figure{Name: f.Path, Within: f.Phase})
		}
	}
	return list
}
