package probes

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"netmon/wire"
)

// NTP asks a time server what time it is, and whether it may be believed.
type NTP struct {
	Common
	Version  int           `json:"version" help:"protocol version of the requests, 3 (RFC 1305) or 4 (RFC 5905)"`
	Port     int           `json:"port,omitempty" zero:"no" help:"UDP port of a target that names none; default: 123"`
	Samples  int           `json:"samples" help:"requests of a run, 1 to 8; the answer with the least delay counts (RFC 5905 section 10)"`
	Interval wire.Duration `json:"interval" help:"time between two requests of a run, at least 2s: servers that limit their clients drop what comes faster"`
	Expect   NTPExpect     `json:"expect,omitzero"`
}

// NTPExpect is what the server must be like.
type NTPExpect struct {
	Stratum      int           `json:"stratum,omitempty" zero:"no" help:"the greatest stratum that is still ok, 1 to 15"`
	Offset       wire.Duration `json:"offset,omitempty" zero:"no" help:"the greatest offset that is still ok, to either side"`
	RootDistance wire.Duration `json:"root_distance,omitempty" zero:"no" help:"the greatest root distance that is still ok"`
}

const (
	ntpMaxSamples = 8
	ntpMostBogus  = 1000 // datagrams that are no answer; a flood is not listened to for longer
	// ntpGuard is the least time between two requests to one server: ntpd drops
	// what comes faster from one address (ntp.conf, discard minimum), as chrony
	// sends no burst faster than it either.
	ntpGuard = 2 * time.Second
	// ntpMinEvery is the least interval between runs. Two runs of one sample
	// stay apart by ntpGuard even when the earlier one came late. A public
	// server wants far more: once in 64 s is usual.
	ntpMinEvery = 4 * time.Second
)

func newNTP() NTP { return NTP{Version: 4, Samples: 1, Interval: wire.Duration(ntpGuard)} }

// Validate implements Probe.
func (p NTP) Validate(target string) error {
	var problems wire.Problems
	_, _, err := splitTarget(target, "123")
	problems.Add("target", err)
	if p.Version != 3 && p.Version != 4 {
		problems.Addf("version", "want 3 or 4, got %d", p.Version)
	}
	if p.Port < 0 || p.Port > 65535 {
		problems.Addf("port", "want 1 to 65535, got %d", p.Port)
	}
	if _, port, err := splitTarget(target, ""); err == nil && p.Port != 0 && int(port) != p.Port {
		problems.Addf("port", "the target names port %d, and this option %d: give one", port, p.Port)
	}
	if p.Samples < 1 || p.Samples > ntpMaxSamples {
		problems.Addf("samples", "want 1 to %d, got %d", ntpMaxSamples, p.Samples)
	}
	if p.Interval.Std() < ntpGuard {
		problems.Addf("interval", "want at least %v, got %q", ntpGuard, p.Interval)
	}
	if s := p.Expect.Stratum; s < 0 || s > 15 {
		problems.Addf("expect.stratum", "want 1 to 15, got %d", s)
	}
	if p.Expect.Offset < 0 {
		problems.Addf("expect.offset", "want a positive duration, got %q", p.Expect.Offset)
	}
	if p.Expect.RootDistance < 0 {
		problems.Addf("expect.root_distance", "want a positive duration, got %q", p.Expect.RootDistance)
	}
	return problems.Err()
}

func (p NTP) defaultPort() string {
	if p.Port != 0 {
		return strconv.Itoa(p.Port)
	}
	return "123"
}

// Measure implements Probe.
func (p NTP) Measure(ctx context.Context, run *Run) (NTPDetails, error) {
	var d NTPDetails
	host, port, err := splitTarget(run.Target, p.defaultPort())
	if err != nil {
		return d, err
	}
	addrs, took, err := p.resolve(ctx, run, "udp", host, port)
	d.ResolveNS, d.ResolveAgeNS = int64(took), run.resolveAge()
	if err != nil {
		return d, err
	}
	held, err := kissesOf(run.Env)
	if err != nil {
		return d, err
	}
	d.localClock(run)
	if addrs, err = held.allowed(run, &d, addrs, port); err != nil {
		return d, err
	}
	return p.exchange(ctx, run, held, addrs, port, d)
}

// exchange asks one address after the other until one answers. known is what is
// known before.
func (p NTP) exchange(ctx context.Context, run *Run, held *kisses, addrs []netip.Addr, port uint16, known NTPDetails) (d NTPDetails, err error) {
	d = known
	err = firstThatAnswers(ctx, run, addrs, func(attempt context.Context, a netip.Addr) error {
		d = known
		x := ntpExchange{NTP: p, run: run, held: held, to: netip.AddrPortFrom(a, port)}
		return x.measure(ctx, attempt, &d)
	})
	if ctx.Err() == context.Canceled {
		return d, ctx.Err()
	}
	if err == nil {
		p.judge(run, &d)
	}
	return d, err
}

// judge checks what is expected of the server.
func (p NTP) judge(run *Run, d *NTPDetails) {
	if most := p.Expect.Stratum; most > 0 {
		run.Expect(*d.Stratum <= most, "stratum", fmt.Sprintf("at most %d", most), strconv.Itoa(*d.Stratum))
	}
	if most := p.Expect.Offset.Std(); most > 0 {
		offset := time.Duration(*d.OffsetNS)
		run.Expect(offset.Abs() <= most, "offset", fmt.Sprintf("at most ±%v", most), offset.String())
	}
	if most := p.Expect.RootDistance.Std(); most > 0 {
		distance := time.Duration(*d.RootDistanceNS)
		run.Expect(distance <= most, "root_distance", fmt.Sprintf("at most %v", most), distance.String())
	}
}
