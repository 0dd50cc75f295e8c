package ntp

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/beevik/ntp"

	"netmon/internal/ntppacket"
	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/probes"
	"netmon/probes/engine"
	"netmon/wire"
)

func TestNTP(t *testing.T) {
	b := targets.HealthyNTP()
	b.Offset, b.Hold = 90*time.Minute, 500*time.Millisecond
	s := probetest.ServeNTP(t, b)
	for _, version := range []string{"3", "4"} {
		r := measureSteadily(t, "ntp", s.Addr, `{"version":`+version+`}`)
		probetest.WantFailure(t, r, wire.OK, "")
		d := probetest.DetailsOf[Details](t, r)
		// The server holds the request for half a second, which is no time on the way.
		rtt := time.Duration(*d.RTTNS)
		if rtt < 0 || rtt > b.Hold/2 {
			t.Errorf("delay %v", rtt)
		}
		if off := time.Duration(*d.OffsetNS) - b.Offset; off.Abs() > probetest.MostWrong(rtt) {
			t.Errorf("offset %v, want %v", time.Duration(*d.OffsetNS), b.Offset)
		}
		if *d.Stratum != 1 || *d.Leap != 0 || d.Version != int(version[0]-'0') || d.ReferenceID != "GPS" || *d.Poll != 6 || *d.Precision != -20 {
			t.Errorf("details %s", r.Details)
		}
		if rd := time.Duration(*d.RootDelayNS); rd.Round(100*time.Microsecond) != time.Millisecond {
			t.Errorf("root delay %v", rd)
		}
		want := (*d.RTTNS+*d.RootDelayNS)/2 + *d.RootDispersionNS
		if *d.RootDistanceNS != want {
			t.Errorf("root distance %d, want %d", *d.RootDistanceNS, want)
		}
		if age := time.Since(d.ReferenceTime.Add(-b.Offset)); age < 9*time.Second || age > 12*time.Second {
			t.Errorf("reference time %v", d.ReferenceTime)
		}
		if r.LatencyNS == nil || *r.LatencyNS != *d.RTTNS || *r.Loss != 0 {
			t.Errorf("latency %v, loss %v", r.LatencyNS, r.Loss)
		}
	}
}

// TestNTP_AgreesWithBeevik compares our figures with those of the library.
func TestNTP_AgreesWithBeevik(t *testing.T) {
	b := targets.HealthyNTP()
	b.Offset, b.Stratum, b.RefID, b.RootDelay = -37*time.Second, 3, "\xc0\x00\x02\x01", 12345*time.Microsecond
	s := probetest.ServeNTP(t, b)
	theirs, err := ntp.Query(s.Addr)
	if err != nil || theirs.Validate() != nil {
		t.Fatal(err, theirs.Validate())
	}
	d := probetest.DetailsOf[Details](t, measure(t, "ntp", s.Addr, ``))
	if apart := (theirs.ClockOffset - time.Duration(*d.OffsetNS)).Abs(); apart > probetest.MostWrong(theirs.RTT)+probetest.MostWrong(time.Duration(*d.RTTNS)) {
		t.Errorf("offset %v, theirs %v", time.Duration(*d.OffsetNS), theirs.ClockOffset)
	}
	if d.ReferenceID != theirs.ReferenceString() || d.ReferenceID != "192.0.2.1" || *d.Stratum != int(theirs.Stratum) ||
		time.Duration(*d.RootDelayNS) != theirs.RootDelay || time.Duration(*d.RootDispersionNS) != theirs.RootDispersion ||
		ntppacket.Log2Seconds(int8(*d.Precision)) != theirs.Precision || ntppacket.Log2Seconds(int8(*d.Poll)) != theirs.Poll {
		t.Errorf("%+v\ntheirs %+v", d, theirs)
	}
}

