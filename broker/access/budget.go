package access

import (
	"sync"
	"time"
)

const (
	// reportsPart is the part of the stream of incidents that deliveries may take at once:
	// the oldest incidents go when it is full, whoever filled it.
	reportsPart = 8
	// reportsRefill is how long it takes until as much may be taken once more.
	reportsRefill = 10 * time.Minute
	// reportOverhead is what a stored message takes besides, bytes.
	reportOverhead = 256
)

// budget bounds what is stored over time. It is full at first.
type budget struct {
	mu   sync.Mutex // guards what follows
	used float64
	at   time.Time
}

// spend takes n bytes of the budget and returns true, where so many are left: most at once, and as much
// again within refill.
func (b *budget) spend(n int, most int64, refill time.Duration, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.at.IsZero() {
		b.used = max(0, b.used-float64(most)*max(0, now.Sub(b.at)).Seconds()/refill.Seconds())
	}
	b.at = now
	if b.used+float64(n) > float64(most) {
		return false
	}
	b.used += float64(n)
	return true
}
