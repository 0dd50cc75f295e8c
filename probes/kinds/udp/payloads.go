package udp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"netmon/internal/ntppacket"
	"netmon/probes/internal/figures"
)

// request is one datagram to send, and how to recognise its reply.
type request struct {
	payload []byte
	secret  []byte // is in payload or reply and must not be shown
	// check says what the reply says, in a few words, or why it is not a reply
	// to payload. nil takes whatever comes.
	check func(reply []byte) (says string, err error)
}

// udpPeers is what a named payload may need to know of the exchange.
type udpPeers struct {
	host          string // as in the target
	local, remote netip.AddrPort
	community     string // of SNMP
}

// protocol is one named payload. Each request that make returns carries its
// own random token where the protocol has a place for one.
type protocol struct {
	name string
	port uint16 // where it is the payload unless another is named
	// token says that a reply shows by itself which request it is for, and that
	// the request does not name its source: then several may leave by one socket.
	token bool
	make  func(udpPeers) request
}

var protocols = []protocol{
	{"dns", 53, true, udpDNS},
	{"ntp", 123, true, udpNTP},
	{"sip", 5060, false, udpSIP},
	{"snmp", 161, true, snmp},
	{"stun", 3478, true, stun},
	{"quic", 443, true, quic},
	{"source", 27015, false, source},
	{"memcached", 11211, true, memcached},
	{"openvpn", 1194, true, openVPN},
	{"wireguard", 51820, true, wireGuard},
}

func protocolNames() string {
	names := make([]string, len(protocols))
	for i, p := range protocols {
		names[i] = p.name
	}
	return strings.Join(names, ", ")
}

func protocolNamed(name string) (protocol, bool) {
	i := slices.IndexFunc(protocols, func(p protocol) bool { return p.name == name })
	if i < 0 {
		return protocol{}, false
	}
	return protocols[i], true
}

var errShort = errors.New("it is too short")

// udpDNS asks for the name servers of the root, which every server has an
// answer to, if only REFUSED (RFC 1035 section 4.1).
func udpDNS(udpPeers) request {
	id := figures.RandomBytes(2)
	question := []byte{0, 0, 2, 0, 1} // "." NS IN
	q := slices.Concat(id, []byte{0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0}, question)
	return request{payload: q, check: func(r []byte) (string, error) {
		switch {
		case len(r) < 12:
			return "", errShort
		case !bytes.Equal(r[:2], id):
			return "", errors.New("its id is not the query's")
		case r[2]&0x80 == 0:
			return "", errors.New("it is a query, not a response")
		case binary.BigEndian.Uint16(r[4:]) != 0 && !bytes.HasPrefix(r[12:], question):
			return "", errors.New("it is for another question")
		}
		rcodes := []string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"}
		rcode := fmt.Sprintf("rcode %d", r[3]&0xf)
		if n := int(r[3] & 0xf); n < len(rcodes) {
			rcode = rcodes[n]
		}
		return fmt.Sprintf("%s, %d answers", rcode, binary.BigEndian.Uint16(r[6:])), nil
	}}
}

// udpNTP is a client's request (RFC 5905 section 7.3). The kind ntp reports more.
func udpNTP(udpPeers) request {
	q := ntppacket.NewRequest(4)
	return request{payload: q[:], check: func(r []byte) (string, error) {
		m, err := ntppacket.Parse(r)
		switch {
		case err != nil:
			return "", err
		case m.Mode != 4:
			return "", fmt.Errorf("its mode is %d, not 4 (server)", m.Mode)
		case m.Origin != binary.BigEndian.Uint64(q[40:]):
			return "", errors.New("its origin timestamp is not what was sent")
		}
		return fmt.Sprintf("stratum %d, leap %d", m.Stratum, m.Leap), nil
	}}
}

