package http

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"netmon/probes"
	"netmon/probes/engine"
	"netmon/probes/internal/figures"
	"netmon/probes/tlsconf"
)

// Details is what an HTTP probe learns. Phases, connection and TLS are
// those of the last request; redirect_ns is the time of those before it.
type Details struct {
	Status    int        `json:"status,omitempty" help:"status code (RFC 9110 section 15)"`
	Protocol  string     `json:"protocol,omitempty" help:"protocol of the response: HTTP/1.0, HTTP/1.1 or HTTP/2"`
	URL       string     `json:"url,omitempty" help:"URL of the last request; absent for the target's own"`
	Redirects []Redirect `json:"redirects,omitempty" help:"redirects that were followed, in order"`
	Phases
	RedirectNS      int64           `json:"redirect_ns,omitempty" phase:"yes" help:"all requests before the last one, ns"`
	TotalNS         int64           `json:"total_ns,omitempty" help:"from the start to the last byte of the body that was read, ns; the latency of the result"`
	HeaderBytes     int64           `json:"header_bytes,omitempty" help:"status line and headers of the response, bytes; HTTP/1 only, as HTTP/2 compresses them"`
	BodyBytes       *int64          `json:"body_bytes,omitempty" help:"body as it came: before decoding, without framing, bytes"`
	BodyCut         bool            `json:"body_cut,omitempty" help:"the rest of the body was not read, as option read_body has it: body_bytes came until then"`
	DecodedBytes    *int64          `json:"decoded_bytes,omitempty" help:"body after decoding, bytes; absent when it came without content coding, or with one that we cannot decode"`
	Encoding        string          `json:"encoding,omitempty" help:"content coding of the body (RFC 9110 section 8.4)"`
	BodySHA256      string          `json:"body_sha256,omitempty" help:"SHA-256 of the body, decoded, in hex"`
	Remote          string          `json:"remote,omitempty" help:"address and port that the connection goes to: the server's, or the proxy's"`
	Proxy           string          `json:"proxy,omitempty" help:"proxy that was used"`
	Reused          bool            `json:"reused,omitempty" help:"the connection was kept from an earlier request"`
	ConnectionAgeNS *int64          `json:"connection_age_ns,omitempty" help:"age of the connection when the run began, ns, where an earlier run made it: remote and tls are from that time"`
	TLS             tlsconf.Figures `json:"tls,omitzero"`
	Notes           []string        `json:"notes,omitempty" help:"oddities of the responses that were accepted; 20 at most"`
}

// maxNotes bounds Details.Notes.
const maxNotes = 20

// Phases are the phases of one request, in order. One that did not happen is absent.
type Phases struct {
	ResolveNS       int64  `json:"resolve_ns,omitempty" phase:"yes" help:"lookup of the name, ns; absent for an address, and where the proxy looks it up"`
	ResolveAgeNS    *int64 `json:"resolve_age_ns,omitempty" help:"age of the address, ns, when it comes from the cache that all monitors of an agent share; resolve_ns is then absent"`
	ConnectNS       int64  `json:"connect_ns,omitempty" phase:"yes" help:"TCP connect, ns; absent with a proxy"`
	ConnectKernelNS *int64 `json:"connect_kernel_ns,omitempty" help:"the same by the kernel's own measurement, SYN to SYN ACK (TCP_INFO, Linux), ns: without this process's wait for a processor; absent when a SYN had to be sent again"`
	ProxyConnectNS  int64  `json:"proxy_connect_ns,omitempty" phase:"yes" help:"lookup of the proxy's name and TCP connect to it, ns"`
	ProxyTunnelNS   int64  `json:"proxy_tunnel_ns,omitempty" phase:"yes" help:"from asking the proxy (CONNECT, or SOCKS5) until it is connected to the target, ns"`
	TLSNS           int64  `json:"tls_ns,omitempty" phase:"yes" help:"TLS handshake, ns"`
	SendNS          int64  `json:"send_ns,omitempty" phase:"yes" help:"from the connection ready to the request sent, ns"`
	ProcessingNS    int64  `json:"processing_ns,omitempty" phase:"yes" help:"from the request sent to the first byte of the response, ns; the sending included where send_ns is absent"`
	TransferNS      int64  `json:"transfer_ns,omitempty" phase:"yes" help:"from the first byte of the response to the last of the body, ns"`
}

