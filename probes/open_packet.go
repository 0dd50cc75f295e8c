package probes

import (
	"context"
	"net/netip"

	"netmon/probes/engine"
	"netmon/probes/internal/words"
)

// OpenPacket opens a connected UDP socket for one address and notes it as the one
// being measured. A datagram longer than limit arrives cut. The error is classified.
func (c Common) OpenPacket(ctx context.Context, run *Run, to netip.AddrPort, limit int) (*engine.PacketConn, error) {
	run.Reached(to.Addr().String())
	d, err := c.Dialer("udp", to.Addr())
	if err != nil {
		return nil, err
	}
	keepStamps(run.Env)
	p, err := engine.OpenPacket(ctx, d, c.Source, to, limit)
	if err != nil {
		err = c.ReachFail("open a UDP socket to "+to.String(), to.Addr(), words.Plain(err))
		run.Stepf("%v", err)
		return nil, err
	}
	run.Stepf("UDP socket from %s to %s, receive times by the %s", p.Conn.LocalAddr(), to, p.Clock())
	return p, nil
}
