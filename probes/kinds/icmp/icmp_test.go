package icmp

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"

	"netmon/probes"
	"netmon/probes/engine"
	"netmon/wire"
)

func TestICMP_RefusesBadOptions(t *testing.T) {
	for options, want := range map[string]string{
		`{"count":0,"interval":"1us","size":23}`: "options.count: want 1 to 1000, got 0\noptions.interval: want at least 1ms, got \"1us\"\noptions.size: want 24 to 65507, got 23",
		`{"size":65508,"ttl":256,"dscp":64}`:     "options.size: want 24 to 65507, got 65508\noptions.ttl: want 0 to 255, got 256\noptions.dscp: want 0 to 63, got 64",
		`{"wait":"-1s"}`:                         `options.wait: want a positive duration, got "-1s"`,
		`{"expect":{"loss":1,"min_ttl":300}}`:    "options.expect.loss: want 0 to less than 1, got 1\noptions.expect.min_ttl: want 0 to 255, got 300",
		`{"expect":{"jitter":"1ms"}}`:            `options.expect.jitter: want a count of 2 or more, got 1`,
		`{"expect":{"jitter":"-1ms"}}`:           `options.expect.jitter: want a positive duration, got "-1ms"`,
		`{"df":"yes"}`:                           `options.df: `,
	} {
		if got := refused(t, "icmp", "127.0.0.1", options); !strings.HasPrefix(got, want) {
			t.Errorf("%s gives\n%s\nwant\n%s", options, got, want)
		}
	}
	if got := refused(t, "icmp", "127.0.0.1:7", ``); !strings.Contains(got, `target: want a host, got "127.0.0.1:7"`) {
		t.Error(got)
	}
}

// seriesOf is a series of requests at 1 s from one another, and of replies to
// them after these times; 0 for none.
func seriesOf(rtts ...time.Duration) *series {
	s := &series{Probe: newProbe(), run: &probes.Run{}, to: netip.MustParseAddr("192.0.2.1")}
	s.Count = len(rtts)
	start := time.Now()
	for i, rtt := range rtts {
		at := start.Add(time.Duration(i) * time.Second)
		s.noteSent(request{sent: at})
		if rtt > 0 {
			s.applyEvent(event{index: i, ttl: 50 + i%2, Arrival: engine.Arrival{Read: at.Add(rtt)}})
		}
	}
	return s
}

func TestICMP_Figures(t *testing.T) {
	const ms = time.Millisecond
	d := seriesOf(10*ms, 0, 14*ms, 11*ms).figures()
	for name, c := range map[string]struct {
		got  *int64
		want time.Duration
	}{
		"min":    {d.RTTMinNS, 10 * ms},
		"avg":    {d.RTTAvgNS, 11666667},
		"max":    {d.RTTMaxNS, 14 * ms},
		"mdev":   {d.RTTMdevNS, 1699673},
		"p50":    {d.RTTP50NS, 11 * ms},
		"jitter": {d.RTTJitterNS, 3500 * time.Microsecond}, // (4+3)/2
		// 4/16 = 0.25, then 0.25 + (3-0.25)/16
		"rfc 3550 jitter": {d.RTTJitterRFC3550NS, 421875},
	} {
		if c.got == nil || *c.got != int64(c.want) {
			t.Errorf("%s: got %v, want %d", name, c.got, c.want)
		}
	}
	if d.Sent != 4 || d.Received != 3 || d.Lost != 1 || *d.Loss != 0.25 || d.TTL != 51 || d.TTLMin != 50 || d.Clock != engine.ClockUser {
		t.Errorf("%+v", d)
	}
	if d.RTTP90NS != nil || d.RTTP95NS != nil || d.RTTP99NS != nil {
		t.Errorf("percentiles of three replies: %+v", d)
	}
	one := seriesOf(ms).figures()
	if one.RTTMdevNS != nil || one.RTTP50NS != nil || one.RTTJitterNS != nil || one.RTTJitterRFC3550NS != nil {
		t.Errorf("of one reply: %+v", one)
	}
	none := seriesOf(0, 0).figures()
	if none.RTTAvgNS != nil || none.Clock != "" || none.Headline().Latency != 0 || *none.Loss != 1 {
		t.Errorf("of no reply: %+v", none)
	}
	if d := (&series{}).figures(); d.Loss != nil {
		t.Errorf("nothing was sent: %+v", d)
	}
}

