package tls

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"netmon/probes"
	"netmon/probes/engine"
	"netmon/probes/internal/figures"
	"netmon/probes/tlsconf"
	"netmon/wire"
)

// Probe makes a handshake with any port and looks at the certificates, nothing more.
type Probe struct {
	probes.Common
	TLS    tlsconf.Options `json:"tls,omitzero"`
	ALPN   []string        `json:"alpn,omitempty" help:"application protocols to offer (RFC 7301), such as h2"`
	Expect tlsconf.Expect  `json:"expect,omitzero"`
}

// Details is what a TLS probe learns.
type Details struct {
	ResolveNS       int64           `json:"resolve_ns,omitempty" phase:"yes" help:"lookup of the name, ns; absent for an address"`
	ResolveAgeNS    *int64          `json:"resolve_age_ns,omitempty" help:"age of the address, ns, when it comes from the cache that all monitors of an agent share; resolve_ns is then absent"`
	ConnectNS       int64           `json:"connect_ns,omitempty" phase:"yes" help:"TCP connect, ns"`
	ConnectKernelNS *int64          `json:"connect_kernel_ns,omitempty" help:"the same by the kernel's own measurement, SYN to SYN ACK (TCP_INFO, Linux), ns: without this process's wait for a processor; absent when a SYN had to be sent again"`
	TLSNS           int64           `json:"tls_ns,omitempty" phase:"yes" help:"TLS handshake, ns; the latency of the result"`
	TLS             tlsconf.Figures `json:"tls,omitzero"`
}

func newProbe() Probe { return Probe{} }

// Validate implements Probe.
func (p Probe) Validate(target string) error {
	var problems wire.Problems
	_, _, err := probes.SplitTarget(target, "443")
	problems.Add("target", err)
	problems.Add("tls", p.TLS.Validate())
	if _, ok := tlsconf.Version(p.Expect.Version); !ok && p.Expect.Version != "" {
		problems.Addf("expect.version", "want 1.0, 1.1, 1.2 or 1.3, got %q", p.Expect.Version)
	}
	for i, a := range p.ALPN {
		if a == "" || len(a) > 255 {
			problems.Addf(fmt.Sprintf("alpn[%d]", i), "want 1 to 255 bytes, got %q", a)
		}
	}
	return problems.Err()
}

// Measure implements Probe.
func (p Probe) Measure(ctx context.Context, run *probes.Run) (Details, error) {
	var d Details
	host, port, err := probes.SplitTarget(run.Target, "443")
	if err != nil {
		return d, err
	}
	addrs, took, err := p.Resolve(ctx, run, "tcp", host, port)
	d.ResolveNS, d.ResolveAgeNS = int64(took), run.ResolveAge()
	if err != nil {
		return d, err
	}
	conn, took, err := p.Dial(ctx, run, "tcp", addrs, port)
	d.ConnectNS = int64(took)
	if err != nil {
		return d, err
	}
	d.ConnectKernelNS = engine.SynTime(engine.TCPInfoOf(conn), took)
	c, figures, took, err := p.TLS.Handshake(ctx, run, conn, host, p.ALPN...)
	d.TLS, d.TLSNS = figures, int64(took)
	if err != nil {
		return d, err
	}
	c.Close()
	p.Expect.Check(run, tlsconf.Hop{At: net.JoinHostPort(host, strconv.Itoa(int(port))), F: d.TLS})
	return d, nil
}

// Headline implements Details.
func (d Details) Headline() probes.Headline {
	h := probes.Headline{Expires: d.TLS.Expires}
	if d.TLS.Version == "" {
		return h
	}
	h.Latency, h.Clock = time.Duration(d.TLSNS), engine.ClockUser
	h.Summary = d.TLS.Version
	if !d.TLS.Expires.IsZero() {
		h.Summary += ", " + d.TLS.Left(time.Now())
	}
	return h
}

// Report implements Details.
func (d Details) Report(w io.Writer) {
	d.TLS.Report(w)
	figures.ReportAge(w, "%s\n", d.ResolveAgeNS)
	figures.ReportPhases(w, figures.Took("resolve", d.ResolveNS), figures.Took("connect", d.ConnectNS), figures.Took("tls", d.TLSNS))
}

// Footprint implements Probe.
func (p Probe) Footprint(target string) probes.Footprint {
	return probes.TargetFootprint("tcp", target, "443")
}

// Kinds returns the kind tls.
func Kinds() probes.List {
	return probes.List{
		probes.NewKind(probes.Kind{
			Limits: tlsconf.Limits, Metrics: metrics(), Modules: []probes.Module{{Name: "tls", Hostname: []string{"tls.server_name"}}},
			Name: "tls", Target: "HOST[:PORT]", Example: "example.com:443", Doc: "makes a TLS handshake and checks the certificates",
			Main: []string{"expect.days_left", "tls.server_name", "tls.insecure", "within"},
		}, newProbe),
	}
}
