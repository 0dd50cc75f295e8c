package agent

import (
	"testing"
	"testing/synctest"
	"time"

	"netmon/internal/natstest"
	"netmon/wire"
)

// TestBrokerClock: what is known about the broker's clock, and what says nothing.
func TestBrokerClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c brokerClock
		if _, known := c.now(); known || c.note() != "" {
			t.Error("known before anything was seen")
		}
		now := time.Now()
		c.saw(now.Add(time.Hour), now.Add(-clockOld-time.Second), now)
		c.saw(now.Add(time.Hour), now.Add(time.Second), now)
		if _, known := c.now(); known {
			t.Error("known by a result that is too old, or from the future")
		}
		c.saw(now.Add(time.Hour-time.Minute), now.Add(-time.Minute), now)
		time.Sleep(10 * time.Second)
		if at, known := c.now(); !known || time.Until(at) != time.Hour {
			t.Errorf("ahead by %v, known %v", time.Until(at), known)
		}
		if got, want := c.note(), "this host's clock is 1h0m0s behind the broker's"; got != want {
			t.Errorf("says %q, want %q", got, want)
		}
		c.saw(now.Add(2*time.Second), now, now)
		if got := c.note(); got != "" {
			t.Errorf("says %q of two seconds", got)
		}
	})
}

// TestAgent_KnowsTheBrokersClock, by its own results, as soon as there are some.
func TestAgent_KnowsTheBrokersClock(t *testing.T) {
	b := natstest.Start(t)
	l := launch(t, "paris", t.TempDir(), over(b))
	l.awaitOpen()
	ask(t, natstest.Connect(t, b), "paris", `{"op":"start","monitors":[{"name":"web","kind":"tcp","target":"127.0.0.1:9","every":"50ms"}]}`)
	await(t, l.put, "a result")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		l.lookAtClock(t.Context())
		if at, known := l.clock.now(); known {
			if ahead := at.Sub(time.Now().Round(0)); ahead.Abs() > 20*time.Second { // the same clock, and a busy machine
				t.Errorf("ahead by %v", ahead)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing is known of the broker's clock")
		}
	}
	if at := sentAt(wire.Result{Started: time.Unix(100, 0), ElapsedNS: 2e9, LateNS: 3e9}); !at.Equal(time.Unix(105, 0)) {
		t.Errorf("sent at %v", at)
	}
}
