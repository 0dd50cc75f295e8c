package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"netmon/internal/natstest"
	"netmon/wire"
)

// storeUneven stores results of web first, then many of others, a few of web
// among the last.
func storeUneven(t *testing.T, c *Client) {
	t.Helper()
	js := natstest.JetStream(t, c.nc)
	for i := range 600 {
		monitor := "web"
		if i >= 20 && i != 590 {
			monitor = fmt.Sprint("m", i%7)
		}
		data, err := json.Marshal(wire.Result{Agent: "paris", Monitor: monitor, Seq: uint64(i), Outcome: wire.OK, Started: time.Now().UTC()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := js.Publish(t.Context(), "results.paris."+monitor, data); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNewest: the results that were stored last come, wherever in the stream
// they are, as many as asked for and oldest first.
func TestNewest(t *testing.T) {
	c := dial(t, natstest.Start(t))
	newest := func(n uint64, monitors ...string) (got []uint64) {
		t.Helper()
		if err := c.Newest(t.Context(), Filter{Monitors: monitors}, n, func(r wire.Result, _ time.Duration) error { got = append(got, r.Seq); return nil }); err != nil {
			t.Error(err)
		}
		return got
	}
	if got := newest(3); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
	storeUneven(t, c)
	for _, tc := range []struct {
		n        uint64
		monitors []string
		want     []uint64
	}{
		{3, nil, []uint64{597, 598, 599}},
		{1, []string{"web"}, []uint64{590}},
		{3, []string{"web"}, []uint64{18, 19, 590}}, // far behind what was guessed
		{2, []string{"web", "m4"}, []uint64{592, 599}},
		{1, []string{"nobody"}, nil},
	} {
		if got := newest(tc.n, tc.monitors...); !slices.Equal(got, tc.want) {
			t.Errorf("the newest %d of %v: %v, want %v", tc.n, tc.monitors, got, tc.want)
		}
	}
	if got := newest(1000, "web"); len(got) != 21 || got[0] != 0 || got[20] != 590 {
		t.Errorf("more than there are: %v", got)
	}
	if got := newest(600); len(got) != 600 || got[0] != 0 {
		t.Errorf("all of them: %d", len(got))
	}
}

// TestResults_Progress: who reads learns how far it is.
func TestResults_Progress(t *testing.T) {
	c := dial(t, natstest.Start(t))
	storeUneven(t, c)
	var read, of uint64
	f := Filter{Since: time.Now().Add(-time.Hour), Progress: func(r, o uint64) { read, of = r, o }}
	if err := c.Results(t.Context(), f, time.Time{}, func(wire.Result, time.Duration) error { return nil }); err != nil || read != 600 || of != 600 {
		t.Errorf("read %d of %d: %v", read, of, err)
	}
}

// TestResults_Interrupted: reading ends at once, and nothing of it stays at the broker.
func TestResults_Interrupted(t *testing.T) {
	b := natstest.Start(t)
	c := dial(t, b)
	storeUneven(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	read := 0
	err := c.Results(ctx, Filter{Since: time.Now().Add(-time.Hour), Monitors: []string{"m1"}}, time.Time{}, func(wire.Result, time.Duration) error {
		if read++; read == 3 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || read != 3 {
		t.Errorf("%d read, %v", read, err)
	}
	s, err := natstest.JetStream(t, natstest.Connect(t, b)).Stream(t.Context(), wire.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	for {
		info, err := s.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if info.State.Consumers == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}
