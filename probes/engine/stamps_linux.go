package engine

import (
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// Stamps is a socket that keeps the kernel taking the times at which packets
// come. The kernel takes them only while a socket wants them, and begins a
// moment after the first one says so, by rewriting a part of itself; until then
// what it gives is the time at which the packet was read.
type Stamps int

// StartStamps opens the socket, and waits until the kernel takes the times.
func StartStamps() (Stamps, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		unix.Close(fd)
		return 0, err
	}
	Stamps(fd).await()
	return Stamps(fd), nil
}

// await waits until the time of a datagram that lies unread is not that of its
// reading, for a few milliseconds at most.
func (s Stamps) await() {
	fd := int(s)
	if unix.Bind(fd, SockaddrOf(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0))) != nil {
		return
	}
	self, err := localOf(fd)
	if err != nil {
		return
	}
	const lie = time.Millisecond
	var buf [1]byte
	oob := make([]byte, 128)
	for range 20 {
		if unix.Sendto(fd, buf[:], 0, SockaddrOf(self)) != nil {
			return
		}
		time.Sleep(lie)
		_, n, _, _, err := unix.Recvmsg(fd, buf[:], oob, 0)
		if err != nil {
			return
		}
		if h, data, _, err := unix.ParseOneSocketControlMessage(oob[:n]); err != nil || h.Type != unix.SCM_TIMESTAMPNS || time.Since(Timespec(data)) > lie/2 {
			return
		}
	}
}

// Close implements io.Closer.
func (s Stamps) Close() error { return unix.Close(int(s)) }
