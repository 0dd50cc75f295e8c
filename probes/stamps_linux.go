package probes

import (
	"io"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// stamps is a socket that keeps the kernel taking the times at which packets
// come. The kernel takes them only while a socket wants them, and begins a
// moment after the first one says so, by rewriting a part of itself; until then
// what it gives is the time at which the packet was read.
type stamps int

// keepStamps makes sure that env has it. Without it times are as true as they
// can be.
func keepStamps(env *Env) {
	if env != nil {
		env.Shared("stamps", func() (io.Closer, error) { return startStamps() })
	}
}

func startStamps() (stamps, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		unix.Close(fd)
		return 0, err
	}
	stamps(fd).await()
	return stamps(fd), nil
}

// await waits until the time of a datagram that lies unread is not that of its
// reading, for a few milliseconds at most.
func (s stamps) await() {
	fd := int(s)
	if unix.Bind(fd, sockaddrOf(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0))) != nil {
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
		if unix.Sendto(fd, buf[:], 0, sockaddrOf(self)) != nil {
			return
		}
		time.Sleep(lie)
		_, n, _, _, err := unix.Recvmsg(fd, buf[:], oob, 0)
		if err != nil {
			return
		}
		if h, data, _, err := unix.ParseOneSocketControlMessage(oob[:n]); err != nil || h.Type != unix.SCM_TIMESTAMPNS || time.Since(timespec(data)) > lie/2 {
			return
		}
	}
}

// Close implements io.Closer.
func (s stamps) Close() error { return unix.Close(int(s)) }
