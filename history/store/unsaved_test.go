package store

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"netmon/wire"
)

// TestAttack_InventedNames has an agent send results of ever more monitors that are not
// saved. What it has of others, and what others have, is counted on.
func TestAttack_InventedNames(t *testing.T) {
	saved := map[string]bool{"web": true}
	path := filepath.Join(t.TempDir(), "history.db")
	open := func() *Store {
		s, err := Open(t.Context(), path, Options{Figures: figures, Saved: func(name string) bool { return saved[name] }})
		must(t, err)
		t.Cleanup(func() { s.Close() })
		return s
	}
	s := open()
	seq := uint64(0)
	send := func(agent, monitor string) {
		seq++
		at := day.Add(time.Duration(seq) * time.Millisecond)
		s.Add(&wire.Result{Agent: agent, Monitor: monitor, Kind: "tcp", Outcome: wire.OK, Epoch: "e", Seq: seq, Due: at, Started: at}, seq, at)
	}
	for i := range 3 * UnsavedMost {
		send("evil", fmt.Sprint("x-", i))
	}
	if got := s.Stats(); got.Series != UnsavedMost || got.Unsaved != 2*UnsavedMost {
		t.Fatalf("%d series, %d results not added", got.Series, got.Unsaved)
	}
	send("evil", "web")
	send("evil", "x-5")
	send("paris", "x-9999")
	if got := s.Stats(); got.Series != UnsavedMost+2 || got.Unsaved != 2*UnsavedMost {
		t.Errorf("%d series, %d results not added", got.Series, got.Unsaved)
	}
	must(t, s.Commit(t.Context(), day))
	must(t, s.Close())
	s = open() // another start counts on
	send("evil", "y")
	send("evil", "x-5")
	if got := s.Stats(); got.Series != UnsavedMost+2 || got.Unsaved != 1 {
		t.Errorf("after a start: %d series, %d results not added", got.Series, got.Unsaved)
	}
	for i := range 10 { // these are saved now
		saved[fmt.Sprint("x-", i)] = true
	}
	seq += uint64(fullFor / time.Millisecond)
	send("evil", "y")
	if got := s.Stats(); got.Series != UnsavedMost+3 {
		t.Errorf("when some were saved: %d series", got.Series)
	}
}
