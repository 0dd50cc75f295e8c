package console

import (
	"testing"
	"time"

	"netmon/wire"
)

// TestModel_OnResult has a follower get what was stored before, and each result after it.
func TestModel_OnResult(t *testing.T) {
	type told struct {
		monitor string
		run     uint64
		at      time.Time
	}
	results := make(chan told, 100)
	f := newFollowed(t, ModelOptions{OnResult: func(r *wire.Result, measured time.Time) { results <- told{r.Monitor, r.Run, measured} }})
	next := func(monitor string, run uint64) {
		t.Helper()
		select {
		case got := <-results:
			if got.monitor != monitor || got.run != run {
				t.Errorf("got run %d of %s, want run %d of %s", got.run, got.monitor, run, monitor)
			}
			if age := time.Since(got.at); age < -time.Second || age > modelPatience {
				t.Errorf("a result that was just measured is %v old", age)
			}
		case <-time.After(modelPatience):
			t.Fatalf("run %d of %s does not come", run, monitor)
		}
	}
	f.save("web")
	f.beat("oslo")
	f.result("oslo", "web", wire.OK)
	f.result("oslo", "web", wire.Failed)
	f.run()
	next("web", 2)
	f.result("oslo", "web", wire.OK)
	f.result("oslo", "hand", wire.OK)
	next("web", 3)
	next("hand", 4)
}

func TestModel_OnResult_OnlyNamed(t *testing.T) {
	results := make(chan string, 100)
	f := newFollowed(t, ModelOptions{Names: []string{"web"}, OnResult: func(r *wire.Result, _ time.Time) { results <- r.Monitor }})
	f.save("web")
	f.beat("oslo")
	f.result("oslo", "other", wire.OK)
	f.result("oslo", "web", wire.OK)
	f.run()
	select {
	case got := <-results:
		if got != "web" {
			t.Errorf("a result of %s comes, which was not asked for", got)
		}
	case <-time.After(modelPatience):
		t.Fatal("no result comes")
	}
}
