package probes

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// TCPDetails is what a TCP probe learns.
type TCPDetails struct {
	ResolveNS     int64             `json:"resolve_ns,omitempty" help:"lookup of the name, ns; absent for an address"`
	ResolveAgeNS  *int64            `json:"resolve_age_ns,omitempty" help:"age of the address, ns, when it comes from the cache that all monitors of an agent share; resolve_ns is then absent"`
	ConnectNS     int64             `json:"connect_ns,omitempty" help:"SYN to established (RFC 9293 section 3.5), ns; the latency of the result"`
	Clock         string            `json:"clock,omitempty" help:"what timed connect_ns: tcp_info, the kernel's own measurement from SYN to SYN ACK, or user where there is none or a SYN had to be sent again"`
	ConnectUserNS int64             `json:"connect_user_ns,omitempty" help:"the same by this process's clock, which includes its wait for a processor, ns; comparable with curl's time_connect; absent where nobody waits for one connection alone (on Linux, an agent's plain connect)"`
	BannerNS      *int64            `json:"banner_ns,omitempty" help:"time from the connection, or TLS, to the banner's first bytes, to those that meet expect.banner, or with starttls to the end of the greeting, ns; absent when the banner is not the expected one"`
	BannerBytes   int               `json:"banner_bytes,omitempty" help:"length of the banner, bytes"`
	Banner        string            `json:"banner,omitempty" help:"what the target said first, quoted as text or in hex, its beginning; secrets show as stars"`
	StartTLS      string            `json:"starttls,omitempty" help:"protocol in which TLS was asked for"`
	StartTLSNS    int64             `json:"starttls_ns,omitempty" help:"from the connection to the go-ahead for TLS, greeting included, ns"`
	TLSNS         int64             `json:"tls_ns,omitempty" help:"TLS handshake, ns"`
	TLS           TLSFigures        `json:"tls,omitzero"`
	Steps         []TCPStepFigures  `json:"steps,omitempty" help:"steps of the dialogue that were begun"`
	Captures      map[string]string `json:"captures,omitempty" help:"what the captures named by keep hold, clipped; secrets show as stars"`
	BytesRead     *int64            `json:"bytes_read,omitempty" help:"bytes received on the connection, TLS included"`
	BytesWritten  *int64            `json:"bytes_written,omitempty" help:"bytes sent on the connection, TLS included"`
	Info          *TCPInfo          `json:"tcp_info,omitempty"`
}

// TCPStepFigures is what came of one step.
type TCPStepFigures struct {
	Name          string `json:"name" help:"name of the step"`
	NS            *int64 `json:"ns,omitempty" help:"from its beginning to the bytes that met its expectation, ns; absent when it expects nothing, or in vain"`
	SentBytes     int    `json:"sent_bytes,omitempty" help:"bytes sent, TLS not included"`
	ReceivedBytes int    `json:"received_bytes,omitempty" help:"length of the answer, or of what came instead, bytes"`
}

// TCPInfo is what the kernel knows of a connection, on Linux (tcp(7), TCP_INFO).
type TCPInfo struct {
	RTTNS       int64 `json:"rtt_ns,omitempty" help:"smoothed round trip when the dialogue ended (RFC 6298), ns, to the microsecond"`
	RTTVarNS    int64 `json:"rttvar_ns,omitempty" help:"its mean deviation (RFC 6298), ns"`
	MinRTTNS    int64 `json:"min_rtt_ns,omitempty" help:"shortest round trip, ns"`
	Retransmits int64 `json:"retransmits" help:"segments that were sent again, SYNs included"`
	MSS         int64 `json:"mss,omitempty" help:"most payload of a segment that is sent, bytes"`
	PMTU        int64 `json:"pmtu,omitempty" help:"path MTU as far as it is known, bytes"`
}

