package icmp

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"netmon/probes/engine"
	"netmon/wire"
)

// icmpError is an ICMP error message.
type icmpError struct {
	typ, code uint8
	mtu       uint32 // of the link that the packet did not fit, 0 when unknown
	from      netip.Addr
}

// errorOf reads an ICMP error and the beginning of the packet that it is
// about, from its IP header on. The sender is outside of the message.
func errorOf(b []byte, v6 bool) (e icmpError, quoted []byte, ok bool) {
	if len(b) < icmpHeader {
		return e, nil, false
	}
	e = icmpError{typ: b[0], code: b[1]}
	switch {
	case v6 && (e.typ == engine.ICMP6Unreachable || e.typ == engine.ICMP6Exceeded || e.typ == engine.ICMP6Parameter):
	case v6 && e.typ == engine.ICMP6TooBig:
		e.mtu = binary.BigEndian.Uint32(b[4:])
	case !v6 && e.typ == engine.ICMP4Unreachable && e.code == 4: // RFC 1191 section 4
		e.mtu = uint32(binary.BigEndian.Uint16(b[6:]))
	case !v6 && (e.typ == engine.ICMP4Unreachable || e.typ == engine.ICMP4Exceeded || e.typ == engine.ICMP4Parameter):
	default:
		return e, nil, false
	}
	return e, b[icmpHeader:], true
}

// quotedPacket reads the beginning of a packet, as an ICMP error quotes it:
// where it was sent to, and the ICMP message in it.
func quotedPacket(b []byte, v6 bool) (to netip.Addr, message []byte, ok bool) {
	if !v6 {
		message, ok := inIPv4(b)
		if !ok {
			return to, nil, false
		}
		return netip.AddrFrom4([4]byte(b[16:20])), message, true
	}
	const header = 40
	if len(b) < header || b[0]>>4 != 6 {
		return to, nil, false
	}
	to = netip.AddrFrom16([16]byte(b[24:40]))
	next, b := b[6], b[header:]
	for range 8 { // extension headers (RFC 8200 section 4)
		switch next {
		case 58:
			return to, b, true
		case 0, 43, 60: // hop-by-hop, routing, destination options
			if len(b) < 2 || len(b) < 8+8*int(b[1]) {
				return to, nil, false
			}
			next, b = b[0], b[8+8*int(b[1]):]
		case 44: // fragment; later fragments carry no ICMP header
			if len(b) < 8 || binary.BigEndian.Uint16(b[2:])>>3 != 0 {
				return to, nil, false
			}
			next, b = b[0], b[8:]
		default:
			return to, nil, false
		}
	}
	return to, nil, false
}

// inIPv4 is the ICMP message in a packet, or in its beginning.
func inIPv4(b []byte) ([]byte, bool) {
	if len(b) < 20 || b[0]>>4 != 4 || b[9] != 1 {
		return nil, false
	}
	n := int(b[0]&15) * 4
	if n < 20 || n > len(b) || binary.BigEndian.Uint16(b[6:])&0x1fff != 0 { // a later fragment
		return nil, false
	}
	return b[n:], true
}

// failure is the reason of a run in which nothing but this error came back.
func (e icmpError) failure(v6 bool) wire.Failure {
	if e.typ == engine.ICMP4Exceeded && !v6 || e.typ == engine.ICMP6Exceeded && v6 {
		return wire.FailTTLExceeded
	}
	return wire.FailUnreachable
}

// text is the error for people, without who sent it.
func (e icmpError) text(v6 bool) string {
	s := e.name(v6)
	if e.mtu > 0 {
		s += fmt.Sprintf(", mtu %d", e.mtu)
	}
	return fmt.Sprintf("%s (type %d code %d)", s, e.typ, e.code)
}

// name is the error in words.
func (e icmpError) name(v6 bool) string { return engine.ICMPName(e.typ, e.code, v6) }
