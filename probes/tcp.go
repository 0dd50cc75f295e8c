package probes

import (
	"context"
	"fmt"
	"io"
	"time"

	"netmon/wire"
)

// TCP connects to a port.
type TCP struct {
	Common
}

// TCPDetails is what a TCP probe learns.
type TCPDetails struct {
	ResolveNS int64 `json:"resolve_ns,omitempty" help:"lookup of the name, ns; absent for an address"`
	ConnectNS int64 `json:"connect_ns,omitempty" help:"SYN to established, ns (RFC 9293 section 3.5)"`
	clock     string
}

func newTCP() TCP { return TCP{} }

// Validate implements Probe.
func (p TCP) Validate(target string) error {
	var problems wire.Problems
	_, _, err := splitTarget(target, "")
	problems.Add("target", err)
	return problems.Err()
}

// Measure implements Probe.
func (p TCP) Measure(ctx context.Context, run *Run) (TCPDetails, error) {
	var d TCPDetails
	host, port, err := splitTarget(run.Target, "")
	if err != nil {
		return d, err
	}
	addrs, took, err := p.resolve(ctx, run, host)
	d.ResolveNS = int64(took)
	if err != nil {
		return d, err
	}
	conn, took, err := p.dial(ctx, run, "tcp", addrs, port)
	if err != nil {
		return d, err
	}
	defer conn.Close()
	d.ConnectNS, d.clock = int64(took), ClockUser
	return d, nil
}

// Headline implements Details.
func (d TCPDetails) Headline() Headline {
	return Headline{Latency: time.Duration(d.ConnectNS), Clock: d.clock, Summary: "connected"}
}

// Report implements Details.
func (d TCPDetails) Report(w io.Writer) {
	fmt.Fprintf(w, "connect %v\n", time.Duration(d.ConnectNS))
}
