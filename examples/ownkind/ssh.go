package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"netmon/probes"
	"netmon/wire"
)

// ssh is a kind of this program's own: it connects to an SSH server and reads how
// that identifies itself (RFC 4253 section 4.2). Its exported fields are the options
// of a monitor.
type ssh struct {
	probes.Common

	Software string `json:"software,omitempty" help:"a text that the server's software must have in its name, such as OpenSSH"`
}

// details are what a run learned: the figures of a result.
type details struct {
	ResolveNS int64  `json:"resolve_ns,omitempty" phase:"yes" help:"lookup of the name, ns; absent for an address"`
	ConnectNS int64  `json:"connect_ns,omitempty" phase:"yes" help:"TCP connect, ns"`
	BannerNS  int64  `json:"banner_ns,omitempty" phase:"yes" help:"from the connection to the server's identification, ns; the latency of the result"`
	Protocol  string `json:"protocol,omitempty" help:"protocol version"`
	Software  string `json:"software,omitempty" help:"software version, and its comments"`
}

// kind is the entry for a list of kinds.
func kind() probes.Kind {
	return probes.NewKind(probes.Kind{
		Name: "ssh", Target: "HOST[:PORT]", Example: "example.com:22",
		Doc:  "connects to an SSH server and reads its identification",
		Main: []string{"software", "within"},
	}, func() ssh { return ssh{} })
}

// Validate reports every mistake in target and options.
func (p ssh) Validate(target string) error {
	var problems wire.Problems
	if _, _, err := probes.SplitTarget(target, "22"); err != nil {
		problems.Add("target", err)
	}
	return problems.Err()
}

// Footprint is what a run sends, and where to: the agent's policy is asked first.
func (p ssh) Footprint(target string) probes.Footprint {
	return probes.TargetFootprint("tcp", target, "22")
}

// Measure runs once.
func (p ssh) Measure(ctx context.Context, run *probes.Run) (d details, err error) {
	host, port, err := probes.SplitTarget(run.Target, "22")
	if err != nil {
		return d, err
	}
	addrs, took, err := p.Resolve(ctx, run, "tcp", host, port)
	d.ResolveNS = int64(took)
	if err != nil {
		return d, err
	}
	conn, took, err := p.Dial(ctx, run, "tcp", addrs, port)
	d.ConnectNS = int64(took)
	if err != nil {
		return d, err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		conn.SetDeadline(deadline)
	}
	begin := time.Now()
	const most = 8 << 10 // bytes of lines that may come first
	lines := bufio.NewScanner(io.LimitReader(conn, most))
	for lines.Scan() {
		line, found := strings.CutPrefix(lines.Text(), "SSH-")
		if !found {
			continue // a server may send other lines first
		}
		d.BannerNS = int64(time.Since(begin))
		d.Protocol, d.Software, _ = strings.Cut(line, "-")
		if p.Software != "" {
			run.Expect(strings.Contains(d.Software, p.Software), "software", p.Software, d.Software)
		}
		return d, nil
	}
	if err := lines.Err(); err != nil {
		return d, probes.NetFail("wait for the server's identification", err)
	}
	return d, probes.Fail(wire.FailBadAnswer, "the server did not identify itself as SSH")
}

// Headline is what every console shows.
func (d details) Headline() probes.Headline {
	if d.BannerNS == 0 {
		return probes.Headline{}
	}
	return probes.Headline{Latency: time.Duration(d.BannerNS), Clock: probes.ClockUser, Summary: d.Software}
}

// Report writes the figures for people.
func (d details) Report(w io.Writer) {
	if d.BannerNS == 0 {
		return
	}
	fmt.Fprintf(w, "SSH %s, %s\n", d.Protocol, d.Software)
}
