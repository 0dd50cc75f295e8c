//go:build !linux

package engine

import (
	"time"
)

func (p *PacketConn) prepare() {}

// read takes one datagram; the time is this process's own.
func (p *PacketConn) read() (Arrival, error) {
	n, err := p.Conn.Read(p.buf)
	now := time.Now()
	if err != nil {
		return Arrival{}, err
	}
	limit := len(p.buf) - 1
	return Arrival{Payload: p.buf[:min(n, limit)], Truncated: n > limit, Read: now}, nil
}

func (p *PacketConn) icmp() string { return "" }
