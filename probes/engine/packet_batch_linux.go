package engine

import (
	"encoding/binary"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	packetBatch  = 16      // most datagrams that one system call reads
	packetLength = 1 << 16 // more than any datagram has
)

// PacketBuffers are what datagrams are read into.
type PacketBuffers struct {
	messages [packetBatch]unix.Mmsghdr
	data     []byte
	iovs     [packetBatch]unix.Iovec
	names    [packetBatch][unix.SizeofSockaddrInet6]byte
	controls [packetBatch][128]byte
}

// datagram is one that was read. Its payload is valid until the next reading.
type datagram struct {
	from  netip.AddrPort
	drops uint32 // that the socket had no room for until then, 0 when none or not known
	Arrival
}

func newPacketBuffers() *PacketBuffers {
	b := &PacketBuffers{data: make([]byte, packetBatch*packetLength)}
	for i := range b.messages {
		b.iovs[i].Base = &b.data[i*packetLength]
		b.iovs[i].SetLen(packetLength)
		h := &b.messages[i].Hdr
		h.Name, h.Iov, h.Control = &b.names[i][0], &b.iovs[i], &b.controls[i][0]
		h.SetIovlen(1)
	}
	return b
}

// receive reads as many datagrams as there are, at most packetBatch.
func (b *PacketBuffers) receive(fd int) (n int, err error) {
	for i := range b.messages {
		h := &b.messages[i].Hdr
		h.Namelen = unix.SizeofSockaddrInet6
		h.SetControllen(len(b.controls[i]))
		h.Flags = 0
	}
	r, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.messages[0])), packetBatch, unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(r), nil
}

// datagram takes apart what is in place i, read at now.
func (b *PacketBuffers) datagram(i int, now time.Time) datagram {
	m := &b.messages[i]
	data := b.data[i*packetLength:]
	d := datagram{from: addrPortOf(b.names[i][:m.Hdr.Namelen]), Arrival: Arrival{Payload: data[:m.Len:m.Len], Read: now}}
	for rest := b.controls[i][:m.Hdr.Controllen]; len(rest) > 0; {
		h, data, next, err := unix.ParseOneSocketControlMessage(rest)
		if err != nil {
			break
		}
		switch {
		case h.Level == unix.SOL_SOCKET && h.Type == unix.SCM_TIMESTAMPNS:
			d.Kernel = Timespec(data)
		case h.Level == unix.SOL_SOCKET && h.Type == unix.SO_RXQ_OVFL && len(data) >= 4:
			d.drops = binary.NativeEndian.Uint32(data)
		}
		rest = next
	}
	return d
}

// addrPortOf reads a struct sockaddr_in or sockaddr_in6, without its zone.
func addrPortOf(b []byte) netip.AddrPort {
	if len(b) < 8 {
		return netip.AddrPort{}
	}
	port := binary.BigEndian.Uint16(b[2:])
	switch family := binary.NativeEndian.Uint16(b); {
	case family == unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), port)
	case family == unix.AF_INET6 && len(b) >= 28:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:24])), port)
	}
	return netip.AddrPort{}
}

// SockaddrOf is the other way round.
func SockaddrOf(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
	}
	return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}
}
