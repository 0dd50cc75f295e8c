package icmp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"syscall"
	"time"

	"netmon/probes"
	"netmon/probes/internal/figures"
	"netmon/wire"
)

// Probe sends echo requests (RFC 792, RFC 4443 section 4).
type Probe struct {
	probes.Common
	Count    int           `json:"count" help:"echo requests of a run, 1 to 1000"`
	Interval wire.Duration `json:"interval" help:"time from one request to the next, at least 1ms"`
	Wait     wire.Duration `json:"wait,omitempty" zero:"no" help:"time that a reply may take; one that takes longer is late, and lost; default: the rest of the timeout"`
	Size     int           `json:"size" help:"payload of a request, bytes, 24 to 65507; with the ICMP and IP headers the packet is 28 bytes longer, 48 with IPv6"`
	TTL      int           `json:"ttl,omitempty" zero:"no" help:"TTL or hop limit of the requests, 1 to 255; default: the system's, usually 64"`
	DSCP     int           `json:"dscp,omitempty" help:"differentiated services code point of the requests, 0 to 63 (RFC 2474), such as 46 for EF"`
	DF       bool          `json:"df,omitempty" help:"do not fragment: a request that is larger than a link on its way does not arrive, whatever path MTU was learned before; Linux only"`
	Expect   Expect        `json:"expect,omitzero"`
}

// Expect is what the replies must be like.
type Expect struct {
	Loss   *float64      `json:"loss,omitempty" help:"the greatest part of the requests that may stay without reply, 0 to 1; default: one reply is enough"`
	Jitter wire.Duration `json:"jitter,omitempty" zero:"no" help:"the greatest rtt_jitter_ns that is still ok; needs a count of 2 or more"`
	MinTTL int           `json:"min_ttl,omitempty" zero:"no" help:"the least TTL or hop limit that every reply must have left when it arrives, 1 to 255"`
}

const (
	maxCount = 1000
	// mostSockets bounds the shared sockets of a family that are open at
	// once. When all have runs that continue, no further one is opened.
	mostSockets = 8
	minSize     = 24    // what pro-bing and our own mark need
	maxSize     = 65507 // of IPv4: 65535 less the IP and ICMP headers
)

func newProbe() Probe { return Probe{Count: 1, Interval: wire.Duration(time.Second), Size: 56} }

// Validate implements Probe.
func (p Probe) Validate(target string) error {
	var problems wire.Problems
	problems.Add("target", probes.CheckHostTarget(target, probes.NoPort{
		Why:     "ICMP has no ports",
		Instead: "measure port %s with the kind tcp or udp",
	}))
	between := func(path string, v, least, most int) {
		if v < least || v > most {
			problems.Addf(path, "want %d to %d, got %d", least, most, v)
		}
	}
	between("count", p.Count, 1, maxCount)
	if p.Interval.Std() < time.Millisecond {
		problems.Addf("interval", "want at least 1ms, got %q", p.Interval)
	}
	if p.Wait < 0 {
		problems.Addf("wait", "want a positive duration, got %q", p.Wait)
	}
	between("size", p.Size, minSize, maxSize)
	between("ttl", p.TTL, 0, 255)
	between("dscp", p.DSCP, 0, 63)
	if p.DF && runtime.GOOS != "linux" {
		problems.Addf("df", "needs Linux")
	}
	if l := p.Expect.Loss; l != nil && (*l < 0 || *l >= 1) {
		problems.Addf("expect.loss", "want 0 to less than 1, got %v", *l)
	}
	if p.Expect.Jitter < 0 {
		problems.Addf("expect.jitter", "want a positive duration, got %q", p.Expect.Jitter)
	}
	if p.Expect.Jitter > 0 && p.Count == 1 {
		problems.Addf("expect.jitter", "want a count of 2 or more, got %d", p.Count)
	}
	between("expect.min_ttl", p.Expect.MinTTL, 0, 255)
	return problems.Err()
}

// Ready says whether an ICMP socket can be had, and how to get one.
func (p Probe) Ready(*probes.Env) error { return ready() }

// Measure implements Probe.
func (p Probe) Measure(ctx context.Context, run *probes.Run) (Details, error) {
	var d Details
	addrs, took, err := p.Resolve(ctx, run, "icmp", run.Target, 0)
	d.ResolveNS, d.ResolveAgeNS = int64(took), run.ResolveAge()
	if err != nil {
		return d, err
	}
	var tried any
	err = probes.FirstThatAnswers(ctx, run, addrs, func(attempt context.Context, a netip.Addr) error {
		s := series{Probe: p, run: run, to: a, last: a == addrs[len(addrs)-1], tried: tried}
		run.Reached(a.String())
		err := s.exchange(ctx, attempt)
		tried = s.tried
		d = s.figures()
		d.ResolveNS, d.ResolveAgeNS = int64(took), run.ResolveAge()
		if err == nil {
			err = s.checkExpectations(&d)
		}
		return err
	})
	if ctx.Err() == context.Canceled {
		return d, ctx.Err()
	}
	return d, err
}

