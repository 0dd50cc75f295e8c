//go:build !linux

package probes

import "time"

func (p *packetConn) prepare(*Env) {}

// read takes one datagram; the time is this process's own.
func (p *packetConn) read() (arrival, error) {
	n, err := p.conn.Read(p.buf)
	now := time.Now()
	if err != nil {
		return arrival{}, err
	}
	limit := len(p.buf) - 1
	return arrival{Payload: p.buf[:min(n, limit)], Truncated: n > limit, Read: now}, nil
}

func (p *packetConn) icmp() string { return "" }