// udpSIP asks what the server can do (RFC 3261 section 11). Any final or
// provisional status is an answer. rport (RFC 3581) brings it back through NAT.
func udpSIP(p udpPeers) request {
	id := fmt.Sprintf("%x", figures.RandomBytes(12))
	host := p.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	uri := "sip:" + net.JoinHostPort(strings.Trim(host, "[]"), fmt.Sprint(p.remote.Port()))
	q := strings.Join([]string{
		"OPTIONS " + uri + " SIP/2.0",
		"Via: SIP/2.0/UDP " + p.local.String() + ";branch=z9hG4bK" + id + ";rport",
		"Max-Forwards: 70",
		"From: <sip:netmon@" + p.local.String() + ">;tag=" + id[:8],
		"To: <" + uri + ">",
		"Call-ID: " + id,
		"CSeq: 1 OPTIONS",
		"Contact: <sip:netmon@" + p.local.String() + ">",
		"Accept: application/sdp",
		"User-Agent: netmon",
		"Content-Length: 0",
		"", "",
	}, "\r\n")
	return request{payload: []byte(q), check: func(r []byte) (string, error) {
		head, _, _ := strings.Cut(string(r), "\r\n\r\n")
		lines := strings.Split(head, "\r\n")
		status, ok := strings.CutPrefix(lines[0], "SIP/2.0 ")
		if !ok || len(status) < 3 {
			return "", errors.New("it is not a SIP response")
		}
		for _, line := range lines[1:] {
			name, value, _ := strings.Cut(line, ":")
			name = strings.ToLower(strings.TrimSpace(name))
			if (name == "call-id" || name == "i") && strings.TrimSpace(value) == id {
				return figures.Clip(status), nil
			}
		}
		return "", errors.New("its Call-ID is not the request's")
	}}
}

// stun asks for the address that the server sees (RFC 8489 section 6).
func stun(udpPeers) request {
	const cookie = "\x21\x12\xa4\x42"
	id := figures.RandomBytes(12)
	q := slices.Concat([]byte{0, 1, 0, 0}, []byte(cookie), id)
	return request{payload: q, check: func(r []byte) (string, error) {
		switch {
		case len(r) < 20:
			return "", errShort
		case string(r[4:8]) != cookie || !bytes.Equal(r[8:20], id):
			return "", errors.New("its transaction id is not the request's")
		case r[0] == 1 && r[1] == 0x11:
			return "error response", nil
		case r[0] != 1 || r[1] != 0x01:
			return "", errors.New("it is not a binding response")
		}
		if a, ok := stunMapped(r); ok {
			return "mapped address " + a.String(), nil
		}
		return "binding response", nil
	}}
}

// stunMapped finds XOR-MAPPED-ADDRESS (RFC 8489 section 14.2).
func stunMapped(r []byte) (netip.AddrPort, bool) {
	for attrs := r[20:]; len(attrs) >= 4; {
		typ, n := binary.BigEndian.Uint16(attrs), int(binary.BigEndian.Uint16(attrs[2:]))
		if n > len(attrs)-4 {
			break
		}
		if v := attrs[4 : 4+n]; typ == 0x0020 && (n == 8 && v[1] == 1 || n == 20 && v[1] == 2) {
			ip := slices.Clone(v[4:])
			for i := range ip {
				ip[i] ^= r[4+i]
			}
			addr, _ := netip.AddrFromSlice(ip)
			return netip.AddrPortFrom(addr, binary.BigEndian.Uint16(v[2:])^0x2112), true
		}
		attrs = attrs[min(4+(n+3)&^3, len(attrs)):]
	}
	return netip.AddrPort{}, false
}

// quic offers a version that is reserved to be unknown, so that the server
// must name those it knows (RFC 9000 sections 6 and 15, RFC 8999 section 6).
func quic(udpPeers) request {
	dst, src := figures.RandomBytes(8), figures.RandomBytes(8)
	q := slices.Concat([]byte{0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 8}, dst, []byte{8}, src)
	q = append(q, make([]byte, 1200-len(q))...) // shorter ones a server must ignore (RFC 9000 section 14.1)
	return request{payload: q, check: func(r []byte) (string, error) {
		switch {
		case len(r) < 23:
			return "", errShort
		case r[0]&0x80 == 0 || binary.BigEndian.Uint32(r[1:]) != 0:
			return "", errors.New("it is not a version negotiation")
		case r[5] != 8 || !bytes.Equal(r[6:14], src) || r[14] != 8 || !bytes.Equal(r[15:23], dst):
			return "", errors.New("its connection ids are not the packet's")
		}
		var versions []string
		for v := r[23:]; len(v) >= 4 && len(versions) < 16; v = v[4:] {
			switch n := binary.BigEndian.Uint32(v); {
			case n == 1:
				versions = append(versions, "v1")
			case n == 0x6b3343cf:
				versions = append(versions, "v2") // RFC 9369
			case n&0x0f0f0f0f != 0x0a0a0a0a: // not one that is reserved to be unknown
				versions = append(versions, fmt.Sprintf("%#08x", n))
			}
		}
		return "versions " + strings.Join(versions, " "), nil
	}}
}