// permission is the error of a process that may open no ICMP socket: how to
// get one. Other errors say that something else is wrong.
func permission(err error) error {
	if !errors.Is(err, os.ErrPermission) && !errors.Is(err, syscall.EPERM) {
		return probes.Broken(wire.BrokenLocal, "open an ICMP socket: %w", err)
	}
	if runtime.GOOS != "linux" {
		return probes.Broken(wire.BrokenPermission, "ICMP needs a privileged process here: run netmon as administrator")
	}
	exe, eerr := os.Executable()
	if eerr != nil {
		exe = "netmon"
	}
	return probes.Broken(wire.BrokenPermission, "ICMP needs a permission: run `sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"` or `setcap cap_net_raw+ep %s` as root", exe)
}

// checkExpectations turns the figures into the outcome.
func (s *series) checkExpectations(d *Details) error {
	if d.Received == 0 {
		return s.silence(d)
	}
	e := s.Expect
	if most := e.Jitter.Std(); most > 0 {
		got, ok := "no jitter: one reply alone", false
		if d.RTTJitterNS != nil {
			jitter := time.Duration(*d.RTTJitterNS)
			got, ok = jitter.String(), jitter <= most
		}
		s.run.Expect(ok, "jitter", fmt.Sprintf("at most %v", most), got)
	}
	if e.MinTTL > 0 {
		got := "a TTL that this system does not report"
		if d.TTLMin > 0 {
			got = fmt.Sprint(d.TTLMin)
		}
		s.run.Expect(d.TTLMin >= e.MinTTL, "min_ttl", fmt.Sprintf("at least %d", e.MinTTL), got)
	}
	if e.Loss != nil && (s.drops == 0 && !s.blind || d.Lost == 0) {
		s.run.Expect(*d.Loss <= *e.Loss, "loss", fmt.Sprintf("at most %.4g %%", *e.Loss*100), fmt.Sprintf("%.4g %%", *d.Loss*100))
		if *d.Loss > *e.Loss && s.run.Misses() == 1 {
			return probes.Fail(wire.FailLoss, "%d of %d requests stayed without reply, want at most %.4g %%", d.Lost, d.Sent, *e.Loss*100)
		}
	}
	switch {
	case s.run.Misses() > 0:
		return nil
	case e.Loss != nil && *d.Loss > *e.Loss:
		return s.dropped()
	}
	return s.err
}

// dropped is the error of a run whose loss may be this host's own.
func (s *series) dropped() error {
	if s.drops == 0 {
		return probes.Broken(wire.BrokenLocal, "more came to this host's own socket than could be read in time: nothing is known of the target's loss")
	}
	return probes.Broken(wire.BrokenLocal, "%s lost because this host's own socket was full: nothing is known of the target's loss", figures.Counted(s.drops, "packet"))
}

// silence is the error of a run without any reply: the ICMP error that came
// instead says most, then what was not a proper reply.
func (s *series) silence(d *Details) error {
	requests := figures.Counted(d.Sent, "request")
	switch {
	case len(s.errors) > 0:
		return probes.Fail(s.errors[0].failure(s.to.Is6()), "no reply to %s: %s from %s", requests, s.errors[0].text(s.to.Is6()), s.errors[0].from)
	case d.Corrupted > 0:
		return probes.Fail(wire.FailBadAnswer, "no reply to %s, but %d that did not return what was sent: %s", requests, d.Corrupted, s.flaw)
	case d.Late > 0 && s.Wait > 0:
		return probes.Fail(wire.FailNoAnswer, "no reply to %s within %v, and %d late", requests, s.Wait, d.Late)
	case d.WrongSource > 0:
		return probes.Fail(wire.FailNoAnswer, "no reply to %s, but %d from %s, which was not asked", requests, d.WrongSource, s.stranger)
	case s.drops > 0 || s.blind:
		return s.dropped()
	case s.err != nil:
		return s.err
	}
	return probes.Fail(wire.FailNoAnswer, "no reply to %s", requests)
}

// Footprint implements Probe.
func (p Probe) Footprint(target string) probes.Footprint {
	return probes.Footprint{Probes: p.Count, Gap: p.Interval.Std(), Number: "count", Places: []probes.Place{{Option: "target", Network: "icmp", Host: probes.CanonicalHost(target)}}}
}

// Kinds returns the kind icmp.
func Kinds() probes.List {
	return probes.List{
		probes.NewKind(probes.Kind{
			Name: "icmp", Target: "HOST", Example: "192.0.2.1", Doc: "sends echo requests: loss, round trip, jitter", Propose: func(host, _ string) string { return host },
			Main:    []string{"count", "expect.loss", "size", "within"},
			Limits:  limits,
			Metrics: metrics(),
			Modules: []probes.Module{{Name: "icmp", Options: `{"count":1}`}, {Name: "icmp_ttl5", Options: `{"count":1,"ttl":5}`}},
		}, newProbe),
	}
}