// Redirect is one redirect that was followed.
type Redirect struct {
	Status int              `json:"status" help:"status code of the redirect"`
	URL    string           `json:"url" help:"URL that it led to"`
	NS     int64            `json:"ns" help:"from the start of its request, connection included, to its headers, ns"`
	Host   string           `json:"host,omitempty" help:"host and port that redirected, over TLS; absent without TLS"`
	TLS    *tlsconf.Figures `json:"tls,omitempty" help:"handshake with that host; its chain is absent when a later request had the same one, and after 30 certificates, and is listed without sans"`
}

// resetRequest clears what belongs to one request alone.
func (d *Details) resetRequest() {
	*d = Details{Redirects: d.Redirects, RedirectNS: d.RedirectNS, URL: d.URL, Notes: d.Notes}
}

// sent fills in the phases up to the first byte of the response.
func (d *Details) sent(t *times) {
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

func (d *Details) body(b body) {
	d.BodyBytes, d.BodyCut, d.Encoding, d.BodySHA256 = &b.sent, b.cut, b.encoding, b.sha256
	if b.encoding != "" && !b.opaque && !b.asIs {
		d.DecodedBytes = &b.decoded
	}
}

// Headline implements Details.
func (d Details) Headline() probes.Headline {
	h := probes.Headline{Latency: time.Duration(d.TotalNS), Whole: true, Expires: d.expires()}
	if d.TotalNS > 0 {
		h.Clock = engine.ClockUser
	}
	if d.Status > 0 {
		words := []string{d.status()}
		if d.Protocol != "" {
			words = append(words, d.Protocol)
		}
		if d.BodyBytes != nil {
			words = append(words, d.size())
		}
		if n := len(d.Redirects); n > 0 {
			words = append(words, figures.Counted(n, "redirect"))
		}
		if age := d.ConnectionAgeNS; age != nil {
			words = append(words, "connection "+probes.AgeText(time.Duration(*age))+" old")
		}
		if n := len(d.Notes); n > 0 {
			words = append(words, d.Notes[0])
			if n > 1 {
				words = append(words, "and "+figures.Counted(n-1, "more note"))
			}
		}
		h.Summary = strings.Join(words, ", ")
	}
	return h
}

func (d Details) size() string { return sizeText(*d.BodyBytes, d.BodyCut) }

func (d Details) status() string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", d.Status, http.StatusText(d.Status)))
}

// Report implements Details: the answer, the way there, then the times that
// curl -w would write, as parts of the whole.
func (d Details) Report(w io.Writer) {
	for _, r := range d.Redirects {
		fmt.Fprintf(w, "%d to %s after %s ms\n", r.Status, r.URL, figures.MS(r.NS))
		r.reportTLS(w)
	}
	if d.Status > 0 {
		fmt.Fprintln(w, strings.TrimSpace(d.Protocol+" "+d.status()))
	}
	if d.Remote != "" {
		kept := ""
		if d.Reused {
			kept = ", over a kept connection"
			if age := d.ConnectionAgeNS; age != nil {
				kept += " " + probes.AgeText(time.Duration(*age)) + " old"
			}
		}
		if d.Proxy != "" {
			kept += ", through " + d.Proxy
		}
		fmt.Fprintf(w, "connected to %s%s\n", d.Remote, kept)
	}
	d.TLS.Report(w)
	if d.BodyBytes != nil {
		if d.BodyCut && *d.BodyBytes == 0 {
			fmt.Fprint(w, "no body read")
		} else {
			fmt.Fprintf(w, "body %s", d.size())
		}
		if d.Encoding != "" {
			fmt.Fprintf(w, ", %s", d.Encoding)
		}
		if d.DecodedBytes != nil {
			fmt.Fprintf(w, ", %d decoded", *d.DecodedBytes)
		}
		if d.HeaderBytes > 0 {
			fmt.Fprintf(w, ", after %s of headers", figures.Counted(d.HeaderBytes, "byte"))
		}
		fmt.Fprintln(w)
	}
	for _, note := range d.Notes {
		fmt.Fprintf(w, "note: %s\n", note)
	}
	figures.ReportAge(w, "%s\n", d.ResolveAgeNS)
	figures.ReportPhases(w, figures.Took("redirects", d.RedirectNS), figures.Took("resolve", d.ResolveNS), figures.Took("connect", d.ConnectNS),
		figures.Took("proxy", d.ProxyConnectNS), figures.Took("tunnel", d.ProxyTunnelNS), figures.Took("tls", d.TLSNS), figures.Took("send", d.SendNS),
		figures.Took("processing", d.ProcessingNS), figures.Took("transfer", d.TransferNS), figures.Took("total", d.TotalNS))
}