func TestNTP_Failures(t *testing.T) {
	change := func(f func(*targets.NTPBehaviour)) targets.NTPBehaviour {
		b := targets.HealthyNTP()
		f(&b)
		return b
	}
	for name, c := range map[string]struct {
		server  targets.NTPBehaviour
		options string
		outcome wire.Outcome
		failure wire.Failure
		text    string
	}{
		"leap 3, stratum 16":         {targets.UnsynchronisedNTP(), ``, wire.Failed, wire.FailUnsynced, "leap 3, stratum 16"},
		"leap 3 alone":               {change(func(b *targets.NTPBehaviour) { b.Leap = 3 }), ``, wire.Failed, wire.FailUnsynced, "leap 3, stratum 1"},
		"stratum 16 alone":           {change(func(b *targets.NTPBehaviour) { b.Stratum = 16 }), ``, wire.Failed, wire.FailUnsynced, "stratum 16"},
		"stratum 0 without a code":   {change(func(b *targets.NTPBehaviour) { b.Stratum, b.RefID = 0, "" }), ``, wire.Failed, wire.FailUnsynced, "stratum 0"},
		"stratum 0, a code INIT":     {targets.KissNTP("INIT"), ``, wire.Failed, wire.FailUnsynced, `kiss code "INIT"`},
		"not set for two days":       {change(func(b *targets.NTPBehaviour) { b.Age = 48 * time.Hour }), ``, wire.Failed, wire.FailUnsynced, "last set"},
		"kiss RATE":                  {targets.KissNTP("RATE"), ``, wire.Failed, wire.FailKissOfDeath, "asked too often; not asking again until"},
		"kiss DENY":                  {targets.KissNTP("DENY"), ``, wire.Failed, wire.FailKissOfDeath, "access denied"},
		"another kiss":               {targets.KissNTP("CRYP"), ``, wire.Failed, wire.FailKissOfDeath, "kiss code CRYP"},
		"wrong origin":               {change(func(b *targets.NTPBehaviour) { b.WrongOrigin = true }), ``, wire.Failed, wire.FailWrongOrigin, "origin timestamp"},
		"a kiss with a wrong origin": {change(func(b *targets.NTPBehaviour) { b.WrongOrigin, b.Stratum, b.RefID = true, 0, "DENY" }), ``, wire.Failed, wire.FailWrongOrigin, ""},
		"wrong origin, then right":   {change(func(b *targets.NTPBehaviour) { b.WrongOrigin, b.ThenRight = true, true }), ``, wire.OK, "", ""},
		"silence":                    {change(func(b *targets.NTPBehaviour) { b.Silent = true }), ``, wire.Failed, wire.FailNoAnswer, "no answer to 1 request"},
		"too short":                  {change(func(b *targets.NTPBehaviour) { b.Cut = 1 }), ``, wire.Failed, wire.FailBadAnswer, "47 bytes"},
		"a client's packet":          {change(func(b *targets.NTPBehaviour) { b.Mode = 3 }), ``, wire.Failed, wire.FailBadAnswer, "mode is 3"},
		"no transmit timestamp":      {change(func(b *targets.NTPBehaviour) { b.NoTransmit = true }), ``, wire.Failed, wire.FailBadAnswer, "zero"},
		"sent before received":       {change(func(b *targets.NTPBehaviour) { b.Backwards = true }), ``, wire.Failed, wire.FailBadAnswer, "before it received"},
		"root distance over 16 s":    {change(func(b *targets.NTPBehaviour) { b.RootDispersion = 17 * time.Second }), ``, wire.Failed, wire.FailBadAnswer, "dispersion"},
		"set in the future":          {change(func(b *targets.NTPBehaviour) { b.Age = -time.Hour }), ``, wire.Failed, wire.FailBadAnswer, "invalid time"},
		"a leap second ahead":        {change(func(b *targets.NTPBehaviour) { b.Leap = 1 }), ``, wire.OK, "", ""},
		"expected stratum":           {change(func(b *targets.NTPBehaviour) { b.Stratum = 4 }), `{"expect":{"stratum":3}}`, wire.Failed, wire.FailMismatch, "stratum: want at most 3, got 4"},
		"expected offset":            {change(func(b *targets.NTPBehaviour) { b.Offset = -time.Second }), `{"expect":{"offset":"100ms"}}`, wire.Failed, wire.FailMismatch, "offset: want at most ±100ms, got -"},
		"expected root distance":     {targets.HealthyNTP(), `{"expect":{"root_distance":"1ms"}}`, wire.Failed, wire.FailMismatch, "root_distance: want at most"},
		"all as expected":            {targets.HealthyNTP(), `{"expect":{"stratum":1,"offset":"100ms","root_distance":"100ms"}}`, wire.OK, "", ""},
		"inverted: silence":          {change(func(b *targets.NTPBehaviour) { b.Silent = true }), `{"invert":true}`, wire.OK, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := measureWithin(t, 200*time.Millisecond, "ntp", probetest.ServeNTP(t, c.server).Addr, c.options)
			probetest.WantFailure(t, r, c.outcome, c.failure)
			if !strings.Contains(r.Error, c.text) {
				t.Errorf("error %q, want %q in it", r.Error, c.text)
			}
			k, _ := Kinds().Find("ntp")
			var report strings.Builder
			if err := k.Report(r.Details, &report); err != nil {
				t.Error(err)
			}
			t.Logf("%s\n%s", r.Summary, report.String())
		})
	}
	r := measure(t, "ntp", probetest.ClosedUDP(t), ``)
	probetest.WantFailure(t, r, wire.Failed, wire.FailRefused)
}

