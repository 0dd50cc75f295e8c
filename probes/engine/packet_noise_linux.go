package engine

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// ErrNoisy is why a target gets no shared socket.
var ErrNoisy = errors.New("it floods the socket that all monitors share")

// Noise counts the packets that end no run, by sender, in a constant space
// (Misra and Gries: a sender of more than a ninth of all is among the counted).
type Noise struct {
	since  time.Time
	total  int
	counts [8]struct {
		from netip.Addr
		n    int
	}
}

// Note counts a packet. Where it is one too many, from is who floods, not valid
// when these are many.
func (n *Noise) Note(sender netip.Addr, now time.Time) (from netip.Addr, flood bool) {
	if now.Sub(n.since) > NoiseWindow {
		*n = Noise{since: now}
	}
	if n.total++; n.total >= noiseTotal {
		*n = Noise{since: now}
		return netip.Addr{}, true
	}
	free := -1
	for i := range n.counts {
		c := &n.counts[i]
		if c.n > 0 && c.from == sender {
			if c.n++; c.n >= NoiseMost {
				n.total -= c.n
				c.n = 0
				return sender, true
			}
			return netip.Addr{}, false
		}
		if c.n == 0 {
			free = i
		}
	}
	if free >= 0 {
		n.counts[free].from, n.counts[free].n = sender, 1
		return netip.Addr{}, false
	}
	for i := range n.counts {
		n.counts[i].n--
	}
	return netip.Addr{}, false
}

// NoisyHosts are the addresses that flood, and until when they count as such.
type NoisyHosts map[netip.Addr]time.Time

// Add notes that a floods, for a while from now on.
func (h *NoisyHosts) Add(a netip.Addr, now time.Time) {
	if *h == nil {
		*h = NoisyHosts{}
	}
	if len(*h) >= NoisyMost {
		for k, until := range *h {
			if now.After(until) {
				delete(*h, k)
			}
		}
	}
	if len(*h) < NoisyMost {
		(*h)[a.WithZone("")] = now.Add(noisyFor)
	}
}

// Has says whether a counts as flooding.
func (h NoisyHosts) Has(a netip.Addr, now time.Time) bool {
	if len(h) == 0 {
		return false
	}
	until, ok := h[a.WithZone("")]
	return ok && now.Before(until)
}

// MuteFilter is the part of a socket's filter that drops what comes from addresses.
// What follows it decides on the rest.
func MuteFilter(hosts []netip.Addr) (program []bpf.Instruction) {
	const network = 0xfff00000 // SKF_NET_OFF of linux/filter.h: from the IP header on
	for _, a := range hosts {
		at, words := uint32(12), a.AsSlice() // the source in the header of IPv4
		if a.Is6() {
			at = 8
		}
		for len(words) > 0 {
			skip := uint8(len(words)/4-1)*2 + 1 // to the next address
			program = append(program,
				bpf.LoadAbsolute{Off: network + at, Size: 4},
				bpf.JumpIf{Cond: bpf.JumpEqual, Val: binary.BigEndian.Uint32(words), SkipFalse: skip})
			at, words = at+4, words[4:]
		}
		program = append(program, bpf.RetConstant{Val: 0})
	}
	return program
}

// AttachFilter gives a socket its filter, in place of the one that it has.
func AttachFilter(fd int, program []bpf.Instruction) error {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return err
	}
	code := make([]unix.SockFilter, len(raw))
	for i, in := range raw {
		code[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]})
}

// MuteHost adds a to the addresses that a socket does not hear. ok is false when it
// is among them already, or they are too many.
func MuteHost(muted *[]netip.Addr, a netip.Addr) (ok bool) {
	a = a.WithZone("")
	if len(*muted) >= MutedMost || slices.Contains(*muted, a) {
		return false
	}
	*muted = append(*muted, a)
	return true
}

// KeepAllFilter is the end of a filter that has no more to drop.
var KeepAllFilter = bpf.RetConstant{Val: 1 << 18}
