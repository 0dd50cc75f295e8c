package access

import "time"

// SetClock has the identities, and what of them is over, judged by another clock.
func (a *Authority) SetClock(now func() time.Time) {
	a.registry.mu.Lock()
	defer a.registry.mu.Unlock()
	a.registry.now = now
}
