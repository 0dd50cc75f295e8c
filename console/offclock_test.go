package console

import (
	"fmt"
	"testing"
	"time"

	"netmon/internal/natstest"
	"netmon/wire"
)

// TestResults_ByTheBrokersClock reads what agents measured just now whose clocks are
// an hour behind, or ahead, and what one of them measured an hour ago.
func TestResults_ByTheBrokersClock(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	js := natstest.JetStream(t, nc)
	publish := func(agent string, started time.Time, late time.Duration) {
		t.Helper()
		r := wire.Result{Agent: agent, Monitor: "web", Kind: "tcp", Target: "h:1", Epoch: "e", Seq: 1, Started: started, ElapsedNS: 1e6, LateNS: int64(late), Outcome: wire.OK}
		data, err := r.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := js.Publish(t.Context(), "results."+agent+".web", data); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	publish("right", now, 0)
	publish("behind", now.Add(-time.Hour), 0)
	publish("ahead", now.Add(time.Hour), 0)
	publish("late", now.Add(-time.Hour), time.Hour)
	publish("late-and-behind", now.Add(-2*time.Hour), time.Hour)
	cl, err := Connect(b.Connect)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	read := func(from, to time.Time) map[string]string {
		t.Helper()
		got := map[string]string{}
		err := Extent{From: from, To: to}.Read(t.Context(), cl, Filter{Since: from}, func(r wire.Result, off time.Duration) error {
			got[r.Agent] = fmt.Sprint(off.Round(time.Minute))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	want := map[string]string{"right": "0s", "behind": "-1h0m0s", "ahead": "1h0m0s"}
	if got := read(now.Add(-10*time.Minute), now.Add(10*time.Minute)); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("just now: %v, want %v", got, want)
	}
	want = map[string]string{"late": "0s", "late-and-behind": "-1h0m0s"}
	if got := read(now.Add(-70*time.Minute), now.Add(-50*time.Minute)); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("an hour ago: %v, want %v", got, want)
	}
}
