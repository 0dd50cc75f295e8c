package engine

import (
	"net/netip"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hubSendTries is how often a datagram is sent again after an error that was
// another one's: a socket reports each ICMP error once to whoever uses it next. An
// error of this datagram's own comes every time.
const hubSendTries = 16

// Send sends a datagram to the claim's address and returns the time right before.
func (c *PacketClaim) Send(payload []byte) (sent time.Time, err error) {
	to := SockaddrOf(c.To)
	if !c.Port.shared {
		to = nil // it is connected
	}
	for range hubSendTries {
		sent = steadyNow()
		if err = unix.Sendto(c.Port.fd, payload, unix.MSG_DONTWAIT, to); err == nil {
			return sent, nil
		}
	}
	return sent, err
}

// Lost is how many datagrams a shared socket had no room for since the claim.
// That of one run alone nobody but its target can fill.
func (c *PacketClaim) Lost() uint32 {
	p := c.Port
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || !p.shared {
		return 0
	}
	p.note(socketDrops(p.fd))
	return p.drops.Load() - c.drops
}

// note notes how many datagrams were dropped so far.
func (p *PacketPort) note(drops uint32) {
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

const (
	// readyBatches and harvestBatches bound what is read of one socket at a
	// time: whoever sends faster than we read holds up nobody else. Epoll reports
	// again of what is left.
	readyBatches   = 4
	harvestBatches = 64
	// MostErrors bounds the messages of an error queue that are read at once.
	MostErrors = 64
)

// Harvest reads what the poller has not read yet. behind says that there was
// more than is read at once: what came may still lie there.
func (p *PacketPort) Harvest() (behind bool) {
	h := p.hub
	h.harvest.Lock()
	defer h.harvest.Unlock()
	if time.Since(p.behind) < pollSlot { // once for all runs that end now
		return true
	}
	if h.harvested == nil {
		h.harvested = newPacketBuffers()
	}
	if behind = p.read(unix.EPOLLERR, h.harvested, harvestBatches); behind {
		p.behind = time.Now()
	}
	return behind
}

// Ready reads what came: the poller calls it.
func (p *PacketPort) Ready(events uint32, b *PacketBuffers) { p.read(events, b, readyBatches) }

// read reads and hands out what is there, at most so many batches; more says
// that there may be more.
func (p *PacketPort) read(events uint32, b *PacketBuffers, batches int) (more bool) {
	for more = true; more && batches > 0; batches-- {
		more = p.readBatch(events, b)
	}
	return more
}

// readBatch reads and hands out a batch. Nobody else finds the socket empty
// before that is handed out.
func (p *PacketPort) readBatch(events uint32, b *PacketBuffers) (more bool) {
	p.handing.Lock()
	defer p.handing.Unlock()
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return false
	}
	n, err := b.receive(p.fd)
	now := steadyNow()
	p.mu.Unlock()
	for i := range n {
		d := b.datagram(i, now)
		p.note(d.drops)
		if c := p.holder(d.from); (c == nil || !c.owner.Arrived(d.Arrival)) && p.shared {
			p.surplus(d.from.Addr(), now)
		}
	}
	// An error is that of an ICMP message: it is in the error queue, which
	// is read last, so that a reply that came before it counts first.
	if err != nil || events&unix.EPOLLERR != 0 && n < packetBatch {
		more = p.errors(b)
	}
	return more || err == nil && n == packetBatch || err != nil && err != unix.EAGAIN
}

// surplus counts a datagram that ended no run. Whoever sends too many of them is not
// heard any more, as the replies for others have no room beside them. The caller
// holds handing.
func (p *PacketPort) surplus(sender netip.Addr, now time.Time) {
	from, flood := p.noise.Note(sender, now)
	if !flood {
		return
	}
	p.mu.Lock()
	if !p.closed {
		p.note(socketDrops(p.fd)) // before the filter drops more
		if from.IsValid() && MuteHost(&p.noise.muted, from) {
			AttachFilter(p.fd, append(MuteFilter(p.noise.muted), KeepAllFilter))
		}
	}
	p.mu.Unlock()
	for _, o := range p.hub.flooded(p, from, now) {
		o.Unheard()
	}
}

// flooded notes that from, or many when it is not valid, flood p: its next runs
// get sockets of their own, and all others leave by a port that it does not
// know. Those that wait for it are returned, and those whose replies may be
// among what the socket had no room for.
func (h *PacketHub) flooded(p *PacketPort, from netip.Addr, now time.Time) (unheard []packetOwner) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if from.IsValid() {
		h.loud.Add(from, now)
	}
	drops := p.drops.Load()
	for to, c := range p.claims {
		if c != nil && (to.Addr() == from || drops != c.drops) {
			unheard = append(unheard, c.owner)
		}
	}
	if i := slices.Index(h.ports, p); i >= 0 {
		h.ports = slices.Delete(h.ports, i, i+1)
		p.retireLocked()
	}
	return unheard
}

// holder is the claim on an address, nil when there is none.
func (p *PacketPort) holder(from netip.AddrPort) *PacketClaim {
	p.hub.mu.Lock()
	defer p.hub.mu.Unlock()
	return p.claims[from]
}

// errors reads the error queue (ip(7), IP_RECVERR): the kernel says there what
// the ICMP message was, and to whom the datagram went that it is about. more
// says that there may be more.
func (p *PacketPort) errors(b *PacketBuffers) (more bool) {
	var oob [512]byte
	for range MostErrors {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return false
		}
		_, oobn, _, name, err := unix.Recvmsg(p.fd, b.data[:packetLength], oob[:], unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		p.mu.Unlock()
		if err != nil {
			return false
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
			c.owner.Refused(ICMPExplained(errno, text))
		}
	}
	return true
}