// TestNTP_RateBacksOff: after RATE nothing is sent until the time has come.
func TestNTP_RateBacksOff(t *testing.T) {
	b := targets.KissNTP("RATE")
	b.Poll = 7
	s := probetest.ServeNTP(t, b)
	env := &probes.Env{}
	c, err := Kinds().New(env, "ntp", s.Addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := Kinds().New(env, "ntp", s.Addr, json.RawMessage(`{"version":3}`))
	if err != nil {
		t.Fatal(err)
	}
	first := c.Run(t.Context(), time.Second, nil)
	probetest.WantFailure(t, first, wire.Failed, wire.FailKissOfDeath)
	d := probetest.DetailsOf[Details](t, first)
	if d.KissCode != "RATE" || d.BackoffUntil == nil || d.OffsetNS != nil || first.LatencyNS != nil {
		t.Fatalf("details %s", first.Details)
	}
	if wait := time.Until(*d.BackoffUntil).Round(time.Second); wait != 128*time.Second {
		t.Errorf("left alone for %v, want the 2^7 s of the packet", wait)
	}
	s.Set(targets.HealthyNTP())
	for _, again := range []*probes.Check{c, other} {
		r := again.Run(t.Context(), time.Second, nil)
		probetest.WantFailure(t, r, wire.Failed, wire.FailKissOfDeath)
		if d := probetest.DetailsOf[Details](t, r); d.Sent != 0 || d.KissCode != "RATE" || d.BackoffUntil == nil || r.Loss != nil || !strings.HasPrefix(r.Error, "nothing was sent: ") {
			t.Errorf("%q, details %s", r.Error, r.Details)
		}
	}
	if s.Heard() != 1 {
		t.Errorf("the server heard %d requests, want 1", s.Heard())
	}
	held, _ := kissesOf(env)
	server := netip.MustParseAddrPort(s.Addr)
	held.mu.Lock()
	h := held.servers[server]
	h.until = time.Now()
	held.servers[server] = h
	held.mu.Unlock()
	probetest.WantFailure(t, c.Run(t.Context(), time.Second, nil), wire.OK, "")
	if len(held.servers) != 0 {
		t.Errorf("a good answer did not end the back-off: %v", held.servers)
	}
}

func TestKisses_Hold(t *testing.T) {
	now := time.Now()
	k := &kisses{servers: map[netip.AddrPort]kissHold{}}
	server := netip.MustParseAddrPort("192.0.2.1:123")
	for _, step := range []struct {
		code string
		poll int8
		want time.Duration
	}{
		{"RATE", 3, 64 * time.Second},
		{"RATE", 3, 128 * time.Second},
		{"RATE", 10, 1024 * time.Second},
		{"RATE", 127, time.Hour},
		{"RATE", -128, time.Hour},
		{"DENY", 6, 2 * time.Hour},
		{"RSTR", 6, 4 * time.Hour},
	} {
		if got := k.hold(server, step.code, step.poll, now).Sub(now); got != step.want {
			t.Errorf("%s with poll %d: %v, want %v", step.code, step.poll, got, step.want)
		}
	}
	if !k.hold(server, "CRYP", 6, now).IsZero() {
		t.Error("CRYP asks for nothing")
	}
}

// TestNTP_Samples bypasses Validate, which protects other people's servers.
func TestNTP_Samples(t *testing.T) {
	b := targets.HealthyNTP()
	s := probetest.ServeNTP(t, b)
	p := newProbe()
	p.Samples, p.Interval = 4, wire.Duration(20*time.Millisecond)
	run := probes.NewRun(s.Addr, &probes.Env{}, func(s probes.Step) { t.Log(s.Text) })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	d, err := p.Measure(ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	if d.Sent != 4 || len(d.Samples) != 4 || d.JitterNS == nil {
		t.Fatalf("%+v", d)
	}
	least := int64(math.MaxInt64)
	for _, a := range d.Samples {
		least = min(least, a.RTTNS)
	}
	if *d.RTTNS != least {
		t.Errorf("delay %d is not the least of %v", *d.RTTNS, d.Samples)
	}
	p.Interval = wire.Duration(time.Second)
	short, cancel := context.WithTimeout(t.Context(), 800*time.Millisecond)
	defer cancel()
	_, err = p.Measure(short, run)
	if !probes.FailureIs(err, wire.FailTimeout) {
		t.Errorf("a timeout shorter than the samples take gives %v", err)
	}
	b.Silent = true
	s.Set(b)
	p.Interval = wire.Duration(20 * time.Millisecond)
	short, cancel = context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	d, err = p.Measure(short, run)
	if !probes.FailureIs(err, wire.FailNoAnswer) || d.Sent != 4 {
		t.Errorf("silence gives %v after %d requests", err, d.Sent)
	}
}

func TestNTP_RefusesBadOptions(t *testing.T) {
	want := `options.version: want 3 or 4, got 5
options.port: want 1 to 65535, got 70000
options.samples: want 1 to 8, got 9
options.interval: want at least 2s, got "1s"
options.expect.stratum: want 1 to 15, got 16
options.expect.offset: want a positive duration, got "-1s"
options.expect.root_distance: want a positive duration, got "-1s"`
	if got := refused(t, "ntp", "h", `{"version":5,"port":70000,"samples":9,"interval":"1s","expect":{"stratum":16,"offset":"-1s","root_distance":"-1s"}}`); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	m := wire.Monitor{Name: "m", Kind: "ntp", Target: "h", Every: wire.Duration(time.Second)}
	if err := Kinds().CheckMonitor(m); err == nil || !strings.Contains(err.Error(), `every: kind ntp allows at least 4s, got "1s"`) {
		t.Errorf("every second: %v", err)
	}
}

func TestNTP_DefaultPort(t *testing.T) {
	for target, options := range map[string]string{"127.0.0.1": `{"port":1}`, "[::1]:1": ``, "127.0.0.1:1": `{"port":1}`} {
		r := measureWithin(t, 200*time.Millisecond, "ntp", target, options)
		if !strings.Contains(r.Error, ":1: ") && !strings.Contains(r.Error, ":1:") {
			t.Errorf("%s %s: %s", target, options, r.Error)
		}
	}
}

func TestNTPTime(t *testing.T) {
	for _, near := range []string{"2026-11-24T00:00:00Z", "2036-02-07T06:28:15Z", "2036-02-07T06:28:17Z", "2040-01-01T00:00:00Z"} {
		at, _ := time.Parse(time.RFC3339, near)
		for _, apart := range []time.Duration{0, 123456789, -time.Hour, 24 * time.Hour, -60 * 365 * 24 * time.Hour} {
			want := at.Add(apart)
			stamp := uint64(uint32(want.Unix()+2208988800))<<32 | uint64(want.Nanosecond())<<32/1e9
			if got := ntppacket.Time(stamp, at); got.Sub(want).Abs() > time.Nanosecond {
				t.Errorf("near %s: got %v, want %v", near, got, want)
			}
		}
	}
}

func TestNTP_ReferenceID(t *testing.T) {
	for want, m := range map[string]ntppacket.Message{
		"PPS":        {Stratum: 1, RefID: [4]byte{'P', 'P', 'S'}},
		"0x01020304": {Stratum: 1, RefID: [4]byte{1, 2, 3, 4}},
		"RATE":       {Stratum: 0, RefID: [4]byte{'R', 'A', 'T', 'E'}},
		"10.0.0.1":   {Stratum: 2, RefID: [4]byte{10, 0, 0, 1}},
		"":           {},
	} {
		if got := m.ReferenceID(); got != want {
			t.Errorf("%+v: %q, want %q", m, got, want)
		}
	}
}

func FuzzNTPAnswer(f *testing.F) {
	healthy := make([]byte, 48)
	healthy[0], healthy[1] = 4<<3|4, 1
	binary.BigEndian.PutUint64(healthy[32:], 0xee000000_00000000)
	binary.BigEndian.PutUint64(healthy[40:], 0xee000000_10000000)
	f.Add(healthy)
	f.Add([]byte("\xe4\x00\x03RATE"))
	f.Add(append(healthy, make([]byte, 200)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		now := time.Now()
		x := exchange{Probe: newProbe(), run: &probes.Run{}, held: &kisses{servers: map[netip.AddrPort]kissHold{}}, sent: []sent{{0, now, false}}}
		s, err := x.read(engine.Arrival{Payload: b, Read: now.Add(time.Millisecond)})
		if err != nil {
			return
		}
		var d Details
		err = x.accept(s, &d)
		d.setFigures([]sample{s}, 1)
		if err == nil && (s.Leap == 3 || s.Stratum == 0 || s.Stratum > 15) {
			t.Errorf("believed %+v", s)
		}
		if s.delay() < 0 {
			t.Errorf("delay %v", s.delay())
		}
		if _, err := json.Marshal(d); err != nil {
			t.Error(err)
		}
		d.Report(new(strings.Builder))
		_ = d.Headline()
	})
}

func TestNTP_Golden(t *testing.T) {
	b := targets.HealthyNTP()
	b.Offset = 1500 * time.Millisecond
	r := measure(t, "ntp", probetest.ServeNTP(t, b).Addr, `{"expect":{"offset":"1s"}}`)
	probetest.Golden(t, r, map[string]string{
		`\+?1\.5?\d*(s|e[^"]*)|1\.499\d*s`:        "1.5s",
		`(?s)\n    "clock_synchronised".*?\n  \}`: "\n    \"clock_synchronised\": false\n  }", // this host's
	})
}
