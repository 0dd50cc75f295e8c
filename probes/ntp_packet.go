package probes

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"time"
)

// ntpMessage is the header of an NTP packet, versions 3 and 4 (RFC 5905
// section 7.3, figure 8), with its numbers as they travel.
type ntpMessage struct {
	leap, version, mode, stratum uint8
	poll, precision              int8   // log2 of seconds
	rootDelay, rootDispersion    uint32 // 16.16 seconds
	refID                        [4]byte
	reference, origin            uint64 // 32.32 seconds since 1900, or since 2036
	receive, transmit            uint64
}

const ntpHeader = 48 // bytes

// newNTPRequest makes a client's packet. It tells nothing but version and mode,
// and its transmit timestamp is random: a server only gives it back, and nobody
// who has not seen it can answer (draft-ietf-ntp-data-minimization).
func newNTPRequest(version int) (q [ntpHeader]byte) {
	const client = 3
	q[0] = byte(version)<<3 | client
	copy(q[40:], randomBytes(8))
	return q
}

// parseNTP reads the header. Extension fields and MAC after it are not read.
func parseNTP(b []byte) (m ntpMessage, err error) {
	if len(b) < ntpHeader {
		return m, fmt.Errorf("it has %d bytes, an NTP packet at least %d", len(b), ntpHeader)
	}
	m = ntpMessage{
		leap: b[0] >> 6, version: b[0] >> 3 & 7, mode: b[0] & 7, stratum: b[1],
		poll: int8(b[2]), precision: int8(b[3]),
		rootDelay: binary.BigEndian.Uint32(b[4:]), rootDispersion: binary.BigEndian.Uint32(b[8:]),
		refID:     [4]byte(b[12:]),
		reference: binary.BigEndian.Uint64(b[16:]), origin: binary.BigEndian.Uint64(b[24:]),
		receive: binary.BigEndian.Uint64(b[32:]), transmit: binary.BigEndian.Uint64(b[40:]),
	}
	return m, nil
}

// kiss is the kiss code of a packet of stratum 0, "" when it has none
// (RFC 5905 section 7.4): printable ASCII, left justified, filled with zeros.
func (m ntpMessage) kiss() string {
	if m.stratum != 0 {
		return ""
	}
	code := strings.TrimRight(string(m.refID[:]), "\x00")
	for _, c := range []byte(code) {
		if c <= ' ' || c >= 0x7f {
			return ""
		}
	}
	return code
}

// referenceID is the reference id as its stratum has it: a kiss code, the name
// of a reference clock, or the address of the server's own server (for IPv6 the
// first bytes of a hash of it), RFC 5905 section 7.3.
func (m ntpMessage) referenceID() string {
	if m.stratum > 1 {
		return netip.AddrFrom4(m.refID).String()
	}
	text := strings.TrimRight(string(m.refID[:]), "\x00")
	for _, c := range []byte(text) {
		if c < ' ' || c >= 0x7f {
			return fmt.Sprintf("%#x", m.refID[:])
		}
	}
	return text
}

// ntpShort reads a 16.16 number of seconds.
func ntpShort(v uint32) time.Duration {
	return time.Duration((uint64(v)*uint64(time.Second) + 1<<15) >> 16)
}

// ntpTime reads a timestamp. It counts seconds modulo 2^32, so that the one
// nearest to near is taken: 68 years to either side (RFC 5905 section 6).
func ntpTime(v uint64, near time.Time) time.Time {
	const unix1900 = -2208988800
	apart := int32(uint32(v>>32) - uint32(near.Unix()-unix1900))
	ns := (v & math.MaxUint32 * uint64(time.Second)) + 1<<31
	return time.Unix(near.Unix()+int64(apart), int64(ns>>32)).UTC()
}

// log2Seconds is 2^n seconds, kept within what a Duration holds.
func log2Seconds(n int8) time.Duration {
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
