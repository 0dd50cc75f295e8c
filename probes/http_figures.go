package probes

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// HTTPDetails is what an HTTP probe learns. Phases, connection and TLS are
// those of the last request; redirect_ns is the time of those before it.
type HTTPDetails struct {
	Status    int            `json:"status,omitempty" help:"status code (RFC 9110 section 15)"`
	Protocol  string         `json:"protocol,omitempty" help:"protocol of the response: HTTP/1.0, HTTP/1.1 or HTTP/2"`
	URL       string         `json:"url,omitempty" help:"URL of the last request; absent for the target's own"`
	Redirects []HTTPRedirect `json:"redirects,omitempty" help:"redirects that were followed, in order"`
	HTTPPhases
	RedirectNS   int64      `json:"redirect_ns,omitempty" help:"all requests before the last one, ns"`
	TotalNS      int64      `json:"total_ns,omitempty" help:"from the start to the last byte of the body, ns; the latency of the result"`
	HeaderBytes  int64      `json:"header_bytes,omitempty" help:"status line and headers of the response, bytes; HTTP/1 only, as HTTP/2 compresses them"`
	BodyBytes    *int64     `json:"body_bytes,omitempty" help:"body as it came: before decoding, without framing, bytes"`
	DecodedBytes *int64     `json:"decoded_bytes,omitempty" help:"body after decoding, bytes; absent when it came without content coding, or with one that we cannot decode"`
	Encoding     string     `json:"encoding,omitempty" help:"content coding of the body (RFC 9110 section 8.4)"`
	BodySHA256   string     `json:"body_sha256,omitempty" help:"SHA-256 of the body, decoded, in hex"`
	Remote       string     `json:"remote,omitempty" help:"address and port that the connection goes to: the server's, or the proxy's"`
	Proxy        string     `json:"proxy,omitempty" help:"proxy that was gone through"`
	Reused       bool       `json:"reused,omitempty" help:"the connection was kept from an earlier request"`
	TLS          TLSFigures `json:"tls,omitzero"`
}

// HTTPPhases are the phases of one request, in order. One that did not happen is absent.
type HTTPPhases struct {
	ResolveNS       int64  `json:"resolve_ns,omitempty" help:"lookup of the name, ns; absent for an address, and where the proxy looks it up"`
	ResolveAgeNS    *int64 `json:"resolve_age_ns,omitempty" help:"age of the address, ns, when it comes from the cache that all monitors of an agent share; resolve_ns is then absent"`
	ConnectNS       int64  `json:"connect_ns,omitempty" help:"TCP connect, ns; absent with a proxy"`
	ConnectKernelNS *int64 `json:"connect_kernel_ns,omitempty" help:"the same by the kernel's own measurement, SYN to SYN ACK (TCP_INFO, Linux), ns: without this process's wait for a processor; absent when a SYN had to be sent again"`
	ProxyConnectNS  int64  `json:"proxy_connect_ns,omitempty" help:"lookup of the proxy's name and TCP connect to it, ns"`
	ProxyTunnelNS   int64  `json:"proxy_tunnel_ns,omitempty" help:"from asking the proxy (CONNECT, or SOCKS5) until it is connected to the target, ns"`
	TLSNS           int64  `json:"tls_ns,omitempty" help:"TLS handshake, ns"`
	SendNS          int64  `json:"send_ns,omitempty" help:"from the connection ready to the request sent, ns"`
	ProcessingNS    int64  `json:"processing_ns,omitempty" help:"from the request sent to the first byte of the response, ns; the sending included where send_ns is absent"`
	TransferNS      int64  `json:"transfer_ns,omitempty" help:"from the first byte of the response to the last of the body, ns"`
}

// HTTPRedirect is one redirect that was followed.
type HTTPRedirect struct {
	Status int    `json:"status" help:"status code of the redirect"`
	URL    string `json:"url" help:"URL that it led to"`
	NS     int64  `json:"ns" help:"from the start of its request, connection included, to its headers, ns"`
}

