package tcp

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"netmon/probes"
	"netmon/probes/engine"
	"netmon/probes/internal/figures"
	"netmon/probes/tlsconf"
)

// Details is what a TCP probe learns.
type Details struct {
	ResolveNS     int64             `json:"resolve_ns,omitempty" phase:"yes" help:"lookup of the name, ns; absent for an address"`
	ResolveAgeNS  *int64            `json:"resolve_age_ns,omitempty" help:"age of the address, ns, when it comes from the cache that all monitors of an agent share; resolve_ns is then absent"`
	ConnectNS     int64             `json:"connect_ns,omitempty" phase:"yes" help:"SYN to established (RFC 9293 section 3.5), ns; the latency of the result"`
	Clock         string            `json:"clock,omitempty" help:"what timed connect_ns: tcp_info, the kernel's own measurement from SYN to SYN ACK, or user where there is none or a SYN had to be sent again"`
	ConnectUserNS int64             `json:"connect_user_ns,omitempty" help:"the same by this process's clock, which includes its wait for a processor, ns; comparable with curl's time_connect; absent where nothing waits for one connection alone (on Linux, an agent's plain connect)"`
	BannerNS      *int64            `json:"banner_ns,omitempty" phase:"starttls_ns" help:"time from the connection, or TLS, to the banner's first bytes, to those that meet expect.banner, or with starttls to the end of the greeting, ns; absent when the banner is not the expected one"`
	BannerBytes   int               `json:"banner_bytes,omitempty" help:"length of the banner, bytes"`
	Banner        string            `json:"banner,omitempty" help:"what the target said first, quoted as text or in hex, its beginning; secrets show as stars"`
	StartTLS      string            `json:"starttls,omitempty" help:"protocol in which TLS was asked for"`
	StartTLSNS    int64             `json:"starttls_ns,omitempty" phase:"yes" help:"from the connection to the go-ahead for TLS, greeting included, ns"`
	TLSNS         int64             `json:"tls_ns,omitempty" phase:"yes" help:"TLS handshake, ns"`
	TLS           tlsconf.Figures   `json:"tls,omitzero"`
	Steps         []StepFigures     `json:"steps,omitempty" help:"steps of the dialogue that were begun"`
	Captures      map[string]string `json:"captures,omitempty" help:"what the captures named by keep hold, clipped; secrets show as stars"`
	BytesRead     *int64            `json:"bytes_read,omitempty" help:"bytes received on the connection, TLS included"`
	BytesWritten  *int64            `json:"bytes_written,omitempty" help:"bytes sent on the connection, TLS included"`
	Info          *engine.TCPInfo   `json:"tcp_info,omitempty"`
}

// StepFigures is what came of one step.
type StepFigures struct {
	Name          string `json:"name" help:"name of the step"`
	NS            *int64 `json:"ns,omitempty" help:"from its beginning to the bytes that met its expectation, ns; absent when it expects nothing, or was not met"`
	SentBytes     int    `json:"sent_bytes,omitempty" help:"bytes sent, TLS not included"`
	ReceivedBytes int    `json:"received_bytes,omitempty" help:"length of the answer, or of what came instead, bytes"`
}

// connected notes how long the connecting took. took is by this process's
// clock. Until something else is sent the kernel's round trip is that of the
// SYN and nothing else. When a SYN had to be sent again the kernel's time is
// only that of the last one, but whoever waits for a connection waits for all of it.
func (d *Details) connected(run *probes.Run, took time.Duration, info *engine.TCPInfo) {
	d.ConnectNS, d.Clock, d.ConnectUserNS = int64(took), engine.ClockUser, int64(took)
	if info != nil && info.Retransmits > 0 {
		run.Stepf("%d SYNs were sent again, of which the kernel's round trip knows nothing: timed by this process", info.Retransmits)
	}
	if ns := engine.SynTime(info, took); ns != nil {
		d.ConnectNS, d.Clock = *ns, engine.ClockTCPInfo
		run.Stepf("the kernel measured SYN to SYN ACK: %v; MSS %d", time.Duration(*ns), info.MSS)
	}
}