func TestICMP_PercentilesByNearestRank(t *testing.T) {
	var rtts []time.Duration
	for i := range 200 {
		rtts = append(rtts, time.Duration(200-i)*time.Millisecond)
	}
	d := seriesOf(rtts...).figures()
	for want, got := range map[int64]*int64{100e6: d.RTTP50NS, 180e6: d.RTTP90NS, 190e6: d.RTTP95NS, 198e6: d.RTTP99NS} {
		if got == nil || *got != want {
			t.Errorf("got %v, want %d", got, want)
		}
	}
	d10 := seriesOf(slices.Repeat([]time.Duration{time.Millisecond}, 10)...).figures()
	if d10.RTTP90NS == nil || d10.RTTP95NS != nil {
		t.Error("of ten replies p90 is known, and p95 is not")
	}
}

func TestICMP_LateAndDoubleReplies(t *testing.T) {
	s := seriesOf(0, 0, 0)
	s.Wait = 100e6
	reply := func(index int, after time.Duration) {
		s.applyEvent(event{index: index, Arrival: engine.Arrival{Read: s.sent[index].sent.Add(after)}})
	}
	reply(2, 10*time.Millisecond)
	reply(0, 20*time.Millisecond)  // overtaken
	reply(0, 30*time.Millisecond)  // again
	reply(1, 200*time.Millisecond) // late
	reply(1, 210*time.Millisecond) // again
	s.applyEvent(event{kind: gotError, index: 1, err: icmpError{typ: 3, code: 1}})
	if d := s.figures(); d.OutOfOrder != 1 || d.Duplicates != 2 || d.Late != 1 || d.Received != 2 || s.open != 0 {
		t.Errorf("%+v, open %d", d, s.open)
	}

	// A reply after an ICMP error counts: the error was not the last word.
	s = seriesOf(0)
	s.applyEvent(event{kind: gotError, err: icmpError{typ: 3, code: 1}})
	if !s.done() {
		t.Error("an ICMP error does not end the waiting")
	}
	s.applyEvent(event{Arrival: engine.Arrival{Read: s.sent[0].sent.Add(time.Millisecond)}})
	if d := s.figures(); d.Received != 1 || d.Lost != 0 || len(d.Errors) != 1 || s.open != 0 {
		t.Errorf("%+v, open %d", d, s.open)
	}
}

// TestICMP_OwnLossIsNotTheTargets: where this host itself lost packets nobody
// knows what became of those that stayed without reply.
func TestICMP_OwnLossIsNotTheTargets(t *testing.T) {
	for name, c := range map[string]struct {
		rtts []time.Duration
		loss float64
		want wire.Failure
	}{
		"all lost":          {[]time.Duration{0, 0}, 0.9, wire.BrokenLocal},
		"more than allowed": {[]time.Duration{1e6, 0}, 0.2, wire.BrokenLocal},
		"as many":           {[]time.Duration{1e6, 0}, 0.5, ""},
		"none lost":         {[]time.Duration{1e6, 1e6}, 0.2, ""},
	} {
		s := seriesOf(c.rtts...)
		s.drops, s.Expect.Loss = 3, &c.loss
		d := s.figures()
		err := s.checkExpectations(&d)
		var e *probes.Error
		if got := errors.As(err, &e); got != (c.want != "") || got && (e.Failure != c.want || !e.Broken) || s.run.Misses() > 0 {
			t.Errorf("%s: %v, %d not met", name, err, s.run.Misses())
		}
	}
}

