package probes

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// UDPDetails is what a UDP probe learns.
type UDPDetails struct {
	State        string   `json:"state,omitempty" help:"answered (a reply that belongs to our datagram, as expected), refused (ICMP port unreachable, RFC 1122 section 4.1.3.1), no_answer, or mismatch (a reply, but not the expected one)"`
	Protocol     string   `json:"protocol,omitempty" help:"the named payload that was sent, none for an empty datagram; absent for one of the user's own"`
	ResolveNS    int64    `json:"resolve_ns,omitempty" help:"lookup of the name, ns; absent for an address"`
	ResolveAgeNS *int64   `json:"resolve_age_ns,omitempty" help:"age of the address, ns, when it comes from the cache that all monitors of an agent share; resolve_ns is then absent"`
	Sent         int      `json:"sent" help:"datagrams sent"`
	Received     int      `json:"received" help:"of these, how many got a reply"`
	Lost         int      `json:"lost" help:"of these, how many got none, for whatever reason"`
	Loss         *float64 `json:"loss,omitempty" help:"lost of sent, 0 to 1"`
	Refused      int      `json:"refused,omitempty" help:"datagrams that ICMP port unreachable answered"`
	Mismatched   int      `json:"mismatched,omitempty" help:"replies that an expectation was not met by"`
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
func (s *udpSeries) figures() UDPDetails {
	d := UDPDetails{Protocol: s.plan.protocol, Sent: len(s.sent)}
	var rtts []time.Duration
	var first, stranger *udpDatagram
	for _, g := range s.sent {
		d.Strange += g.strange
		d.Duplicates += g.extra
		switch {
		case g.done():
			rtts = append(rtts, g.rtt)
			if first == nil {
				first = g
			}
			if g.state == udpMismatch {
				d.Mismatched++
			}
			if g.clock == ClockUser || d.Clock == "" {
				d.Clock = g.clock
			}
		case g.state == udpRefused || g.state == udpUnreachable:
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
	d.OutOfOrder = udpReordered(s.sent)
	d.Lost = d.Sent - d.Received
	if d.Sent > 0 {
		loss := float64(d.Lost) / float64(d.Sent)
		d.Loss = &loss
	}
	switch {
	case d.Sent == 0:
	case d.Mismatched > 0, d.Received == 0 && stranger != nil:
		d.State = udpMismatch
	case d.Received > 0:
		d.State = udpAnswered
	case d.Refused > 0:
		d.State = udpRefused
	default:
		d.State = udpNoAnswer
	}
	if first == nil {
		first = stranger
	}
	if first != nil {
		d.ReplyBytes, d.ReplyCut, d.Says = first.bytes, first.cut, first.says
		d.Reply = first.reply
	}
	t := roundTripsOf(rtts)
	d.RTTMinNS, d.RTTAvgNS, d.RTTMaxNS, d.RTTMdevNS, d.RTTJitterNS = t.min, t.avg, t.max, t.mdev, t.jitter
	return d
}

// udpReordered counts the replies that a reply to a later datagram overtook
// (RFC 4737 section 3.3).
func udpReordered(sent []*udpDatagram) (n int) {
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
func (d UDPDetails) Headline() Headline {
	h := Headline{Clock: d.Clock, Loss: d.Loss, Summary: d.summary()}
	if d.RTTAvgNS != nil {
		h.Latency = time.Duration(*d.RTTAvgNS)
	}
	return h
}

func (d UDPDetails) summary() string {
	var words []string
	if d.State != "" {
		words = append(words, d.State)
	}
	if d.Sent > 1 {
		words = append(words, fmt.Sprintf("%d/%d replies", d.Received, d.Sent))
	}
	switch {
	case d.Says != "":
		words = append(words, d.Protocol+" "+d.Says)
	case d.Received > 0:
		words = append(words, fmt.Sprintf("%d bytes", d.ReplyBytes))
	}
	return strings.Join(words, ", ")
}

// Report implements Details, in the manner of ping.
func (d UDPDetails) Report(w io.Writer) {
	what := "own payload"
	if d.Protocol != "" {
		what = "payload " + d.Protocol
	}
	if d.ResolveNS > 0 {
		fmt.Fprintf(w, "resolved in %s ms\n", inMS(d.ResolveNS))
	}
	reportAge(w, "%s\n", d.ResolveAgeNS)
	fmt.Fprintf(w, "%s: %s\n", what, strings.ReplaceAll(d.State, "_", " "))
	if d.Reply != "" {
		fmt.Fprintf(w, "reply %d bytes: %s\n", d.ReplyBytes, d.Reply)
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
		fmt.Fprintf(w, "rtt min/avg/max/mdev = %s/%s/%s/%s ms, jitter %s ms (%s clock)\n", inMS(*d.RTTMinNS), inMS(*d.RTTAvgNS), inMS(*d.RTTMaxNS), inMS(*d.RTTMdevNS), inMS(*d.RTTJitterNS), d.Clock)
	case d.RTTAvgNS != nil:
		fmt.Fprintf(w, "rtt %s ms (%s clock)\n", inMS(*d.RTTAvgNS), d.Clock)
	}
}

// inMS writes nanoseconds as milliseconds, the way ping does.
func inMS(ns int64) string { return fmt.Sprintf("%.3f", float64(ns)/1e6) }
