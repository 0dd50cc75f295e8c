package icmp

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"netmon/probes/engine"
)

// icmpHeader is the length of the header of every ICMP message, bytes.
const icmpHeader = 8

// icmpMark is the beginning of our payload: it says whose request this is. The
// 16 bits of an echo id could not: a datagram socket has one that the kernel
// chose, and other programs may have the same.
type icmpMark struct {
	key   uint64 // random, of the socket
	run   uint32 // of the socket's runs
	index uint32 // of the run's requests, from 0
}

const markLen = 16

func (m icmpMark) put(b []byte) {
	binary.BigEndian.PutUint64(b, m.key)
	binary.BigEndian.PutUint32(b[8:], m.run)
	binary.BigEndian.PutUint32(b[12:], m.index)
}

// markOf reads the mark of a payload.
func markOf(payload []byte) (m icmpMark, ok bool) {
	if len(payload) < markLen {
		return m, false
	}
	return icmpMark{binary.BigEndian.Uint64(payload), binary.BigEndian.Uint32(payload[8:]), binary.BigEndian.Uint32(payload[12:])}, true
}

// icmpFlaw says in which way a payload, which should be the mark and the
// beginning of pattern, differs from that; "" when it does not.
func icmpFlaw(payload []byte, m icmpMark, pattern []byte, size int) string {
	var mark [markLen]byte
	m.put(mark[:])
	if len(payload) != size {
		return fmt.Sprintf("%d bytes instead of %d", len(payload), size)
	}
	if bytes.Equal(payload[:markLen], mark[:]) && bytes.Equal(payload[markLen:], pattern[:size-markLen]) {
		return ""
	}
	wrong, first := 0, -1
	for i, b := range payload {
		want := byte(0)
		if i < markLen {
			want = mark[i]
		} else {
			want = pattern[i-markLen]
		}
		if b != want {
			wrong++
			if first < 0 {
				first = i
			}
		}
	}
	return fmt.Sprintf("%d of %d bytes are wrong, the first is byte %d", wrong, size, first)
}

// icmpEcho is an echo request or reply.
type icmpEcho struct {
	id, seq uint16
	payload []byte
}

// putICMPEcho writes the header of an echo request whose payload is behind
// it. The kernel fills in the checksum of ICMPv6.
func putICMPEcho(b []byte, v6 bool, id, seq uint16) {
	clear(b[:icmpHeader])
	b[0] = engine.ICMP4Echo
	if v6 {
		b[0] = engine.ICMP6Echo
	}
	binary.BigEndian.PutUint16(b[4:], id)
	binary.BigEndian.PutUint16(b[6:], seq)
	if !v6 {
		binary.BigEndian.PutUint16(b[2:], checksum(b))
	}
}

// checksum is the Internet checksum (RFC 1071). Over a message that holds
// its checksum it is 0.
func checksum(b []byte) uint16 {
	var sum uint64
	for ; len(b) >= 4; b = b[4:] {
		sum += uint64(binary.BigEndian.Uint32(b))
	}
	if len(b) >= 2 {
		sum += uint64(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		sum += uint64(b[0]) << 8
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// icmpReply reads an echo reply.
func icmpReply(b []byte, v6 bool) (e icmpEcho, ok bool) {
	typ := byte(engine.ICMP4EchoReply)
	if v6 {
		typ = engine.ICMP6EchoReply
	}
	if len(b) < icmpHeader || b[0] != typ || b[1] != 0 {
		return e, false
	}
	return icmpEcho{binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:]), b[icmpHeader:]}, true
}

// icmpQuoted reads the beginning of an echo request of ours out of an ICMP
// error: from its ICMP header on. An error quotes at least that header (RFC 792).
func icmpQuoted(b []byte, v6 bool) (e icmpEcho, ok bool) {
	typ := byte(engine.ICMP4Echo)
	if v6 {
		typ = engine.ICMP6Echo
	}
	if len(b) < icmpHeader || b[0] != typ || b[1] != 0 {
		return e, false
	}
	return icmpEcho{binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:]), b[icmpHeader:]}, true
}
