package push

import (
	"maps"
	"sync"
)

// Stats is what became of one destination since it began.
type Stats struct {
	Destination string            // its kind and address, without secrets
	Results     uint64            // that were acknowledged, or are counted below
	Verdicts    uint64            // changes and repeats, likewise
	Refused     map[string]uint64 // results and verdicts that the receiver will never take, by reason
	Repeated    uint64            // refused when they were sent again, since the receiver has them already
	Missing     uint64            // results that were removed from the stream before they were sent
	Retries     uint64            // sendings that were tried again
	Behind      uint64            // results in the stream that are still to be sent
	Failing     bool              // the last try failed
	Failure     string            // why, without secrets
}

// counting is the Stats of a destination, for several goroutines.
type counting struct {
	mu sync.Mutex
	is Stats
}

func (c *counting) change(by func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	by(&c.is)
}

func (c *counting) get() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.is
	s.Refused = maps.Clone(s.Refused)
	return s
}