// source asks a game server what it is (A2S_INFO). The protocol has no
// token: a reply belongs by its form. A challenge is an answer too.
func source(udpPeers) request {
	const simple = "\xff\xff\xff\xff"
	return request{payload: []byte(simple + "TSource Engine Query\x00"), check: func(r []byte) (string, error) {
		body, ok := bytes.CutPrefix(r, []byte(simple))
		switch {
		case !ok || len(body) == 0:
			return "", errors.New("it does not begin as a reply of a Source server")
		case body[0] == 'A' && len(body) == 5:
			return "challenge", nil
		case body[0] != 'I' || len(body) < 3:
			return "", errors.New("it is neither server information nor a challenge")
		}
		fields := bytes.SplitN(body[2:], []byte{0}, 3)
		if len(fields) < 3 {
			return "", errors.New("its texts do not end")
		}
		return fmt.Sprintf("%s on map %s", figures.Clip(string(fields[0])), figures.Clip(string(fields[1]))), nil
	}}
}

// memcached asks for the version, in the UDP frame of protocol.txt.
func memcached(udpPeers) request {
	id := figures.RandomBytes(2)
	return request{payload: slices.Concat(id, []byte("\x00\x00\x00\x01\x00\x00version\r\n")), check: func(r []byte) (string, error) {
		switch {
		case len(r) < 8:
			return "", errShort
		case !bytes.Equal(r[:2], id):
			return "", errors.New("its request id is not the request's")
		case !bytes.HasPrefix(r[8:], []byte("VERSION ")) || !bytes.HasSuffix(r, []byte("\r\n")):
			return "", errors.New("it does not give a version")
		}
		return figures.Clip(string(r[8 : len(r)-2])), nil
	}}
}

// openVPN begins a session (P_CONTROL_HARD_RESET_CLIENT_V2), which a server
// without tls-auth or tls-crypt acknowledges before any key is needed. One with
// either stays silent.
func openVPN(udpPeers) request {
	id := figures.RandomBytes(8)
	q := slices.Concat([]byte{7 << 3}, id, []byte{0, 0, 0, 0, 0})
	return request{payload: q, check: func(r []byte) (string, error) {
		switch {
		case len(r) < 10:
			return "", errShort
		case r[0]>>3 != 8:
			return "", errors.New("it is not a server's reset (P_CONTROL_HARD_RESET_SERVER_V2)")
		}
		acks := int(r[9])
		if rest := r[10:]; acks == 0 || len(rest) < 4*acks+8 || !bytes.Equal(rest[4*acks:4*acks+8], id) {
			return "", errors.New("it does not acknowledge our session")
		}
		return "session acknowledged", nil
	}}
}

// wireGuard is a handshake initiation by its form. A WireGuard server shows
// nobody without its key that it is there: it stays silent, and only a closed
// port (refused) says something. A reply is checked for our index.
func wireGuard(udpPeers) request {
	q := append([]byte{1, 0, 0, 0}, figures.RandomBytes(144)...)
	index := q[4:8]
	return request{payload: q, check: func(r []byte) (string, error) {
		switch {
		case len(r) == 92 && r[0] == 2 && bytes.Equal(r[8:12], index):
			return "handshake response", nil
		case len(r) == 64 && r[0] == 3 && bytes.Equal(r[4:8], index):
			return "cookie reply: the server is under load", nil
		}
		return "", errors.New("it is neither a handshake response nor a cookie reply to our index")
	}}
}
