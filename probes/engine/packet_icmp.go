package engine

import (
	"fmt"
)

// Types of ICMP messages (RFC 792; RFC 4443 for v6).
const (
	ICMP4EchoReply, ICMP4Echo                       = 0, 8
	ICMP4Unreachable, ICMP4Exceeded, ICMP4Parameter = 3, 11, 12
	ICMP6Echo, ICMP6EchoReply                       = 128, 129
	ICMP6Unreachable, ICMP6TooBig                   = 1, 2
	ICMP6Exceeded, ICMP6Parameter                   = 3, 4
)

// ICMPError is a system error that an ICMP message brought, in the words of the
// message: many of them are one error to the system, such as "no route to host".
type ICMPError struct {
	Err  error
	text string
}

// Error implements error.
func (e ICMPError) Error() string { return e.text }

// Unwrap returns Err.
func (e ICMPError) Unwrap() error { return e.Err }

// icmpSays is an ICMP error with its numbers and who sent it.
func icmpSays(typ, code uint8, v6 bool, from fmt.Stringer) string {
	version := ""
	if v6 {
		version = "v6"
	}
	return fmt.Sprintf("%s (ICMP%s type %d code %d from %s)", ICMPName(typ, code, v6), version, typ, code, from)
}

// ICMPName is an ICMP error in the words of the RFCs: 792, 1122 section 3.2.2.1
// and 1812 section 5.2.7.1; 4443 section 3.
func ICMPName(typ, code uint8, v6 bool) string {
	names := icmp4Names
	if v6 {
		names = icmp6Names
	}
	of := names[typ]
	switch {
	case int(code) < len(of):
		return of[code]
	case len(of) > 0:
		return fmt.Sprintf("%s, code %d", icmpClass(typ, v6), code)
	}
	return fmt.Sprintf("type %d code %d", typ, code)
}

func icmpClass(typ uint8, v6 bool) string {
	switch {
	case v6 && typ == ICMP6TooBig:
		return "packet too big"
	case v6 && typ == ICMP6Unreachable || !v6 && typ == ICMP4Unreachable:
		return "destination unreachable"
	case v6 && typ == ICMP6Exceeded || !v6 && typ == ICMP4Exceeded:
		return "time exceeded"
	}
	return "parameter problem"
}

// icmp4Names and icmp6Names are the names of the codes, by type.
var (
	icmp4Names = map[uint8][]string{
		ICMP4Unreachable: {
			"net unreachable", "host unreachable", "protocol unreachable", "port unreachable",
			"fragmentation needed", "source route failed", "destination network unknown",
			"destination host unknown", "source host isolated", "network administratively prohibited",
			"host administratively prohibited", "network unreachable for type of service",
			"host unreachable for type of service", "communication administratively prohibited",
			"host precedence violation", "precedence cutoff in effect",
		},
		ICMP4Exceeded:  {"time to live exceeded in transit", "fragment reassembly time exceeded"},
		ICMP4Parameter: {"pointer indicates the error", "required option missing", "bad length"},
	}
	icmp6Names = map[uint8][]string{
		ICMP6Unreachable: {
			"no route to destination", "communication administratively prohibited",
			"beyond scope of source address", "address unreachable", "port unreachable",
			"source address failed policy", "reject route to destination", "error in source routing header",
		},
		ICMP6TooBig:    {"packet too big"},
		ICMP6Exceeded:  {"hop limit exceeded in transit", "fragment reassembly time exceeded"},
		ICMP6Parameter: {"erroneous header field", "unrecognized next header", "unrecognized IPv6 option"},
	}
)
