package targets

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Network plays the network behind a network interface: it gets every IP packet
// that is routed there and says what comes back, from whatever address. Close
// it when done.
type Network struct {
	tun     *os.File
	ended   sync.WaitGroup
	mu      sync.Mutex
	pending []*time.Timer // guarded by mu
}

// NetworkReply is one IP packet that comes back.
type NetworkReply struct {
	Packet []byte
	After  time.Duration // how long after the packet that it answers
}

// ServeNetwork makes a TUN interface of this name in the network namespace of
// the calling thread. It has no addresses yet and is down. n counts the packets
// from 1; reply is called by one goroutine and may keep packet.
func ServeNetwork(name string, reply func(n int, packet []byte) []NetworkReply) (*Network, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: "/dev/net/tun", Err: err}
	}
	ifr, err := unix.NewIfreq(name)
	if err == nil {
		ifr.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr)
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	n := &Network{tun: os.NewFile(uintptr(fd), name)}
	n.ended.Go(func() { n.serve(reply) })
	return n, nil
}

func (n *Network) serve(reply func(n int, packet []byte) []NetworkReply) {
	buf := make([]byte, 1<<16)
	for heard := 0; ; {
		size, err := n.tun.Read(buf)
		switch {
		case errors.Is(err, os.ErrClosed):
			return
		case err != nil || size < 20 || !isEcho(buf[:size]): // such as neighbour discovery
			continue
		}
		heard++
		for _, r := range reply(heard, append([]byte(nil), buf[:size]...)) {
			if r.After <= 0 {
				n.tun.Write(r.Packet)
				continue
			}
			n.mu.Lock()
			n.pending = append(n.pending, time.AfterFunc(r.After, func() { n.tun.Write(r.Packet) }))
			n.mu.Unlock()
		}
	}
}

// Close removes the interface.
func (n *Network) Close() error {
	err := n.tun.Close()
	n.ended.Wait()
	for _, t := range n.pending {
		t.Stop()
	}
	return err
}

// ImpairedReplies answers echo requests as if the network were a bad one.
func ImpairedReplies(m Impairment) func(n int, packet []byte) []NetworkReply {
	random := rand.New(rand.NewPCG(m.Seed, 0))
	return func(_ int, q []byte) []NetworkReply {
		lost, twice, early := random.Float64() < m.Loss, random.Float64() < m.Duplicate, random.Float64() < m.Reorder
		r := NetworkReply{EchoReply(q), m.Delay}
		if early {
			r.After = 0
		}
		switch {
		case lost:
			return nil
		case twice:
			return []NetworkReply{r, r}
		}
		return []NetworkReply{r}
	}
}

// The layout of IP packets: offsets of the ICMP message and of the addresses.
const (
	header4, header6 = 20, 40
	from4, from6     = 12, 8
	to4, to6         = 16, 24
)

func isV6(packet []byte) bool { return packet[0]>>4 == 6 }

// ICMP returns the ICMP message of a packet without IP options.
func ICMP(packet []byte) []byte {
	if isV6(packet) {
		return packet[header6:]
	}
	return packet[header4:]
}

func isEcho(packet []byte) bool {
	if isV6(packet) {
		return len(packet) >= header6+8 && packet[6] == unix.IPPROTO_ICMPV6 && packet[header6] == 128
	}
	return packet[9] == unix.IPPROTO_ICMP && len(packet) >= header4+8 && packet[header4] == 8
}

// EchoReply is the answer to an echo request: TTL 64, the same payload.
func EchoReply(request []byte) []byte {
	p := append([]byte(nil), request...)
	if isV6(p) {
		copy(p[from6:], request[to6:header6])
		copy(p[to6:], request[from6:to6])
		p[7] = 64
		p[header6] = 129
	} else {
		copy(p[from4:], request[to4:header4])
		copy(p[to4:], request[from4:to4])
		p[8] = 64
		p[header4] = 0
	}
	return Sealed(p)
}

// Sealed brings a packet's length and checksums up to date, after a change.
func Sealed(p []byte) []byte {
	m := ICMP(p)
	m[2], m[3] = 0, 0
	if isV6(p) {
		binary.BigEndian.PutUint16(p[4:], uint16(len(m)))
		pseudo := append([]byte(nil), p[from6:header6]...)
		pseudo = binary.BigEndian.AppendUint32(pseudo, uint32(len(m)))
		pseudo = append(pseudo, 0, 0, 0, unix.IPPROTO_ICMPV6)
		binary.BigEndian.PutUint16(m[2:], checksum(append(pseudo, m...)))
		return p
	}
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	p[10], p[11] = 0, 0
	binary.BigEndian.PutUint16(p[10:], checksum(p[:header4]))
	binary.BigEndian.PutUint16(m[2:], checksum(m))
	return p
}

// ReplyFrom is a packet that comes from another address than it did.
func ReplyFrom(from netip.Addr, packet []byte) []byte {
	p := append([]byte(nil), packet...)
	at := from4
	if isV6(p) {
		at = from6
	}
	copy(p[at:], from.AsSlice())
	return Sealed(p)
}

// ICMPErrorFrom is the ICMP error by which a router answers a packet. It quotes
// the beginning of it, most quote bytes. rest is the second word of its header,
// such as the MTU.
func ICMPErrorFrom(router netip.Addr, typ, code uint8, rest uint32, quote int, about []byte) []byte {
	quoted := about[:min(quote, len(about))]
	header, to := header4, about[from4:to4]
	if isV6(about) {
		header, to = header6, about[from6:to6]
	}
	p := make([]byte, header+8+len(quoted))
	if isV6(about) {
		p[0], p[6], p[7] = 0x60, unix.IPPROTO_ICMPV6, 255
		copy(p[to6:], to)
	} else {
		p[0], p[8], p[9] = 0x45, 255, unix.IPPROTO_ICMP
		copy(p[to4:], to)
	}
	m := p[header:]
	m[0], m[1] = typ, code
	binary.BigEndian.PutUint32(m[4:], rest)
	copy(m[8:], quoted)
	return ReplyFrom(router, p)
}

// checksum is the Internet checksum (RFC 1071).
func checksum(b []byte) uint16 {
	var sum uint32
	for i, v := range b {
		if i%2 == 0 {
			sum += uint32(v) << 8
		} else {
			sum += uint32(v)
		}
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}
