package udp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"netmon/probes/internal/figures"
)

var testPeers = udpPeers{
	host: "host.example", community: "public",
	local: netip.MustParseAddrPort("192.0.2.1:4000"), remote: netip.MustParseAddrPort("192.0.2.2:5000"),
}

// TestUDPPayloads gives each named payload a reply that is its own, and some
// that are not.
func TestUDPPayloads(t *testing.T) {
	sip := func(q []byte) []byte {
		_, after, _ := strings.Cut(string(q), "Call-ID: ")
		id, _, _ := strings.Cut(after, "\r\n")
		return []byte("SIP/2.0 200 OK\r\nVia: x\r\ni: " + id + "\r\nContent-Length: 0\r\n\r\n")
	}
	for name, c := range map[string]struct {
		reply func(q []byte) []byte
		says  string
		token int // of the reply: a byte that must match the request's
	}{
		"dns": {func(q []byte) []byte { r := bytes.Clone(q); r[2], r[3], r[7] = 0x81, 0x85, 0; return r }, "REFUSED, 0 answers", 1},
		"ntp": {func(q []byte) []byte {
			r := make([]byte, 48)
			r[0], r[1] = 4<<3|4, 2
			copy(r[24:], q[40:])
			return r
		}, "stratum 2, leap 0", 30},
		"sip": {sip, "200 OK", 30},
		"snmp": {func(q []byte) []byte {
			id := q[bytes.Index(q, []byte{snmpGet})+4:][:4]
			zero := ber(berInteger, []byte{0})
			return ber(berSequence, ber(berInteger, []byte{1}), ber(berOctetString, []byte("public")),
				ber(snmpResponse, ber(berInteger, id), zero, zero, ber(berSequence, ber(berSequence,
					ber(berOID, []byte{0x2b, 6, 1, 2, 1, 1, 1, 0}), ber(berOctetString, []byte(strings.Repeat("switch ", 30)))))))
		}, "sysDescr switch switch", 22},
		"stun": {func(q []byte) []byte {
			r := append([]byte{1, 1, 0, 12}, q[4:20]...)
			r = append(r, 0, 0x20, 0, 8, 0, 1)
			r = binary.BigEndian.AppendUint16(r, 4000^0x2112)
			return append(r, 192^0x21, 0^0x12, 2^0xa4, 1^0x42)
		}, "mapped address 192.0.2.1:4000", 10},
		"quic": {func(q []byte) []byte {
			return slices.Concat([]byte{0x80, 0, 0, 0, 0, 8}, q[15:23], []byte{8}, q[6:14], []byte{0, 0, 0, 1, 0x6b, 0x33, 0x43, 0xcf, 0xfa, 0xba, 0xca, 0xda, 0xff, 0, 0, 29})
		}, "versions v1 v2 0xff00001d", 8},
		"source":    {func([]byte) []byte { return []byte("\xff\xff\xff\xffI\x11My server\x00de_dust\x00cstrike\x00") }, "My server on map de_dust", 0},
		"memcached": {func(q []byte) []byte { return append(bytes.Clone(q[:8]), "VERSION 1.6.18\r\n"...) }, "VERSION 1.6.18", 0},
		"openvpn": {func(q []byte) []byte {
			return slices.Concat([]byte{8 << 3}, []byte("serverid"), []byte{1, 0, 0, 0, 0}, q[1:9], []byte{0, 0, 0, 0})
		}, "session acknowledged", 16},
		"wireguard": {func(q []byte) []byte {
			r := make([]byte, 92)
			r[0] = 2
			copy(r[8:], q[4:8])
			return r
		}, "handshake response", 9},
	} {
		t.Run(name, func(t *testing.T) {
			p, ok := protocolNamed(name)
			if !ok {
				t.Fatal("unknown")
			}
			q, other := p.make(testPeers), p.make(testPeers)
			r := c.reply(q.payload)
			if says, err := q.check(r); err != nil || !strings.HasPrefix(says, c.says) {
				t.Errorf("its reply: %q, %v, want %q", says, err, c.says)
			}
			if name != "source" { // which has no token
				if _, err := other.check(r); err == nil {
					t.Error("the reply to one request passes for another's")
				}
			}
			bad := bytes.Clone(r)
			bad[c.token] ^= 0x40
			for what, b := range map[string][]byte{"its own request": q.payload, "nothing": nil, "a byte": {0}, "a changed token": bad, "zeros": make([]byte, 300)} {
				if says, err := q.check(b); err == nil {
					t.Errorf("%s passes for a reply: %q", what, says)
				}
			}
		})
	}
	if q := quic(testPeers); len(q.payload) != 1200 {
		t.Errorf("the QUIC packet has %d bytes; servers ignore less than 1200", len(q.payload))
	}
	if q := wireGuard(testPeers); len(q.payload) != 148 {
		t.Errorf("the WireGuard initiation has %d bytes, want 148", len(q.payload))
	}
	if q := string(udpSIP(testPeers).payload); !strings.HasPrefix(q, "OPTIONS sip:host.example:5000 SIP/2.0\r\n") {
		t.Errorf("%q", q)
	}
	six := testPeers
	six.host = "2001:db8::1"
	if q := string(udpSIP(six).payload); !strings.HasPrefix(q, "OPTIONS sip:[2001:db8::1]:5000 SIP/2.0\r\n") {
		t.Errorf("%q", q)
	}
}

