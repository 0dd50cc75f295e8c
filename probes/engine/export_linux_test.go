package engine

import (
	"time"
)

// HubIPv4 is the hub of IPv4 targets.
func (e *Engines) HubIPv4() *PacketHub { return &e.hubs[0] }

// MostHarvested is how many datagrams of one socket are read at a time.
const MostHarvested = harvestBatches * packetBatch

// Taken is how many runs hold a place.
func (h *PacketHub) Taken() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.ports {
		n += p.active
	}
	return n
}

// Places is how many shared sockets there are, how many places are kept for who is
// late, and how many claims the first socket has.
func (h *PacketHub) Places() (ports, late, claims int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.ports), len(h.late), len(h.ports[0].claims)
}

// Age makes the first shared socket too old for new runs.
func (h *PacketHub) Age() (closed func() bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	old := h.ports[0]
	old.born = time.Now().Add(-2 * hubPortLife)
	return func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return old.closed
	}
}

// ForgetAfter gives up what has been kept for so many times as long as late replies
// are waited for.
func (h *PacketHub) ForgetAfter(times float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.forgetLocked(time.Now().Add(time.Duration(times * float64(hubLateFor))))
}

// AgeBy makes all shared sockets older by so many times as long as they get new runs.
func (h *PacketHub) AgeBy(times float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.ports {
		p.born = p.born.Add(-time.Duration(times * float64(hubPortLife)))
	}
}
