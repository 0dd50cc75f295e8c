package probes

import (
	"encoding/binary"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// filter keeps away from a raw socket, which gets a copy of every ICMP message
// that reaches the host, what cannot be for us: other types (raw(7),
// ICMP_FILTER; RFC 3542 section 3.2) and echo replies with another id.
func (s *icmpSocket) filter(fd int) {
	const drop, keep = 0, 1 << 18
	load := []bpf.Instruction{bpf.LoadMemShift{Off: 0}} // X: length of the IPv4 header
	reply := uint32(icmp4EchoReply)
	if s.v6 {
		load, reply = []bpf.Instruction{bpf.LoadConstant{Dst: bpf.RegX, Val: 0}}, icmp6EchoReply
		var f unix.ICMPv6Filter // a bit that is set blocks its type
		for i := range f.Data {
			f.Data[i] = 1<<32 - 1
		}
		for _, t := range []uint{icmp6EchoReply, icmp6Unreachable, icmp6TooBig, icmp6Exceeded, icmp6Parameter} {
			f.Data[t/32] &^= 1 << (t % 32)
		}
		unix.SetsockoptICMPv6Filter(fd, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER, &f)
	} else {
		mask := ^uint32(1<<icmp4EchoReply | 1<<icmp4Unreachable | 1<<icmp4Exceeded | 1<<icmp4Parameter)
		unix.SetsockoptString(fd, unix.SOL_RAW, unix.ICMP_FILTER, string(binary.NativeEndian.AppendUint32(nil, mask)))
	}
	program, err := bpf.Assemble(append(load,
		bpf.LoadIndirect{Off: 0, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: reply, SkipTrue: 2},
		bpf.LoadIndirect{Off: 4, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(s.id), SkipTrue: 1},
		bpf.RetConstant{Val: keep},
		bpf.RetConstant{Val: drop},
	))
	if err != nil {
		return
	}
	code := make([]unix.SockFilter, len(program))
	for i, in := range program {
		code[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]})
}
