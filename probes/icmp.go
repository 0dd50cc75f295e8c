package probes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"syscall"
	"time"

	probing "github.com/prometheus-community/pro-bing"
	"golang.org/x/net/icmp"

	"netmon/wire"
)

// ICMP sends echo requests (RFC 792, RFC 4443).
type ICMP struct {
	Common
	Count    int           `json:"count,omitempty" help:"echo requests in one run"`
	Interval wire.Duration `json:"interval,omitempty" help:"from one request to the next"`
	Size     int           `json:"size,omitempty" help:"payload of a request, bytes; at least 24"`
	Expect   ICMPExpect    `json:"expect,omitzero"`
}

// ICMPExpect is what the answers must be like.
type ICMPExpect struct {
	Loss float64 `json:"loss,omitempty" help:"largest share of lost packets that is still ok, 0 to 1"`
}

// ICMPDetails is what an ICMP probe learns.
type ICMPDetails struct {
	ResolveNS int64    `json:"resolve_ns,omitempty" help:"lookup of the name, ns; absent for an address"`
	Sent      int      `json:"sent" help:"echo requests sent"`
	Received  int      `json:"received" help:"echo replies received, without duplicates"`
	Loss      *float64 `json:"loss,omitempty" help:"share of lost packets, 0 to 1"`
	MinNS     int64    `json:"min_ns,omitempty" help:"shortest round trip, ns"`
	AvgNS     int64    `json:"avg_ns,omitempty" help:"mean round trip, ns"`
	MaxNS     int64    `json:"max_ns,omitempty" help:"longest round trip, ns"`
	MdevNS    int64    `json:"mdev_ns,omitempty" help:"standard deviation of the round trips, ns"`
	Duplicate int      `json:"duplicates,omitempty" help:"replies that came a second time"`
	TTL       int      `json:"ttl,omitempty" help:"TTL or hop limit of the last reply"`
}

func newICMP() ICMP { return ICMP{Count: 1, Interval: wire.Duration(time.Second), Size: 56} }

// Validate implements Probe.
func (p ICMP) Validate(target string) error {
	var problems wire.Problems
	if err := checkHost(target); err != nil {
		problems.Addf("target", "want a host, got %q: %w", target, err)
	}
	if p.Count < 1 || p.Count > 1000 {
		problems.Addf("count", "want 1 to 1000, got %d", p.Count)
	}
	if p.Size < 24 || p.Size > 65000 {
		problems.Addf("size", "want 24 to 65000, got %d", p.Size)
	}
	if p.Interval < wire.Duration(time.Millisecond) {
		problems.Addf("interval", "want at least 1ms, got %q", p.Interval)
	}
	if p.Expect.Loss < 0 || p.Expect.Loss > 1 {
		problems.Addf("expect.loss", "want 0 to 1, got %v", p.Expect.Loss)
	}
	return problems.Err()
}

// Ready says whether an ICMP socket can be had, and how to get one.
func (p ICMP) Ready(*Env) error {
	_, err := icmpMode()
	return err
}

// icmpMode finds out which socket this process may open: a datagram one where
// the kernel allows it, else a raw one.
func icmpMode() (raw bool, err error) {
	if c, err := icmp.ListenPacket("udp4", "0.0.0.0"); err == nil {
		return false, c.Close()
	}
	c, err := icmp.ListenPacket("ip4:icmp", "0.0.0.0")
	if err == nil {
		return true, c.Close()
	}
	if !errors.Is(err, os.ErrPermission) && !errors.Is(err, syscall.EPERM) {
		return false, broken(wire.BrokenLocal, "open an ICMP socket: %w", err)
	}
	if runtime.GOOS != "linux" {
		return false, broken(wire.BrokenPermission, "ICMP needs a privileged process here: run netmon as administrator")
	}
	exe, eerr := os.Executable()
	if eerr != nil {
		exe = "netmon"
	}
	return false, broken(wire.BrokenPermission, "ICMP needs a permission: run `sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"` or `setcap cap_net_raw+ep %s` as root", exe)
}

// Measure implements Probe.
func (p ICMP) Measure(ctx context.Context, run *Run) (ICMPDetails, error) {
	var d ICMPDetails
	addrs, took, err := p.resolve(ctx, run, run.Target)
	d.ResolveNS = int64(took)
	if err != nil {
		return d, err
	}
	raw, err := icmpMode()
	if err != nil {
		return d, err
	}
	addr := addrs[0]
	run.Reached(addr.String())
	pinger := probing.New(addr.String())
	pinger.SetIPAddr(&net.IPAddr{IP: addr.AsSlice(), Zone: addr.Zone()})
	pinger.SetPrivileged(raw)
	pinger.SetLogger(probing.NoopLogger{})
	pinger.Count, pinger.Interval, pinger.Size, pinger.Source = p.Count, p.Interval.Std(), p.Size, p.Source
	deadline, _ := ctx.Deadline()
	pinger.Timeout = max(time.Millisecond, time.Until(deadline)-time.Millisecond)
	pinger.OnRecv = func(r *probing.Packet) {
		run.Livef("%d bytes from %s: icmp_seq=%d ttl=%d time=%.3f ms", r.Nbytes, addr, r.Seq+1, r.TTL, float64(r.Rtt)/1e6)
	}
	err = pinger.RunWithContext(ctx)
	s := pinger.Statistics()
	d.Sent, d.Received, d.Duplicate = s.PacketsSent, s.PacketsRecv, s.PacketsRecvDuplicates
	if d.Received > 0 {
		d.MinNS, d.AvgNS, d.MaxNS, d.MdevNS = int64(s.MinRtt), int64(s.AvgRtt), int64(s.MaxRtt), int64(s.StdDevRtt)
		if n := len(s.TTLs); n > 0 {
			d.TTL = int(s.TTLs[n-1])
		}
	}
	if d.Sent > 0 {
		loss := float64(d.Sent-d.Received) / float64(d.Sent)
		d.Loss = &loss
	}
	switch {
	case err != nil && !errors.Is(err, context.DeadlineExceeded):
		return d, netFail("ping "+addr.String(), plain(err))
	case d.Sent == 0:
		return d, fail(wire.FailTimeout, "no time was left to send a packet")
	case d.Received == 0:
		return d, fail(wire.FailNoAnswer, "no reply to %d packets", d.Sent)
	case *d.Loss > p.Expect.Loss:
		return d, fail(wire.FailLoss, "%d of %d packets lost", d.Sent-d.Received, d.Sent)
	}
	return d, nil
}

// Headline implements Details.
func (d ICMPDetails) Headline() Headline {
	h := Headline{Latency: time.Duration(d.AvgNS), Loss: d.Loss, Summary: fmt.Sprintf("%d/%d replies", d.Received, d.Sent)}
	if d.Received > 0 {
		h.Clock = ClockUser
	}
	return h
}

// Report implements Details, in the manner of ping.
func (d ICMPDetails) Report(w io.Writer) {
	if d.Loss == nil {
		return
	}
	fmt.Fprintf(w, "%d packets transmitted, %d received, %.3g%% packet loss\n", d.Sent, d.Received, *d.Loss*100)
	if d.Received > 0 {
		fmt.Fprintf(w, "rtt min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms\n", float64(d.MinNS)/1e6, float64(d.AvgNS)/1e6, float64(d.MaxNS)/1e6, float64(d.MdevNS)/1e6)
	}
}
