package udp

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"netmon/probes"
	"netmon/probes/engine"
	"netmon/probes/internal/figures"
)

// Details is what a UDP probe learns.
type Details struct {
	State        string   `json:"state,omitempty" help:"answered (a reply that belongs to our datagram, as expected), refused (ICMP port unreachable, RFC 1122 section 4.1.3.1), no_answer, or mismatch (a reply, but not the expected one)"`
	Protocol     string   `json:"protocol,omitempty" help:"the named payload that was sent, none for an empty datagram; absent for one of the user's own"`
	ResolveNS    int64    `json:"resolve_ns,omitempty" phase:"yes" help:"lookup of the name, ns; absent for an address"`
	ResolveAgeNS *int64   `json:"resolve_age_ns,omitempty" help:"age of the address, ns, when it comes from the cache that all monitors of an agent share; resolve_ns is then absent"`
	Sent         int      `json:"sent" help:"datagrams sent"`
	Received     int      `json:"received" help:"of these, how many got a reply"`
	Lost         int      `json:"lost" help:"of these, how many got none, for whatever reason"`
	Loss         *float64 `json:"loss,omitempty" help:"lost of sent, 0 to 1"`
	Refused      int      `json:"refused,omitempty" help:"datagrams that ICMP port unreachable answered"`
	Mismatched   int      `json:"mismatched,omitempty" help:"replies that did not meet an expectation"`
	Strange      int      `json:"strange,omitempty" help:"datagrams from the target that were no reply to ours, by the named payload's check"`
	Duplicates   int      `json:"duplicates,omitempty" help:"further datagrams after the reply, until the run ended"`
	OutOfOrder   int      `json:"out_of_order,omitempty" help:"replies that a reply to a later datagram overtook (RFC 4737 section 3.3)"`

	RTTMinNS    *int64 `json:"rtt_min_ns,omitempty" help:"shortest time from send to receive, ns"`
	RTTAvgNS    *int64 `json:"rtt_avg_ns,omitempty" help:"mean of these times, ns; the latency of the result"`
	RTTMaxNS    *int64 `json:"rtt_max_ns,omitempty" help:"longest of these times, ns"`
	RTTMdevNS   *int64 `json:"rtt_mdev_ns,omitempty" help:"standard deviation of these times, ns, as ping's mdev; from two replies on"`
	RTTJitterNS *int64 `json:"rtt_jitter_ns,omitempty" help:"mean of the absolute differences between the times of neighbouring replies, ns; from two replies on"`
	Clock       string `json:"clock,omitempty" help:"what timed the replies: kernel, or user when any was not timed by the kernel"`

	ReplyBytes int    `json:"reply_bytes,omitempty" help:"length of the first reply, bytes; the 4096 that were read when reply_cut"`
	ReplyCut   bool   `json:"reply_cut,omitempty" help:"the first reply was longer than the 4096 bytes that are read"`
	Reply      string `json:"reply,omitempty" help:"beginning of the first reply, quoted as text or in hex; secrets show as stars"`
	Says       string `json:"says,omitempty" help:"what the first reply says, by the named payload: rcode, status, version"`
	ICMP       string `json:"icmp,omitempty" help:"the first ICMP error that came, and who sent it"`
}

// figures counts what came of the datagrams.
func (s *series) figures() Details {
	d := Details{Protocol: s.plan.protocol, Sent: len(s.sent)}
	var rtts []time.Duration
	var first, stranger *datagram
	for _, g := range s.sent {
		d.Strange += g.strange
		d.Duplicates += g.extra
		switch {
		case g.done():
			rtts = append(rtts, g.rtt)
			if first == nil {
				first = g
			}
			if g.state == mismatch {
				d.Mismatched++
			}
			if g.clock == engine.ClockUser || d.Clock == "" {
				d.Clock = g.clock
			}
		case g.state == udpRefused || g.state == unreachable:
			if g.state == udpRefused {
				d.Refused++
			}
			if d.ICMP == "" {
				d.ICMP = g.err.Error()
			}
		case g.strange > 0 && stranger == nil:
			stranger = g
		}
	}
	d.Received = len(rtts)
	d.OutOfOrder = reordered(s.sent)
	d.Lost = d.Sent - d.Received
	if d.Sent > 0 {
		loss := float64(d.Lost) / float64(d.Sent)
		d.Loss = &loss
	}
	switch {
	case d.Sent == 0:
	case d.Mismatched > 0, d.Received == 0 && stranger != nil:
		d.State = mismatch
	case d.Received > 0:
		d.State = udpAnswered
	case d.Refused > 0:
		d.State = udpRefused
	default:
		d.State = noAnswer
	}
	if first == nil {
		first = stranger
	}
	if first != nil {
		d.ReplyBytes, d.ReplyCut, d.Says = first.bytes, first.cut, first.says
		d.Reply = first.reply
	}
	t := figures.RoundTripsOf(rtts)
	d.RTTMinNS, d.RTTAvgNS, d.RTTMaxNS, d.RTTMdevNS, d.RTTJitterNS = t.Min, t.Avg, t.Max, t.Mdev, t.Jitter
	return d
}