// forget clears what belongs to one request alone.
func (d *HTTPDetails) forget() {
	*d = HTTPDetails{Redirects: d.Redirects, RedirectNS: d.RedirectNS, URL: d.URL}
}

// sent fills in the phases up to the first byte of the response.
func (d *HTTPDetails) sent(t *httpTimes) {
	sent, first := t.sent, t.firstByte
	switch {
	case first.IsZero():
		if !sent.IsZero() {
			d.SendNS = int64(sent.Sub(t.ready))
		}
		return
	case sent.IsZero() || sent.After(first):
		// Answered before it had the whole body; without body it was the
		// library's word of it that came late, and the time is the server's.
		sent = t.ready
		if t.body {
			sent = first
		}
	}
	d.SendNS, d.ProcessingNS = int64(sent.Sub(t.ready)), int64(first.Sub(sent))
}

func (d *HTTPDetails) body(b httpBody) {
	d.BodyBytes, d.Encoding, d.BodySHA256 = &b.sent, b.encoding, b.sha256
	if b.encoding != "" && !b.opaque {
		d.DecodedBytes = &b.decoded
	}
}

// Headline implements Details.
func (d HTTPDetails) Headline() Headline {
	h := Headline{Latency: time.Duration(d.TotalNS), Expires: d.TLS.Expires}
	if d.TotalNS > 0 {
		h.Clock = ClockUser
	}
	if d.Status > 0 {
		words := []string{d.status(), d.Protocol}
		if d.BodyBytes != nil {
			words = append(words, fmt.Sprintf("%d bytes", *d.BodyBytes))
		}
		if n := len(d.Redirects); n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, pluralOf(n, "redirect")))
		}
		h.Summary = strings.Join(words, ", ")
	}
	return h
}

func (d HTTPDetails) status() string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", d.Status, http.StatusText(d.Status)))
}

// Report implements Details: the answer, the way there, then the times that
// curl -w would write, as parts of the whole.
func (d HTTPDetails) Report(w io.Writer) {
	for _, r := range d.Redirects {
		fmt.Fprintf(w, "%d to %s after %s ms\n", r.Status, r.URL, inMS(r.NS))
	}
	if d.Status > 0 {
		fmt.Fprintf(w, "%s %s\n", d.Protocol, d.status())
	}
	if d.Remote != "" {
		kept := ""
		if d.Reused {
			kept = ", over a kept connection"
		}
		if d.Proxy != "" {
			kept += ", through " + d.Proxy
		}
		fmt.Fprintf(w, "connected to %s%s\n", d.Remote, kept)
	}
	d.TLS.report(w)
	if d.BodyBytes != nil {
		fmt.Fprintf(w, "body %d bytes", *d.BodyBytes)
		if d.Encoding != "" {
			fmt.Fprintf(w, ", %s", d.Encoding)
		}
		if d.DecodedBytes != nil {
			fmt.Fprintf(w, ", %d decoded", *d.DecodedBytes)
		}
		if d.HeaderBytes > 0 {
			fmt.Fprintf(w, ", after %d bytes of headers", d.HeaderBytes)
		}
		fmt.Fprintln(w)
	}
	reportAge(w, "%s\n", d.ResolveAgeNS)
	reportPhases(w, phaseTime{"redirects", d.RedirectNS}, phaseTime{"resolve", d.ResolveNS}, phaseTime{"connect", d.ConnectNS},
		phaseTime{"proxy", d.ProxyConnectNS}, phaseTime{"tunnel", d.ProxyTunnelNS}, phaseTime{"tls", d.TLSNS}, phaseTime{"send", d.SendNS},
		phaseTime{"processing", d.ProcessingNS}, phaseTime{"transfer", d.TransferNS}, phaseTime{"total", d.TotalNS})
}
