package probes

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"syscall"
	"time"

	"netmon/wire"
)

// ICMP sends echo requests (RFC 792, RFC 4443 section 4).
type ICMP struct {
	Common
	Count    int           `json:"count" help:"echo requests of a run, 1 to 1000"`
	Interval wire.Duration `json:"interval" help:"time from one request to the next, at least 1ms"`
	Wait     wire.Duration `json:"wait,omitempty" zero:"no" help:"time that a reply may take; one that takes longer is late, and lost; default: the rest of the timeout"`
	Size     int           `json:"size" help:"payload of a request, bytes, 24 to 65507; with the ICMP and IP headers the packet is 28 bytes longer, 48 with IPv6"`
	TTL      int           `json:"ttl,omitempty" zero:"no" help:"TTL or hop limit of the requests, 1 to 255; default: the system's, usually 64"`
	DSCP     int           `json:"dscp,omitempty" help:"differentiated services code point of the requests, 0 to 63 (RFC 2474), such as 46 for EF"`
	DF       bool          `json:"df,omitempty" help:"do not fragment: a request that is larger than a link on its way does not arrive, whatever path MTU was learned before; Linux only"`
	Expect   ICMPExpect    `json:"expect,omitzero"`
}

// ICMPExpect is what the replies must be like.
type ICMPExpect struct {
	Loss   *float64      `json:"loss,omitempty" help:"the greatest part of the requests that may stay without reply, 0 to 1; default: one reply is enough"`
	Jitter wire.Duration `json:"jitter,omitempty" zero:"no" help:"the greatest rtt_jitter_ns that is still ok; needs a count of 2 or more"`
	MinTTL int           `json:"min_ttl,omitempty" zero:"no" help:"the least TTL or hop limit that every reply must have left when it arrives, 1 to 255"`
}

const (
	icmpMaxCount = 1000
	icmpMinSize  = 24    // what pro-bing and our own mark need
	icmpMaxSize  = 65507 // of IPv4: 65535 less the IP and ICMP headers
)

func newICMP() ICMP { return ICMP{Count: 1, Interval: wire.Duration(time.Second), Size: 56} }

// Validate implements Probe.
func (p ICMP) Validate(target string) error {
	var problems wire.Problems
	if err := checkHost(target); err != nil {
		problems.Addf("target", "want a host, got %q: %w", target, err)
	}
	between := func(path string, v, least, most int) {
		if v < least || v > most {
			problems.Addf(path, "want %d to %d, got %d", least, most, v)
		}
	}
	between("count", p.Count, 1, icmpMaxCount)
	if p.Interval.Std() < time.Millisecond {
		problems.Addf("interval", "want at least 1ms, got %q", p.Interval)
	}
	if p.Wait < 0 {
		problems.Addf("wait", "want a positive duration, got %q", p.Wait)
	}
	between("size", p.Size, icmpMinSize, icmpMaxSize)
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
func (p ICMP) Ready(*Env) error { return icmpReady() }

// Measure implements Probe.
func (p ICMP) Measure(ctx context.Context, run *Run) (ICMPDetails, error) {
	var d ICMPDetails
	addrs, took, err := p.resolve(ctx, run, "icmp", run.Target, 0)
	d.ResolveNS, d.ResolveAgeNS = int64(took), run.resolveAge()
	if err != nil {
		return d, err
	}
	err = firstThatAnswers(ctx, run, addrs, func(attempt context.Context, a netip.Addr) error {
		s := icmpSeries{ICMP: p, run: run, to: a, last: a == addrs[len(addrs)-1]}
		run.Reached(a.String())
		err := s.exchange(ctx, attempt)
		d = s.figures()
		d.ResolveNS, d.ResolveAgeNS = int64(took), run.resolveAge()
		if err == nil {
			err = s.judge(&d)
		}
		return err
	})
	if ctx.Err() == context.Canceled {
		return d, ctx.Err()
	}
	return d, err
}

// icmpPermission is the error of a process that may open no ICMP socket: how to
// get one. Other errors say that something else is wrong.
func icmpPermission(err error) error {
	if !errors.Is(err, os.ErrPermission) && !errors.Is(err, syscall.EPERM) {
		return broken(wire.BrokenLocal, "open an ICMP socket: %w", err)
	}
	if runtime.GOOS != "linux" {
		return broken(wire.BrokenPermission, "ICMP needs a privileged process here: run netmon as administrator")
	}
	exe, eerr := os.Executable()
	if eerr != nil {
		exe = "netmon"
	}
	return broken(wire.BrokenPermission, "ICMP needs a permission: run `sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"` or `setcap cap_net_raw+ep %s` as root", exe)
}

// judge turns the figures into the outcome.
func (s *icmpSeries) judge(d *ICMPDetails) error {
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
		got := "a TTL that this system does not tell"
		if d.TTLMin > 0 {
			got = fmt.Sprint(d.TTLMin)
		}
		s.run.Expect(d.TTLMin >= e.MinTTL, "min_ttl", fmt.Sprintf("at least %d", e.MinTTL), got)
	}
	if e.Loss != nil && (s.drops == 0 && !s.blind || d.Lost == 0) {
		s.run.Expect(*d.Loss <= *e.Loss, "loss", fmt.Sprintf("at most %.4g %%", *e.Loss*100), fmt.Sprintf("%.4g %%", *d.Loss*100))
		if *d.Loss > *e.Loss && len(s.run.unmet) == 1 {
			return fail(wire.FailLoss, "%d of %d requests stayed without reply, want at most %.4g %%", d.Lost, d.Sent, *e.Loss*100)
		}
	}
	switch {
	case len(s.run.unmet) > 0:
		return nil
	case e.Loss != nil && *d.Loss > *e.Loss:
		return s.dropped()
	}
	return s.err
}

// dropped is the error of a run whose loss may be this host's own.
func (s *icmpSeries) dropped() error {
	if s.drops == 0 {
		return broken(wire.BrokenLocal, "more came to this host's own socket than could be read in time: nothing is known of the target's loss")
	}
	return broken(wire.BrokenLocal, "%d packets were lost at this host's own socket, full: nothing is known of the target's loss", s.drops)
}

// silence is the error of a run without any reply: the ICMP error that came
// instead says most, then what was no proper reply.
func (s *icmpSeries) silence(d *ICMPDetails) error {
	requests := fmt.Sprintf("%d %s", d.Sent, pluralOf(d.Sent, "request"))
	switch {
	case len(s.errors) > 0:
		return fail(s.errors[0].failure(s.to.Is6()), "no reply to %s: %s from %s", requests, s.errors[0].text(s.to.Is6()), s.errors[0].from)
	case d.Corrupted > 0:
		return fail(wire.FailBadAnswer, "no reply to %s, and %d that did not bring back what was sent: %s", requests, d.Corrupted, s.flaw)
	case d.Late > 0 && s.Wait > 0:
		return fail(wire.FailNoAnswer, "no reply to %s within %v, and %d late", requests, s.Wait, d.Late)
	case d.WrongSource > 0:
		return fail(wire.FailNoAnswer, "no reply to %s, but %d from %s, which was not asked", requests, d.WrongSource, s.stranger)
	case s.drops > 0 || s.blind:
		return s.dropped()
	case s.err != nil:
		return s.err
	}
	return fail(wire.FailNoAnswer, "no reply to %s", requests)
}