// heard notes what the target said first.
func (d *Details) heard(t *talk, begin time.Time, a answer) {
	if len(a.text) == 0 {
		return
	}
	d.BannerBytes, d.Banner = len(a.text), t.quote(a.text)
	if !a.at.IsZero() {
		ns := int64(max(a.at.Sub(begin), 0))
		d.BannerNS = &ns
	}
}

// ended notes what is known once all has been said.
func (d *Details) ended(t *talk, keep []string, captures map[string]string) {
	read, written := t.wire.read, t.wire.written
	d.BytesRead, d.BytesWritten = &read, &written
	for _, name := range keep {
		v, ok := captures[name]
		if !ok {
			continue
		}
		if d.Captures == nil {
			d.Captures = map[string]string{}
		}
		d.Captures[name] = figures.Clip(strings.ToValidUTF8(string(t.secrets.hide([]byte(v))), "\uFFFD"))
	}
}

// Headline implements Details.
func (d Details) Headline() probes.Headline {
	return probes.Headline{Latency: time.Duration(d.ConnectNS), Clock: d.Clock, Expires: d.TLS.Expires, Summary: d.summary()}
}

func (d Details) summary() string {
	if d.ConnectNS == 0 {
		return ""
	}
	words := []string{"connected"}
	if d.StartTLS != "" {
		words = append(words, "starttls "+d.StartTLS)
	}
	if d.TLS.Version != "" {
		words = append(words, d.TLS.Version)
	}
	if !d.TLS.Expires.IsZero() {
		words = append(words, d.TLS.Left(time.Now()))
	}
	if n := len(d.Steps); n > 0 {
		words = append(words, figures.Counted(n, "step"))
	}
	if d.Banner != "" {
		const most = 60
		b := d.Banner
		if len(b) > most {
			b = strings.ToValidUTF8(b[:most], "") + "..."
		}
		words = append(words, b)
	}
	return strings.Join(words, ", ")
}

// Report implements Details, in the manner of openssl s_client.
func (d Details) Report(w io.Writer) {
	if d.Banner != "" {
		fmt.Fprintf(w, "banner      %s\n", d.Banner)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Captures)) {
		fmt.Fprintf(w, "%-11s %s\n", name, d.Captures[name])
	}
	d.TLS.Report(w)
	figures.ReportAge(w, "%s\n", d.ResolveAgeNS)
	figures.ReportPhases(w, figures.Took("resolve", d.ResolveNS))
	if d.ConnectNS > 0 {
		fmt.Fprintf(w, "%-11s %10s ms (%s clock", "connect", figures.MS(d.ConnectNS), d.Clock)
		if d.Clock != engine.ClockUser && d.ConnectUserNS > 0 {
			fmt.Fprintf(w, "; user clock %s ms", figures.MS(d.ConnectUserNS))
		}
		fmt.Fprintln(w, ")")
	}
	if d.BannerNS != nil {
		figures.ReportPhases(w, figures.Took("banner", *d.BannerNS))
	}
	figures.ReportPhases(w, figures.Took("starttls", d.StartTLSNS), figures.Took("tls", d.TLSNS))
	for _, s := range d.Steps {
		took := "-"
		if s.NS != nil {
			took = figures.MS(*s.NS)
		}
		fmt.Fprintf(w, "%-11s %10s ms, %s sent, %d received\n", s.Name, took, figures.Counted(s.SentBytes, "byte"), s.ReceivedBytes)
	}
	if i := d.Info; i != nil {
		fmt.Fprintf(w, "rtt %s ms, rttvar %s ms, min %s ms, %s, MSS %d, path MTU %d\n", figures.MS(i.RTTNS), figures.MS(i.RTTVarNS), figures.MS(i.MinRTTNS), figures.Counted(i.Retransmits, "retransmit"), i.MSS, i.PMTU)
	}
	if d.BytesRead != nil {
		fmt.Fprintf(w, "%s sent, %d received\n", figures.Counted(*d.BytesWritten, "byte"), *d.BytesRead)
	}
}