// reordered counts the replies that a reply to a later datagram overtook
// (RFC 4737 section 3.3).
func reordered(sent []*datagram) (n int) {
	var earliest time.Time // of the replies to later datagrams
	for _, g := range slices.Backward(sent) {
		if !g.done() {
			continue
		}
		if !earliest.IsZero() && g.arrived.After(earliest) {
			n++
		} else {
			earliest = g.arrived
		}
	}
	return n
}

// Headline implements Details.
func (d Details) Headline() probes.Headline {
	h := probes.Headline{Clock: d.Clock, Loss: d.Loss, Summary: d.summary()}
	if d.RTTAvgNS != nil {
		h.Latency = time.Duration(*d.RTTAvgNS)
	}
	return h
}

func (d Details) summary() string {
	var parts []string
	if d.State != "" {
		parts = append(parts, d.State)
	}
	if d.Sent > 1 {
		parts = append(parts, fmt.Sprintf("%d/%d replies", d.Received, d.Sent))
	}
	switch {
	case d.Says != "":
		parts = append(parts, d.Protocol+" "+d.Says)
	case d.Received > 0:
		parts = append(parts, figures.Counted(d.ReplyBytes, "byte"))
	}
	return strings.Join(parts, ", ")
}

// Report implements Details, in the manner of ping.
func (d Details) Report(w io.Writer) {
	what := "own payload"
	if d.Protocol != "" {
		what = "payload " + d.Protocol
	}
	if d.ResolveNS > 0 {
		fmt.Fprintf(w, "resolved in %s ms\n", figures.MS(d.ResolveNS))
	}
	figures.ReportAge(w, "%s\n", d.ResolveAgeNS)
	fmt.Fprintf(w, "%s: %s\n", what, strings.ReplaceAll(d.State, "_", " "))
	if d.Reply != "" {
		fmt.Fprintf(w, "reply %s: %s\n", figures.Counted(d.ReplyBytes, "byte"), d.Reply)
	}
	if d.Says != "" {
		fmt.Fprintf(w, "says  %s\n", d.Says)
	}
	if d.ICMP != "" {
		fmt.Fprintf(w, "icmp  %s\n", d.ICMP)
	}
	if d.Sent == 0 {
		return
	}
	fmt.Fprintf(w, "sent %d, received %d, %.3g%% loss", d.Sent, d.Received, 100**d.Loss)
	for _, c := range []struct {
		n    int
		word string
	}{{d.Refused, "refused"}, {d.Mismatched, "mismatched"}, {d.Strange, "strange"}, {d.Duplicates, "duplicates"}, {d.OutOfOrder, "out of order"}} {
		if c.n > 0 {
			fmt.Fprintf(w, ", %d %s", c.n, c.word)
		}
	}
	fmt.Fprintln(w)
	switch {
	case d.RTTMdevNS != nil:
		fmt.Fprintf(w, "rtt min/avg/max/mdev = %s/%s/%s/%s ms, jitter %s ms (%s clock)\n", figures.MS(*d.RTTMinNS), figures.MS(*d.RTTAvgNS), figures.MS(*d.RTTMaxNS), figures.MS(*d.RTTMdevNS), figures.MS(*d.RTTJitterNS), d.Clock)
	case d.RTTAvgNS != nil:
		fmt.Fprintf(w, "rtt %s ms (%s clock)\n", figures.MS(*d.RTTAvgNS), d.Clock)
	}
}
