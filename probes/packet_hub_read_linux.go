package probes

import (
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hubSendTries is how often a datagram is sent again after an error that was
// another one's: a socket tells each ICMP error once to whoever uses it next. An
// error of this datagram's own comes every time.
const hubSendTries = 16

// send sends a datagram to the claim's address and returns the time right before.
func (c *packetClaim) send(payload []byte) (sent time.Time, err error) {
	to := sockaddrOf(c.to)
	if !c.port.shared {
		to = nil // it is connected
	}
	for range hubSendTries {
		sent = steadyNow()
		if err = unix.Sendto(c.port.fd, payload, unix.MSG_DONTWAIT, to); err == nil {
			return sent, nil
		}
	}
	return sent, err
}

// lost is how many datagrams a shared socket had no room for since the claim.
// That of one run alone nobody but its target can fill.
func (c *packetClaim) lost() uint32 {
	p := c.port
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || !p.shared {
		return 0
	}
	p.note(socketDrops(p.fd))
	return p.drops.Load() - c.drops
}

// note notes how many datagrams were dropped so far.
func (p *packetPort) note(drops uint32) {
	if drops > p.drops.Load() {
		p.drops.Store(drops)
	}
}

// socketDrops is how many packets a socket had no room for.
func socketDrops(fd int) uint32 {
	const dropsAt = 8 // SK_MEMINFO_DROPS of linux/sock_diag.h
	var info [dropsAt + 1]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO, uintptr(unsafe.Pointer(&info[0])), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 || size != uint32(unsafe.Sizeof(info)) {
		return 0
	}
	return info[dropsAt]
}

// harvest reads what the poller has not read yet.
func (p *packetPort) harvest() {
	h := p.hub
	h.harvest.Lock()
	defer h.harvest.Unlock()
	if h.harvested == nil {
		h.harvested = newPacketBuffers()
	}
	p.ready(unix.EPOLLERR, h.harvested)
}

// ready implements pollSocket.
func (p *packetPort) ready(events uint32, b *packetBuffers) {
	for failed := 0; ; {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return
		}
		n, err := b.receive(p.fd)
		now := steadyNow()
		p.mu.Unlock()
		for i := range n {
			d := b.datagram(i, now)
			p.note(d.drops)
			if c := p.holder(d.from); c != nil {
				c.owner.arrived(d.arrival)
			}
		}
		// An error is that of an ICMP message: it is in the error queue, which
		// is read last, so that a reply that came before it counts first.
		if err != nil || events&unix.EPOLLERR != 0 && n < packetBatch {
			p.errors(b)
		}
		switch {
		case err == unix.EAGAIN, err == nil && n < packetBatch:
			return
		case err != nil:
			if failed++; failed > 1000 {
				return
			}
		}
	}
}

// holder is the claim on an address, nil when there is none.
func (p *packetPort) holder(from netip.AddrPort) *packetClaim {
	p.hub.mu.Lock()
	defer p.hub.mu.Unlock()
	return p.claims[from]
}

// errors reads the error queue (ip(7), IP_RECVERR): the kernel tells there what
// the ICMP message was, and to whom the datagram went that it is about.
func (p *packetPort) errors(b *packetBuffers) {
	var oob [512]byte
	for {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return
		}
		_, oobn, _, name, err := unix.Recvmsg(p.fd, b.data[:packetLength], oob[:], unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		p.mu.Unlock()
		if err != nil {
			return
		}
		errno, text := icmpText(oob[:oobn])
		if text == "" {
			continue
		}
		var to netip.AddrPort
		switch a := name.(type) {
		case *unix.SockaddrInet4:
			to = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
		case *unix.SockaddrInet6:
			to = netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port))
		}
		if c := p.holder(to); c != nil {
			c.owner.refused(icmpExplained(errno, text))
		}
	}
}