// TestICMP_UnsureSending: a round trip is only the kernel's word when both its
// ends are known.
func TestICMP_UnsureSending(t *testing.T) {
	for _, c := range []struct {
		unsure bool
		rtt    time.Duration
		want   string
	}{
		{false, time.Millisecond, engine.ClockKernel},
		{true, time.Millisecond, engine.ClockUser},
		{true, 400 * time.Microsecond, engine.ClockKernel},
	} {
		s := &series{Probe: newProbe(), run: &probes.Run{}}
		at := time.Now()
		s.noteSent(request{sent: at, unsure: c.unsure})
		s.applyEvent(event{Arrival: engine.Arrival{Read: at.Add(2e6), Kernel: at.Round(0).Add(c.rtt)}})
		if d := s.figures(); d.Clock != c.want || *d.RTTAvgNS != int64(c.rtt) {
			t.Errorf("%+v: %v by %s", c, *d.RTTAvgNS, d.Clock)
		}
	}
}

// TestICMP_Report reads as ping does.
func TestICMP_Report(t *testing.T) {
	s := seriesOf(10e6, 20e6, 0)
	s.applyEvent(event{kind: gotError, index: 2, err: icmpError{3, 4, 1400, netip.MustParseAddr("192.0.2.254")}})
	s.applyEvent(event{index: 1, Arrival: engine.Arrival{Read: time.Now()}})
	d := s.figures()
	d.TookNS = 2010e6
	var out strings.Builder
	d.Report(&out)
	want := `3 packets transmitted, 2 received, +1 duplicates, +1 errors, 33.33% packet loss, time 2010ms
1 time from 192.0.2.254: fragmentation needed, mtu 1400 (type 3 code 4)
rtt min/avg/max/mdev = 10.000/15.000/20.000/5.000 ms (user clock)
rtt p50 = 10.000 ms
jitter mean/rfc3550 = 10.000/0.625 ms
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	if got := d.Headline(); got.Summary != "2/3 replies, jitter 10.000 ms, fragmentation needed from 192.0.2.254" || got.Latency != 15*time.Millisecond || math.Abs(*got.Loss-1./3) > 1e-9 {
		t.Errorf("%+v", got)
	}
}

// TestICMP_EchoIsWhatOthersMake compares a request with that of x/net/icmp.
func TestICMP_EchoIsWhatOthersMake(t *testing.T) {
	for size := range 50 {
		payload := bytes.Repeat([]byte{0xfe}, size)
		want, err := (&icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: 0xabcd, Seq: 0x1234, Data: payload}}).Marshal(nil)
		if err != nil {
			t.Fatal(err)
		}
		got := append(make([]byte, icmpHeader), payload...)
		putICMPEcho(got, false, 0xabcd, 0x1234)
		if !bytes.Equal(got, want) || checksum(got) != 0 {
			t.Errorf("size %d: got %x, want %x", size, got, want)
		}
	}
}

func TestICMP_QuotedPackets(t *testing.T) {
	echo4 := "0800f7ff1234abcd" + "00112233"
	echo6 := "8000f7ff1234abcd" + "00112233"
	v4 := func(flags, proto, options string) string {
		return map[bool]string{true: "45", false: "46"}[options == ""] + "00001c0000" + flags + "40" + proto + "0000" + "0a000001" + "c0000201" + options
	}
	v6 := func(next string) string {
		return "60000000000c" + next + "40" + "fd09" + strings.Repeat("00", 13) + "01" + "fd09" + strings.Repeat("00", 13) + "02"
	}
	for name, c := range map[string]struct {
		v6 bool
		in string
		to string // "" when it cannot be read
	}{
		"IPv4":                         {false, v4("4000", "01", "") + echo4, "192.0.2.1"},
		"IPv4, the first fragment":     {false, v4("2000", "01", "") + echo4, "192.0.2.1"},
		"IPv4, a later fragment":       {false, v4("2001", "01", "") + echo4, ""},
		"IPv4 with options":            {false, v4("0000", "01", "94040000") + echo4, "192.0.2.1"},
		"IPv4, cut in its options":     {false, v4("0000", "01", "9404"), ""},
		"UDP":                          {false, v4("0000", "11", "") + echo4, ""},
		"IPv4, cut":                    {false, v4("0000", "01", "")[:38], ""},
		"IPv6":                         {true, v6("3a") + echo6, "fd09::2"},
		"IPv6 with hop-by-hop":         {true, v6("00") + "3a00050200000000" + echo6, "fd09::2"},
		"IPv6, the first fragment":     {true, v6("2c") + "3a00000100000001" + echo6, "fd09::2"},
		"IPv6, a later fragment":       {true, v6("2c") + "3a00000800000001" + echo6, ""},
		"IPv6, cut in an extension":    {true, v6("2b") + "3a02" + strings.Repeat("00", 12), ""},
		"IPv6, extensions without end": {true, v6("3c") + strings.Repeat("3c00000000000000", 12) + echo6, ""},
		"IPv6, cut":                    {true, v6("3a")[:70], ""},
		"nothing":                      {true, "", ""},
	} {
		b, err := hex.DecodeString(c.in)
		if err != nil {
			t.Fatal(err)
		}
		to, message, ok := quotedPacket(b, c.v6)
		if ok != (c.to != "") {
			t.Errorf("%s: read %v", name, ok)
			continue
		}
		if !ok {
			continue
		}
		e, echo := icmpQuoted(message, c.v6)
		if to.String() != c.to || !echo || e.id != 0x1234 || e.seq != 0xabcd || len(e.payload) != 4 {
			t.Errorf("%s: to %v, %+v", name, to, e)
		}
	}
}

func TestICMP_ErrorNames(t *testing.T) {
	for _, c := range []struct {
		typ, code uint8
		v6        bool
		want      string
	}{
		{3, 0, false, "net unreachable"}, {3, 15, false, "precedence cutoff in effect"}, {3, 99, false, "destination unreachable, code 99"},
		{11, 1, false, "fragment reassembly time exceeded"}, {11, 9, false, "time exceeded, code 9"}, {12, 7, false, "parameter problem, code 7"},
		{4, 0, false, "type 4 code 0"},
		{1, 3, true, "address unreachable"}, {1, 99, true, "destination unreachable, code 99"}, {2, 1, true, "packet too big, code 1"},
		{3, 0, true, "hop limit exceeded in transit"}, {4, 9, true, "parameter problem, code 9"},
	} {
		if got := (icmpError{typ: c.typ, code: c.code}).name(c.v6); got != c.want {
			t.Errorf("type %d code %d is %q, want %q", c.typ, c.code, got, c.want)
		}
	}
}

// FuzzICMPDecode reads whatever may come: no panic, and what is a reply to us
// is one after it was made again.
func FuzzICMPDecode(f *testing.F) {
	reply := append(make([]byte, icmpHeader), "0123456789abcdef, and more"...)
	putICMPEcho(reply, false, 1, 2)
	reply[0] = engine.ICMP4EchoReply
	f.Add(reply, false)
	packet := append([]byte{3, 4, 0, 0, 0, 0, 5, 0, 0x45, 0, 0, 60, 0, 0, 0, 0, 1, 1, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1}, reply...)
	f.Add(packet, false)
	f.Add(append([]byte{3, 0, 0, 0, 0, 0, 0, 0, 0x60, 0, 0, 0, 0, 60, 0, 64}, append(make([]byte, 32), 58, 0, 0, 0, 0, 0, 0, 0, 128, 0, 0, 0, 0, 1, 0, 2)...), true)
	f.Add([]byte{}, true)
	pattern := bytes.Repeat([]byte("pattern"), 10000)
	f.Fuzz(func(t *testing.T, b []byte, v6 bool) {
		if e, ok := icmpReply(b, v6); ok {
			if m, marked := markOf(e.payload); marked && len(e.payload) < 60000 {
				icmpFlaw(e.payload, m, pattern, len(e.payload))
				again := make([]byte, len(e.payload))
				m.put(again)
				copy(again[markLen:], pattern)
				if flaw := icmpFlaw(again, m, pattern, len(again)); flaw != "" {
					t.Errorf("a proper payload has the flaw %s", flaw)
				}
			}
		}
		if e, quoted, ok := errorOf(b, v6); ok {
			if e.text(v6) == "" || e.failure(v6) == "" {
				t.Errorf("%+v has no name", e)
			}
			if _, message, ok := quotedPacket(quoted, v6); ok {
				icmpQuoted(message, v6)
			}
		}
		inIPv4(b)
		checksum(b)
	})
}
