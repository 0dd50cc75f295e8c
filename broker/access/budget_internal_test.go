package access

import (
	"testing"
	"time"
)

// TestBudget: as much as it holds goes at once, what is left comes back with time, and
// a clock that goes back gives nothing away.
func TestBudget(t *testing.T) {
	var b budget
	now := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	take := func(after time.Duration, n int, want bool) {
		t.Helper()
		now = now.Add(after)
		if got := b.spend(n, 1000, 10*time.Minute, now); got != want {
			t.Errorf("%d after %v: %v, with %v used", n, after, got, b.used)
		}
	}
	take(0, 600, true)
	take(0, 400, true)
	take(0, 1, false)
	take(time.Minute, 100, true)
	take(0, 1, false)
	take(-time.Hour, 1, false)
	take(24*time.Hour, 1000, true)
	take(0, 1, false)
}
