package ntp

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"netmon/probes"
	"netmon/wire"
)

// Probe asks a time server what time it is, and whether it may be believed.
type Probe struct {
	probes.Common
	Version  int           `json:"version" usual:"3,4" help:"protocol version of the requests, 3 (RFC 1305) or 4 (RFC 5905)"`
	Port     int           `json:"port,omitempty" zero:"no" help:"UDP port of a target that names none; default: 123"`
	Samples  int           `json:"samples" help:"requests of a run, 1 to 8; the answer with the least delay counts (RFC 5905 section 10)"`
	Interval wire.Duration `json:"interval" help:"time between two requests of a run, at least 2s: servers that limit their clients drop what comes faster"`
	Expect   Expect        `json:"expect,omitzero"`
}

// Expect is what the server must be like.
type Expect struct {
	Stratum      int           `json:"stratum,omitempty" zero:"no" help:"the greatest stratum that is still ok, 1 to 15"`
	Offset       wire.Duration `json:"offset,omitempty" zero:"no" help:"the greatest offset that is still ok, to either side"`
	RootDistance wire.Duration `json:"root_distance,omitempty" zero:"no" help:"the greatest root distance that is still ok"`
}

const (
	maxSamples = 8
	mostBogus  = 1000 // datagrams that are not an answer; a flood is not listened to for longer
	// guard is the least time between two requests to one server: ntpd drops
	// what comes faster from one address (ntp.conf, discard minimum), as chrony
	// sends no burst faster than it either.
	guard = 2 * time.Second
	// minEvery is the least interval between runs. Two runs of one sample
	// stay apart by guard even when the earlier one came late. A public
	// server wants far more: once in 64 s is usual.
	minEvery = 4 * time.Second
)

func newProbe() Probe { return Probe{Version: 4, Samples: 1, Interval: wire.Duration(guard)} }

// Validate implements Probe.
func (p Probe) Validate(target string) error {
	var problems wire.Problems
	_, _, err := probes.SplitTarget(target, "123")
	problems.Add("target", err)
	if p.Version != 3 && p.Version != 4 {
		problems.Addf("version", "want 3 or 4, got %d", p.Version)
	}
	if p.Port < 0 || p.Port > 65535 {
		problems.Addf("port", "want 1 to 65535, got %d", p.Port)
	}
	if _, port, err := probes.SplitTarget(target, ""); err == nil && p.Port != 0 && int(port) != p.Port {
		problems.Addf("port", "the target names port %d, and this option %d: give one", port, p.Port)
	}
	if p.Samples < 1 || p.Samples > maxSamples {
		problems.Addf("samples", "want 1 to %d, got %d", maxSamples, p.Samples)
	}
	if p.Interval.Std() < guard {
		problems.Addf("interval", "want at least %v, got %q", guard, p.Interval)
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

func (p Probe) defaultPort() string {
	if p.Port != 0 {
		return strconv.Itoa(p.Port)
	}
	return "123"
}

// Measure implements Probe.
func (p Probe) Measure(ctx context.Context, run *probes.Run) (Details, error) {
	var d Details
	host, port, err := probes.SplitTarget(run.Target, p.defaultPort())
	if err != nil {
		return d, err
	}
	addrs, took, err := p.Resolve(ctx, run, "udp", host, port)
	d.ResolveNS, d.ResolveAgeNS = int64(took), run.ResolveAge()
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
func (p Probe) exchange(ctx context.Context, run *probes.Run, held *kisses, addrs []netip.Addr, port uint16, known Details) (d Details, err error) {
	d = known
	err = probes.FirstThatAnswers(ctx, run, addrs, func(attempt context.Context, a netip.Addr) error {
		d = known
		x := exchange{Probe: p, run: run, held: held, to: netip.AddrPortFrom(a, port)}
		return x.measure(ctx, attempt, &d)
	})
	if ctx.Err() == context.Canceled {
		return d, ctx.Err()
	}
	if err == nil {
		p.checkExpectations(run, &d)
	}
	return d, err
}

// checkExpectations checks what is expected of the server.
func (p Probe) checkExpectations(run *probes.Run, d *Details) {
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

// Footprint implements Probe.
func (p Probe) Footprint(target string) probes.Footprint {
	f := probes.TargetFootprint("udp", target, p.defaultPort())
	f.Probes, f.Gap, f.Number = p.Samples, p.Interval.Std(), "samples"
	return f
}

// Kinds returns the kind ntp.
func Kinds() probes.List {
	return probes.List{
		probes.NewKind(probes.Kind{
			Name: "ntp", Target: "HOST[:PORT]", Example: "pool.ntp.org", Doc: "asks a time server what time it is and whether to believe it", Propose: func(string, string) string { return "pool.ntp.org" },
			MinEvery: minEvery,
			Main:     []string{"samples", "expect.offset", "expect.stratum"},
			Limits:   limits,
			Metrics:  metrics(),
		}, newProbe),
	}
}
