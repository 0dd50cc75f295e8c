package console

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/natstest"
	"netmon/wire"
)

// TestBroker_SaysHowFarBackResultsGo: of the pairs with the most results, the one that
// a limit cut off most is named; the age of others does not matter.
func TestBroker_SaysHowFarBackResultsGo(t *testing.T) {
	b := natstest.Start(t)
	c := dial(t, b)
	js := natstest.JetStream(t, natstest.Connect(t, b))
	results := func() Kept {
		t.Helper()
		info, err := c.Broker(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return info.Kept[0]
	}
	if k := results(); k.Shortest != nil || k.Disk != 0 {
		t.Errorf("of no results: %+v", k)
	}
	store := func(subject string, n int) {
		t.Helper()
		for range n {
			if _, err := js.Publish(t.Context(), subject, []byte("{}")); err != nil {
				t.Fatal(err)
			}
		}
	}
	store("results.paris.old", 4)
	for i := range reachSample {
		store(fmt.Sprintf("results.oslo.m%d", i), 4)
	}
	store("results.paris.young", 1)
	s, err := js.Stream(t.Context(), wire.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	config := s.CachedInfo().Config
	config.MaxMsgsPerSubject = 5
	config.Metadata = map[string]string{wire.CompressionKey: "4.00"}
	if s, err = js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	store("results.paris.old", 5) // now the one that reaches back least, of those with many
	k := results()
	r := k.Shortest
	if r == nil || r.Monitor != "old" || r.Agent != "paris" || r.Results != 5 || r.Looked != reachSample || r.Of != reachSample+2 {
		t.Fatalf("%+v", r)
	}
	first, err := s.GetMsg(t.Context(), 1, jetstream.WithGetMsgSubject("results.paris.old"))
	if err != nil || !r.First.Equal(first.Time) || time.Since(r.First) > time.Hour {
		t.Errorf("it goes back to %v, want %+v, %v", r.First, first, err)
	}
	if k.Disk != k.Bytes/4 {
		t.Errorf("%d bytes on disk of %d that are compressed to a fourth", k.Disk, k.Bytes)
	}
}
