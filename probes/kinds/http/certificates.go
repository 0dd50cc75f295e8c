package http

import (
	"fmt"
	"io"
	"slices"
	"time"

	"netmon/probes/tlsconf"
)

// maxHopCerts bounds the certificates of hosts that redirected that a result
// lists, so that its details do not become too large to be kept.
const maxHopCerts = 30

// keepHandshake notes the handshake with the host at, which redirected. Its
// names are left out: they fill a result.
func (d *Details) keepHandshake(step *Redirect, at string) {
	if d.TLS.Version == "" {
		return
	}
	f := d.TLS
	told := 0
	for _, r := range d.Redirects {
		if r.TLS != nil {
			told += len(r.TLS.Chain)
		}
	}
	f.Chain = slices.Clone(f.Chain[:min(len(f.Chain), max(maxHopCerts-told, 0))])
	for i := range f.Chain {
		f.Chain[i].SANs = nil
	}
	step.Host, step.TLS = at, &f
}

// dropSameChain leaves out the chains of earlier hosts that the present one sent, too.
func (d *Details) dropSameChain() {
	same := func(a, b tlsconf.Certificate) bool { return a.SHA256 == b.SHA256 }
	for _, r := range d.Redirects {
		if r.TLS != nil && slices.EqualFunc(r.TLS.Chain, d.TLS.Chain, same) {
			r.TLS.Chain = nil
		}
	}
}

// hops are the handshakes of a run, in order; last is the host of its last request.
func (d Details) hops(last string) []tlsconf.Hop {
	var hops []tlsconf.Hop
	for _, r := range d.Redirects {
		if r.TLS != nil {
			hops = append(hops, tlsconf.Hop{At: r.Host, F: *r.TLS})
		}
	}
	if d.TLS.Version != "" {
		hops = append(hops, tlsconf.Hop{At: last, F: d.TLS})
	}
	return hops
}

// expires is the earliest end of the chains of all hosts on the way.
func (d Details) expires() (t time.Time) {
	// The last handshake may have failed, and have no version: its chain counts.
	for _, h := range append(d.hops(""), tlsconf.Hop{F: d.TLS}) {
		if end := h.F.Expires; !end.IsZero() && (t.IsZero() || end.Before(t)) {
			t = end
		}
	}
	return t
}

// reportTLS writes the handshake with a host that redirected in one line, and
// what is wrong with its certificates.
func (r Redirect) reportTLS(w io.Writer) {
	if r.TLS == nil {
		return
	}
	fmt.Fprintf(w, "  %s: %s, certificates to %s\n", r.Host, r.TLS.Version, tlsconf.CertTime(r.TLS.Expires))
	if r.TLS.VerifyError != "" {
		fmt.Fprintf(w, "  NOT verified: %s\n", r.TLS.VerifyError)
	}
	for _, n := range r.TLS.Notes {
		fmt.Fprintf(w, "  note: %s\n", n)
	}
}
