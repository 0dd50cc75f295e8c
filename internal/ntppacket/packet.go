package ntppacket

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"time"
)

// Message is the header of an NTP packet, versions 3 and 4 (RFC 5905
// section 7.3, figure 8), with its numbers as they travel.
type Message struct {
	Leap, Version, Mode, Stratum uint8
	Poll, Precision              int8   // log2 of seconds
	RootDelay, RootDispersion    uint32 // 16.16 seconds
	RefID                        [4]byte
	Reference, Origin            uint64 // 32.32 seconds since 1900, or since 2036
	Receive, Transmit            uint64
}

const header = 48 // bytes

// NewRequest makes a client's packet. It says nothing but version and mode,
// and its transmit timestamp is random: a server only gives it back, and nobody
// who has not seen it can answer (draft-ietf-ntp-data-minimization).
func NewRequest(version int) (q [header]byte) {
	const client = 3
	q[0] = byte(version)<<3 | client
	rand.Read(q[40:48]) // never fails (crypto/rand)
	return q
}

// Parse reads the header. Extension fields and MAC after it are not read.
func Parse(b []byte) (m Message, err error) {
	if len(b) < header {
		return m, fmt.Errorf("it has %d bytes, an NTP packet at least %d", len(b), header)
	}
	m = Message{
		Leap: b[0] >> 6, Version: b[0] >> 3 & 7, Mode: b[0] & 7, Stratum: b[1],
		Poll: int8(b[2]), Precision: int8(b[3]),
		RootDelay: binary.BigEndian.Uint32(b[4:]), RootDispersion: binary.BigEndian.Uint32(b[8:]),
		RefID:     [4]byte(b[12:]),
		Reference: binary.BigEndian.Uint64(b[16:]), Origin: binary.BigEndian.Uint64(b[24:]),
		Receive: binary.BigEndian.Uint64(b[32:]), Transmit: binary.BigEndian.Uint64(b[40:]),
	}
	return m, nil
}

// Kiss is the kiss code of a packet of stratum 0, "" when it has none
// (RFC 5905 section 7.4): printable ASCII, left justified, filled with zeros.
func (m Message) Kiss() string {
	if m.Stratum != 0 {
		return ""
	}
	code := strings.TrimRight(string(m.RefID[:]), "\x00")
	for _, c := range []byte(code) {
		if c <= ' ' || c >= 0x7f {
			return ""
		}
	}
	return code
}

// ReferenceID is the reference id as its stratum has it: a kiss code, the name
// of a reference clock, or the address of the server's own server (for IPv6 the
// first bytes of a hash of it), RFC 5905 section 7.3.
func (m Message) ReferenceID() string {
	if m.Stratum > 1 {
		return netip.AddrFrom4(m.RefID).String()
	}
	text := strings.TrimRight(string(m.RefID[:]), "\x00")
	for _, c := range []byte(text) {
		if c < ' ' || c >= 0x7f {
			return fmt.Sprintf("%#x", m.RefID[:])
		}
	}
	return text
}

// Short reads a 16.16 number of seconds.
func Short(v uint32) time.Duration {
	return time.Duration((uint64(v)*uint64(time.Second) + 1<<15) >> 16)
}

// Time reads a timestamp. It counts seconds modulo 2^32, so that the one
// nearest to near is taken: 68 years to either side (RFC 5905 section 6).
func Time(v uint64, near time.Time) time.Time {
	const unix1900 = -2208988800
	apart := int32(uint32(v>>32) - uint32(near.Unix()-unix1900))
	ns := (v & math.MaxUint32 * uint64(time.Second)) + 1<<31
	return time.Unix(near.Unix()+int64(apart), int64(ns>>32)).UTC()
}

// Log2Seconds is 2^n seconds, kept within what a Duration holds.
func Log2Seconds(n int8) time.Duration {
	switch {
	case n >= 33:
		return math.MaxInt64
	case n >= 0:
		return time.Second << n
	case n > -30:
		return time.Second >> -n
	}
	return 0
}
