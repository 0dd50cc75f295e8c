package retry

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

func TestConnects_WhoIsRefusedWaitsLonger(t *testing.T) {
	var r Connects
	within := func(err error, most time.Duration) {
		t.Helper()
		if got := r.After(err); got > most || got < most*3/4-time.Second {
			t.Errorf("after %v: %v, want about %v", err, got, most)
		}
	}
	away := fmt.Errorf("dial: %w", nats.ErrTimeout)
	for range 3 {
		within(away, time.Second)
	}
	for _, most := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300} {
		within(nats.ErrAuthorization, most*time.Second)
	}
	within(away, time.Second) // the broker went away, and is another one perhaps
	within(nats.ErrAuthRevoked, time.Second)
	within(nats.ErrAuthExpired, 2*time.Second)
	within(nil, time.Second) // it let us in meanwhile
	for range 10_000 {
		r.After(nats.ErrAuthorization)
	}
	within(nats.ErrAuthorization, connectMost)
}
