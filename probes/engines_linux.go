package probes

import (
	"errors"
	"io"
	"net/netip"
)

// engines are what the runs by Start of one process share.
type engines struct {
	poller *poller
	hubs   [2]packetHub // of IPv4 and IPv6
}

// enginesOf returns what env shares. The error is classified.
func enginesOf(env *Env) (*engines, error) {
	if env == nil {
		return nil, errors.New("nothing is shared")
	}
	keepStamps(env)
	e, err := env.Shared("engines", func() (io.Closer, error) { return startEngines() })
	if err != nil {
		return nil, err
	}
	return e.(*engines), nil
}

func startEngines() (*engines, error) {
	p, err := startPoller()
	if err != nil {
		return nil, err
	}
	return &engines{poller: p, hubs: [2]packetHub{{poller: p}, {poller: p, v6: true}}}, nil
}

// launched is called by [Env.Launched].
func (e *engines) launched() { e.poller.launched() }

// Close implements io.Closer. The runs must have ended.
func (e *engines) Close() error {
	err := e.poller.Close()
	for i := range e.hubs {
		e.hubs[i].Close()
	}
	return err
}

// hub is the one for an address. ok is false for one whose replies a shared
// socket cannot tell: they come from another address, or by one interface alone.
func (e *engines) hub(a netip.Addr) (h *packetHub, ok bool) {
	if a.IsUnspecified() || a.IsMulticast() || a.Zone() != "" {
		return nil, false
	}
	if a.Is4() {
		return &e.hubs[0], true
	}
	return &e.hubs[1], true
}
