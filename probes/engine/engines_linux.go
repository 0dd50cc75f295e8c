package engine

import (
	"net/netip"
)

// Engines are what the runs by Start of one process share.
type Engines struct {
	Poller *Poller
	hubs   [2]PacketHub // of IPv4 and IPv6
}

// StartEngines starts the poller. No socket is open before a run needs one.
func StartEngines() (*Engines, error) {
	p, err := startPoller()
	if err != nil {
		return nil, err
	}
	return &Engines{Poller: p, hubs: [2]PacketHub{{poller: p}, {poller: p, v6: true}}}, nil
}

// Launched reads what is there, once the caller has begun all the runs of now.
func (e *Engines) Launched() { e.Poller.Launched() }

// Close implements io.Closer. The runs must have ended.
func (e *Engines) Close() error {
	err := e.Poller.Close()
	for i := range e.hubs {
		e.hubs[i].Close()
	}
	return err
}

// Hub is the one for an address. ok is false for one whose replies a shared
// socket cannot distinguish: they come from another address, or by one interface alone.
func (e *Engines) Hub(a netip.Addr) (h *PacketHub, ok bool) {
	if a.IsUnspecified() || a.IsMulticast() || a.Zone() != "" {
		return nil, false
	}
	if a.Is4() {
		return &e.hubs[0], true
	}
	return &e.hubs[1], true
}

// Hold keeps the poller from reading until release is called, for
// tests that read in its place.
func (e *Engines) Hold() (release func()) {
	e.Poller.reading.Lock()
	return e.Poller.reading.Unlock
}
