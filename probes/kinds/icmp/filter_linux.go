package icmp

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"netmon/probes/engine"
)

// filter keeps away from a raw socket, which gets a copy of every ICMP message
// that reaches the host, what cannot be for us: other types (raw(7),
// ICMP_FILTER; RFC 3542 section 3.2), echo replies with another id, and errors
// about requests with another id.
func (s *socket) filter(fd int) {
	const drop, keep = 0, 1 << 18
	load := []bpf.Instruction{bpf.LoadMemShift{Off: 0}} // X: length of the IPv4 header
	reply := uint32(engine.ICMP4EchoReply)
	errors := []bpf.Instruction{ // X: where the quoted ICMP header is, less the header of the error
		bpf.LoadIndirect{Off: icmpHeader, Size: 1},
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 15},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: 2},
		bpf.ALUOpX{Op: bpf.ALUOpAdd},
		bpf.TAX{},
	}
	if s.v6 {
		load, reply = []bpf.Instruction{bpf.LoadConstant{Dst: bpf.RegX, Val: 0}}, engine.ICMP6EchoReply
		const next, icmpv6, header = icmpHeader + 6, 58, 40
		errors = []bpf.Instruction{ // what quotes extension headers is looked at when it is read
			bpf.LoadAbsolute{Off: next, Size: 1},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: icmpv6, SkipTrue: 1},
			bpf.RetConstant{Val: keep},
			bpf.LoadConstant{Dst: bpf.RegX, Val: header},
		}
		var f unix.ICMPv6Filter // a bit that is set blocks its type
		for i := range f.Data {
			f.Data[i] = 1<<32 - 1
		}
		for _, t := range []uint{engine.ICMP6EchoReply, engine.ICMP6Unreachable, engine.ICMP6TooBig, engine.ICMP6Exceeded, engine.ICMP6Parameter} {
			f.Data[t/32] &^= 1 << (t % 32)
		}
		unix.SetsockoptICMPv6Filter(fd, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER, &f)
	} else {
		mask := ^uint32(1<<engine.ICMP4EchoReply | 1<<engine.ICMP4Unreachable | 1<<engine.ICMP4Exceeded | 1<<engine.ICMP4Parameter)
		unix.SetsockoptString(fd, unix.SOL_RAW, unix.ICMP_FILTER, string(binary.NativeEndian.AppendUint32(nil, mask)))
	}
	id := bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(s.id), SkipTrue: 1}
	s.accept = append(load,
		bpf.LoadIndirect{Off: 0, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: reply, SkipTrue: 4},
		bpf.LoadIndirect{Off: 4, Size: 2},
		id,
		bpf.RetConstant{Val: keep},
		bpf.RetConstant{Val: drop},
	)
	s.accept = append(s.accept, errors...)
	s.accept = append(s.accept,
		bpf.LoadIndirect{Off: icmpHeader + 4, Size: 2},
		id,
		bpf.RetConstant{Val: keep},
		bpf.RetConstant{Val: drop},
	)
	engine.AttachFilter(fd, s.accept)
}

// mute makes the socket hear nothing more from an address, however much comes
// from there. The caller holds the engine's reading.
func (s *socket) mute(a netip.Addr) {
	if !engine.MuteHost(&s.muted, a) || s.rc == nil {
		return
	}
	accept := s.accept
	if accept == nil {
		accept = []bpf.Instruction{engine.KeepAllFilter}
	}
	s.rc.Control(func(fd uintptr) { engine.AttachFilter(int(fd), append(engine.MuteFilter(s.muted), accept...)) })
}