func TestUDPProtocolNamesStandInTheHelp(t *testing.T) {
	for _, f := range Kinds()[0].Options {
		if f.Path == "protocol" && !strings.Contains(f.Help, ": "+protocolNames()+";") {
			t.Errorf("help %q lacks a name of %q", f.Help, protocolNames())
		}
	}
}

func TestUDPShow(t *testing.T) {
	for want, c := range map[string]struct{ b, secret string }{
		`(empty)`:     {"", ""},
		`"hello\r\n"`: {"hello\r\n", ""},
		`00ff`:        {"\x00\xff", ""},
		`"a***b***c"`: {"aKEYbKEYc", "KEY"},
		`002a2a2a`:    {"\x00KEY", "KEY"},
		`"Grüße"`:     {"Grüße", ""},
		`1b5b324a`:    {"\x1b[2J", ""}, // an escape sequence is not a text
		fmt.Sprintf("%s... (100 bytes)", strings.Repeat("00", 64)): {strings.Repeat("\x00", 100), ""},
	} {
		if got := figures.Show([]byte(c.b), []byte(c.secret)); got != want {
			t.Errorf("%q: got %s, want %s", c.b, got, want)
		}
	}
}

// FuzzUDPReplies feeds every named payload's check with what a server might send.
func FuzzUDPReplies(f *testing.F) {
	f.Add([]byte("SIP/2.0 200 OK\r\nCall-ID: x\r\n\r\n"))
	f.Add([]byte("\xff\xff\xff\xffI\x11name\x00map\x00"))
	f.Add([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 2, 1, 1})
	f.Add([]byte{0x30, 0x0b, 2, 1, 1, 4, 0, 0xa2, 4, 2, 2, 1, 2})
	f.Add(append([]byte{1, 1, 0, 12, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 40)...))
	f.Add(append([]byte{0x80, 0, 0, 0, 0, 8}, make([]byte, 40)...))
	requests := make([]request, len(protocols)) // made once: random tokens would confuse the fuzzer
	for i, p := range protocols {
		requests[i] = p.make(testPeers)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for i, p := range protocols {
			q := requests[i]
			if _, err := q.check(b); err == nil && p.name != "dns" && p.name != "source" && p.name != "memcached" { // tokens of four bytes and more
				t.Errorf("%s takes %x for its reply, which knew no token", p.name, b)
			}
			// The decoders behind the tokens.
			snmpSays(b, nil)
			if len(b) >= 20 {
				stunMapped(b)
			}
			figures.Show(b, []byte("public"))
		}
	})
}
