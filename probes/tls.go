package probes

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"netmon/wire"
)

// TLS makes a handshake with any port and looks at the certificates, nothing more.
type TLS struct {
	Common
	TLS    TLSOptions `json:"tls,omitzero"`
	ALPN   []string   `json:"alpn,omitempty" help:"application protocols to offer (RFC 7301), such as h2"`
	Expect TLSExpect  `json:"expect,omitzero"`
}

// TLSExpect is what the handshake must have come to.
type TLSExpect struct {
	DaysLeft int    `json:"days_left,omitempty" help:"least whole days until the first of the certificates expires"`
	Version  string `json:"version,omitempty" help:"lowest TLS version that is ok: 1.0, 1.1, 1.2 or 1.3"`
	ALPN     string `json:"alpn,omitempty" help:"application protocol that must be negotiated"`
	Subject  string `json:"subject,omitempty" help:"text that the subject or a name of the server's certificate contains"`
}

// TLSDetails is what a TLS probe learns.
type TLSDetails struct {
	ResolveNS       int64      `json:"resolve_ns,omitempty" help:"lookup of the name, ns; absent for an address"`
	ResolveAgeNS    *int64     `json:"resolve_age_ns,omitempty" help:"age of the address, ns, when it comes from the cache that all monitors of an agent share; resolve_ns is then absent"`
	ConnectNS       int64      `json:"connect_ns,omitempty" help:"TCP connect, ns"`
	ConnectKernelNS *int64     `json:"connect_kernel_ns,omitempty" help:"the same by the kernel's own measurement, SYN to SYN ACK (TCP_INFO, Linux), ns: without this process's wait for a processor; absent when a SYN had to be sent again"`
	TLSNS           int64      `json:"tls_ns,omitempty" help:"TLS handshake, ns; the latency of the result"`
	TLS             TLSFigures `json:"tls,omitzero"`
}

func newTLS() TLS { return TLS{} }

// Validate implements Probe.
func (p TLS) Validate(target string) error {
	var problems wire.Problems
	_, _, err := splitTarget(target, "443")
	problems.Add("target", err)
	problems.Add("tls", p.TLS.validate())
	if _, ok := tlsVersion(p.Expect.Version); !ok && p.Expect.Version != "" {
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
func (p TLS) Measure(ctx context.Context, run *Run) (TLSDetails, error) {
	var d TLSDetails
	host, port, err := splitTarget(run.Target, "443")
	if err != nil {
		return d, err
	}
	addrs, took, err := p.resolve(ctx, run, "tcp", host, port)
	d.ResolveNS, d.ResolveAgeNS = int64(took), run.resolveAge()
	if err != nil {
		return d, err
	}
	conn, took, err := p.dial(ctx, run, "tcp", addrs, port)
	d.ConnectNS = int64(took)
	if err != nil {
		return d, err
	}
	d.ConnectKernelNS = synTime(tcpInfoOf(conn), took)
	c, figures, took, err := p.TLS.handshake(ctx, run, conn, host, p.ALPN...)
	d.TLS, d.TLSNS = figures, int64(took)
	if err != nil {
		return d, err
	}
	c.Close()
	p.Expect.check(run, d.TLS)
	return d, nil
}

// check compares a handshake with what is expected of it.
func (e TLSExpect) check(run *Run, f TLSFigures) {
	if e.DaysLeft != 0 {
		left := f.daysLeft(time.Now())
		run.Expect(left >= e.DaysLeft, "expect.days_left", fmt.Sprintf("at least %d", e.DaysLeft), strconv.Itoa(left))
	}
	if e.Version != "" {
		got := strings.TrimPrefix(f.Version, "TLS ")
		run.Expect(got >= e.Version, "expect.version", "at least "+e.Version, got)
	}
	if e.ALPN != "" {
		run.Expect(f.ALPN == e.ALPN, "expect.alpn", e.ALPN, f.ALPN)
	}
	if e.Subject != "" {
		var names []string
		if len(f.Chain) > 0 {
			names = append([]string{f.Chain[0].Subject}, f.Chain[0].SANs...)
		}
		all := strings.Join(names, ", ")
		run.Expect(strings.Contains(all, e.Subject), "expect.subject", e.Subject, all)
	}
}

// Headline implements Details.
func (d TLSDetails) Headline() Headline {
	h := Headline{Expires: d.TLS.Expires}
	if d.TLS.Version == "" {
		return h
	}
	h.Latency, h.Clock = time.Duration(d.TLSNS), ClockUser
	h.Summary = d.TLS.Version
	if !d.TLS.Expires.IsZero() {
		h.Summary += fmt.Sprintf(", %d days left", d.TLS.daysLeft(time.Now()))
	}
	return h
}

// Report implements Details.
func (d TLSDetails) Report(w io.Writer) {
	d.TLS.report(w)
	reportAge(w, "%s\n", d.ResolveAgeNS)
	reportPhases(w, phaseTime{"resolve", d.ResolveNS}, phaseTime{"connect", d.ConnectNS}, phaseTime{"tls", d.TLSNS})
}

// phaseTime is one phase of a run, for a report.
type phaseTime struct {
	name string
	ns   int64 // 0 is left out: it did not happen
}

func reportPhases(w io.Writer, phases ...phaseTime) {
	for _, ph := range phases {
		if ph.ns > 0 {
			fmt.Fprintf(w, "%-11s %10.3f ms\n", ph.name, float64(ph.ns)/1e6)
		}
	}
}
