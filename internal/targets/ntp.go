package targets

import (
	"encoding/binary"
	"sync"
	"time"
)

// NTPBehaviour is how a time server answers. The zero value is not healthy:
// see HealthyNTP.
type NTPBehaviour struct {
	Offset         time.Duration // of its clock against this host's
	Hold           time.Duration // between receiving and sending
	Stratum, Leap  uint8
	RefID          string // four bytes at most: the name of a clock or a kiss code
	Poll           int8   // log2 of seconds
	Precision      int8   // log2 of seconds
	RootDelay      time.Duration
	RootDispersion time.Duration
	Age            time.Duration // since its clock was set: reference time

	Silent      bool
	WrongOrigin bool  // gives back another origin timestamp than was sent
	ThenRight   bool  // with WrongOrigin: the true answer follows
	Mode        uint8 // 4 unless set
	NoTransmit  bool  // transmit timestamp zero
	Backwards   bool  // transmit timestamp before the receive timestamp
	Cut         int   // bytes that the answer is too short by
}

// HealthyNTP is a primary server with a clock of its own.
func HealthyNTP() NTPBehaviour {
	return NTPBehaviour{
		Stratum: 1, RefID: "GPS", Poll: 6, Precision: -20,
		RootDelay: time.Millisecond, RootDispersion: 2 * time.Millisecond, Age: 10 * time.Second,
	}
}

// UnsynchronisedNTP has no time: leap 3, stratum 16.
func UnsynchronisedNTP() NTPBehaviour {
	b := HealthyNTP()
	b.Leap, b.Stratum, b.RefID = 3, 16, ""
	return b
}

// KissNTP refuses with a kiss code: RATE, DENY, RSTR.
func KissNTP(code string) NTPBehaviour {
	b := HealthyNTP()
	b.Leap, b.Stratum, b.RefID = 3, 0, code
	return b
}

// NTP is a time server.
type NTP struct {
	*UDP
	mu sync.Mutex
	b  NTPBehaviour // guarded by mu
}

// ServeNTP starts a time server on addr.
func ServeNTP(addr string, b NTPBehaviour) (*NTP, error) {
	s := &NTP{b: b}
	u, err := ServeUDP(addr, s.answer)
	s.UDP = u
	return s, err
}

// Set changes how it answers from now on.
func (s *NTP) Set(b NTPBehaviour) {
	s.mu.Lock()
	s.b = b
	s.mu.Unlock()
}

func (s *NTP) answer(_ int, q []byte) []UDPReply {
	received := time.Now()
	s.mu.Lock()
	b := s.b
	s.mu.Unlock()
	if b.Silent || len(q) < 48 {
		return nil
	}
	mode := b.Mode
	if mode == 0 {
		mode = 4
	}
	r := make([]byte, 48)
	r[0] = b.Leap<<6 | q[0]&0x38 | mode
	r[1], r[2], r[3] = b.Stratum, byte(b.Poll), byte(b.Precision)
	binary.BigEndian.PutUint32(r[4:], short(b.RootDelay))
	binary.BigEndian.PutUint32(r[8:], short(b.RootDispersion))
	copy(r[12:16], b.RefID)
	binary.BigEndian.PutUint64(r[16:], stamp(received.Add(b.Offset-b.Age)))
	copy(r[24:32], q[40:48])
	binary.BigEndian.PutUint64(r[32:], stamp(received.Add(b.Offset)))
	if b.Hold > 0 {
		time.Sleep(b.Hold)
	}
	if !b.NoTransmit {
		sent := time.Now().Add(b.Offset)
		if b.Backwards {
			sent = sent.Add(-time.Hour)
		}
		binary.BigEndian.PutUint64(r[40:], stamp(sent))
	}
	r = r[:48-b.Cut]
	if !b.WrongOrigin {
		return []UDPReply{{Payload: r}}
	}
	wrong := append([]byte(nil), r...)
	wrong[24] ^= 0xff
	if b.ThenRight {
		return []UDPReply{{Payload: wrong}, {Payload: r}}
	}
	return []UDPReply{{Payload: wrong}}
}

// stamp is t as a timestamp of NTP: seconds since 1900 modulo 2^32, and 32 bits of fraction.
func stamp(t time.Time) uint64 {
	const unix1900 = -2208988800
	return uint64(t.Unix()-unix1900)<<32 | (uint64(t.Nanosecond())<<32+5e8)/1e9
}

func short(d time.Duration) uint32 { return uint32((uint64(d)<<16 + 5e8) / 1e9) }
