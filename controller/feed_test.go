package controller

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestBrokerClock: it is never ahead of what the broker said, and follows a clock
// that is set.
func TestBrokerClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c brokerClock
		if !c.time().IsZero() {
			t.Error("it is known before anything was heard")
		}
		ahead := time.Hour
		heard := func(delay time.Duration) time.Duration { // how far it is behind
			c.heard(time.Now().Add(ahead - delay))
			return time.Now().Add(ahead).Sub(c.time())
		}
		for _, step := range []struct{ delay, want time.Duration }{
			{time.Minute, time.Minute}, // stored before
			{50 * time.Millisecond, 50 * time.Millisecond},
			{time.Second, 50 * time.Millisecond},
			{10 * time.Millisecond, 10 * time.Millisecond},
		} {
			if got := heard(step.delay); got != step.want {
				t.Errorf("it is %v behind, want %v", got, step.want)
			}
			time.Sleep(time.Second)
		}
		ahead += time.Hour // set forward
		if got := heard(time.Millisecond); got != time.Millisecond {
			t.Errorf("it is %v behind", got)
		}
		ahead -= time.Hour // and back
		for range 13 {
			time.Sleep(10 * time.Second)
			heard(time.Millisecond)
		}
		if got := heard(time.Millisecond); got != time.Millisecond {
			t.Errorf("two minutes after it was set back it is %v behind", got)
		}
	})
}