// connected notes how long the connecting took. took is by this process's
// clock. Until something else is sent the kernel's round trip is that of the
// SYN and nothing else. When a SYN had to be sent again the kernel's time is
// only that of the last one, but who waits for a connection waits for all of it.
func (d *TCPDetails) connected(run *Run, took time.Duration, info *TCPInfo) {
	d.ConnectNS, d.Clock, d.ConnectUserNS = int64(took), ClockUser, int64(took)
	if info != nil && info.Retransmits > 0 {
		run.Stepf("%d SYNs were sent again, of which the kernel's round trip knows nothing: timed by this process", info.Retransmits)
	}
	if ns := synTime(info, took); ns != nil {
		d.ConnectNS, d.Clock = *ns, ClockTCPInfo
		run.Stepf("the kernel measured SYN to SYN ACK: %v; MSS %d", time.Duration(*ns), info.MSS)
	}
}

// synTime is the time from SYN to SYN ACK, ns, by what the kernel says of a
// connection right after connecting, which took so long by this process's clock.
// It is nil where the kernel does not tell, or tells of something else.
func synTime(info *TCPInfo, took time.Duration) *int64 {
	if info == nil || info.RTTNS <= 0 || info.Retransmits > 0 || info.RTTNS > int64(took) {
		return nil
	}
	return new(info.RTTNS)
}

// heard notes what the target said first.
func (d *TCPDetails) heard(t *tcpTalk, begin time.Time, a tcpAnswer) {
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
func (d *TCPDetails) ended(t *tcpTalk, keep []string, captures map[string]string) {
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
		d.Captures[name] = clip(strings.ToValidUTF8(string(t.secrets.hide([]byte(v))), "\uFFFD"))
	}
}

// Headline implements Details.
func (d TCPDetails) Headline() Headline {
	return Headline{Latency: time.Duration(d.ConnectNS), Clock: d.Clock, Expires: d.TLS.Expires, Summary: d.summary()}
}

func (d TCPDetails) summary() string {
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
		words = append(words, fmt.Sprintf("%d days left", d.TLS.daysLeft(time.Now())))
	}
	if n := len(d.Steps); n > 0 {
		words = append(words, fmt.Sprintf("%d %s", n, pluralOf(n, "step")))
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
func (d TCPDetails) Report(w io.Writer) {
	if d.Banner != "" {
		fmt.Fprintf(w, "banner      %s\n", d.Banner)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Captures)) {
		fmt.Fprintf(w, "%-11s %s\n", name, d.Captures[name])
	}
	d.TLS.report(w)
	reportAge(w, "%s\n", d.ResolveAgeNS)
	reportPhases(w, phaseTime{"resolve", d.ResolveNS})
	if d.ConnectNS > 0 {
		fmt.Fprintf(w, "%-11s %10s ms (%s clock", "connect", inMS(d.ConnectNS), d.Clock)
		if d.Clock != ClockUser && d.ConnectUserNS > 0 {
			fmt.Fprintf(w, "; user clock %s ms", inMS(d.ConnectUserNS))
		}
		fmt.Fprintln(w, ")")
	}
	if d.BannerNS != nil {
		reportPhases(w, phaseTime{"banner", *d.BannerNS})
	}
	reportPhases(w, phaseTime{"starttls", d.StartTLSNS}, phaseTime{"tls", d.TLSNS})
	for _, s := range d.Steps {
		took := "-"
		if s.NS != nil {
			took = inMS(*s.NS)
		}
		fmt.Fprintf(w, "%-11s %10s ms, %d bytes sent, %d received\n", s.Name, took, s.SentBytes, s.ReceivedBytes)
	}
	if i := d.Info; i != nil {
		fmt.Fprintf(w, "rtt %s ms, rttvar %s ms, min %s ms, %d retransmits, MSS %d, path MTU %d\n", inMS(i.RTTNS), inMS(i.RTTVarNS), inMS(i.MinRTTNS), i.Retransmits, i.MSS, i.PMTU)
	}
	if d.BytesRead != nil {
		fmt.Fprintf(w, "%d bytes sent, %d received\n", *d.BytesWritten, *d.BytesRead)
	}
}
