package icmp

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"netmon/probes"
	"netmon/probes/engine"
	"netmon/probes/internal/figures"
)

// Details is what an ICMP probe learns.
type Details struct {
	ResolveNS    int64    `json:"resolve_ns,omitempty" phase:"yes" help:"lookup of the name, ns; absent for an address"`
	ResolveAgeNS *int64   `json:"resolve_age_ns,omitempty" help:"age of the address, ns, when it comes from the cache that all monitors of an agent share; resolve_ns is then absent"`
	Sent         int      `json:"sent" help:"echo requests sent"`
	Received     int      `json:"received" help:"of these, how many were answered: by the target, in time, with the whole payload unchanged (RFC 1122 section 3.2.2.6)"`
	Lost         int      `json:"lost" help:"of these, how many were not, for whatever reason"`
	Loss         *float64 `json:"loss,omitempty" help:"lost of sent, 0 to 1"`
	Duplicates   int      `json:"duplicates,omitempty" help:"further replies to a request that had its reply, until the run ended"`
	OutOfOrder   int      `json:"out_of_order,omitempty" help:"replies that a reply to a later request overtook (RFC 4737 section 3.3)"`
	Late         int      `json:"late,omitempty" help:"replies that took longer than the option wait, and, up to a minute late, replies to lost requests of the monitor's run before; they count as lost there"`
	Corrupted    int      `json:"corrupted,omitempty" help:"replies that did not bring back what was sent: bytes changed, cut or added; not counted as received"`
	WrongSource  int      `json:"wrong_source,omitempty" help:"replies to our requests that came from another address than the target's; not counted as received"`

	RTTMinNS           *int64 `json:"rtt_min_ns,omitempty" help:"shortest round trip, ns"`
	RTTAvgNS           *int64 `json:"rtt_avg_ns,omitempty" help:"mean round trip, ns; the latency of the result"`
	RTTMaxNS           *int64 `json:"rtt_max_ns,omitempty" help:"longest round trip, ns"`
	RTTMdevNS          *int64 `json:"rtt_mdev_ns,omitempty" help:"standard deviation of the round trips, ns, as ping's mdev; from 2 replies on"`
	RTTP50NS           *int64 `json:"rtt_p50_ns,omitempty" help:"median of the round trips, ns, by nearest rank like the other percentiles; from 2 replies on"`
	RTTP90NS           *int64 `json:"rtt_p90_ns,omitempty" help:"90th percentile, ns; from 10 replies on, as it would be the maximum with fewer"`
	RTTP95NS           *int64 `json:"rtt_p95_ns,omitempty" help:"95th percentile, ns; from 20 replies on"`
	RTTP99NS           *int64 `json:"rtt_p99_ns,omitempty" help:"99th percentile, ns; from 100 replies on"`
	RTTJitterNS        *int64 `json:"rtt_jitter_ns,omitempty" help:"mean of the absolute differences between the round trips of neighbouring replies, in order of sending, ns; from 2 replies on"`
	RTTJitterRFC3550NS *int64 `json:"rtt_jitter_rfc3550_ns,omitempty" help:"interarrival jitter as RTP's receivers smooth it, J += (abs(D)-J)/16 in order of arrival, of the round trips, ns (RFC 3550 section 6.4.1); it starts from 0 and needs dozens of replies to get near the mean; from 2 replies on"`
	Clock              string `json:"clock,omitempty" help:"what timed the replies: kernel, or user when any was not timed by the kernel, or when one may be wrong by over 500 µs because sending was interrupted, as on a host that is short of CPU"`

	TTL    int `json:"ttl,omitempty" help:"TTL or hop limit that the last reply arrived with"`
	TTLMin int `json:"ttl_min,omitempty" help:"the least of all replies; differs from ttl when the way back changed during the run"`

	Errors      []Error `json:"icmp_errors,omitempty" help:"ICMP errors that came instead of replies, alike ones together, at most 8"`
	OtherErrors int     `json:"icmp_errors_more,omitempty" help:"ICMP errors beyond these"`
	Drops       int     `json:"socket_drops,omitempty" help:"packets of any monitor that this host's own socket had no space for, as it became known during the run; loss then says nothing about the target"`
	TookNS      int64   `json:"took_ns,omitempty" help:"from the first request to the end of the run, ns"`
}

// Error is a kind of ICMP error from one sender.
type Error struct {
	Type  int    `json:"type" help:"ICMP type (RFC 792), or ICMPv6 type (RFC 4443) when the target's address is one of IPv6"`
	Code  int    `json:"code" help:"ICMP code"`
	Name  string `json:"name" help:"type and code in words"`
	From  string `json:"from" help:"address of the router or host that sent it; this host's own when it got no answer from the neighbour (ARP, RFC 4861)"`
	MTU   int    `json:"mtu,omitempty" help:"MTU of the link that the packet did not fit, bytes (RFC 1191, RFC 8201)"`
	Count int    `json:"count" help:"how many of them came"`
}

// figures counts what came of the requests.
func (s *series) figures() Details {
	d := Details{
		Sent: len(s.sent), Duplicates: s.duplicates, OutOfOrder: s.outOfOrder, Late: s.late,
		Corrupted: s.corrupted, WrongSource: s.wrongSource, OtherErrors: s.otherErrors,
		TTL: s.ttl, TTLMin: s.ttlMin, Drops: s.drops, TookNS: int64(s.took),
	}
	var rtts []time.Duration
	for _, r := range s.sent {
		if r.state != answered {
			continue
		}
		rtts = append(rtts, r.rtt)
		if r.clock == engine.ClockUser || d.Clock == "" {
			d.Clock = r.clock
		}
	}
	d.Received = len(rtts)
	d.Lost = d.Sent - d.Received
	if d.Sent > 0 {
		d.Loss = new(float64(d.Lost) / float64(d.Sent))
	}
	for i, e := range s.errors {
		d.Errors = append(d.Errors, Error{int(e.typ), int(e.code), e.name(s.to.Is6()), e.from.String(), int(e.mtu), s.errorCounts[i]})
	}
	t := figures.RoundTripsOf(rtts)
	d.RTTMinNS, d.RTTAvgNS, d.RTTMaxNS, d.RTTMdevNS, d.RTTJitterNS = t.Min, t.Avg, t.Max, t.Mdev, t.Jitter
	d.RTTP50NS, d.RTTP90NS = t.Percentile(50, 2), t.Percentile(90, 10)
	d.RTTP95NS, d.RTTP99NS = t.Percentile(95, 20), t.Percentile(99, 100)
	if len(rtts) > 1 {
		d.RTTJitterRFC3550NS = new(int64(math.Round(s.rfcJitter)))
	}
	return d
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
	if d.Sent == 0 {
		return ""
	}
	words := []string{fmt.Sprintf("%d/%d replies", d.Received, d.Sent)}
	if d.RTTJitterNS != nil {
		words = append(words, fmt.Sprintf("jitter %s ms", figures.MS(*d.RTTJitterNS)))
	}
	if d.Corrupted > 0 {
		words = append(words, fmt.Sprintf("%d corrupted", d.Corrupted))
	}
	if len(d.Errors) > 0 {
		words = append(words, d.Errors[0].Name+" from "+d.Errors[0].From)
	}
	return strings.Join(words, ", ")
}

// Report implements Details, in the manner of ping.
func (d Details) Report(w io.Writer) {
	if d.ResolveNS > 0 {
		fmt.Fprintf(w, "resolved in %s ms\n", figures.MS(d.ResolveNS))
	}
	figures.ReportAge(w, "%s\n", d.ResolveAgeNS)
	if d.Loss == nil {
		return
	}
	fmt.Fprintf(w, "%d packets transmitted, %d received", d.Sent, d.Received)
	failed := d.OtherErrors
	for _, e := range d.Errors {
		failed += e.Count
	}
	for _, c := range []struct {
		n    int
		word string
	}{{d.Duplicates, "duplicates"}, {d.Corrupted, "corrupted"}, {failed, "errors"}, {d.OutOfOrder, "out of order"}, {d.Late, "late"}, {d.WrongSource, "from a different address"}, {d.Drops, "lost at this host's socket"}} {
		if c.n > 0 {
			fmt.Fprintf(w, ", +%d %s", c.n, c.word)
		}
	}
	fmt.Fprintf(w, ", %.4g%% packet loss, time %dms\n", *d.Loss*100, d.TookNS/1e6)
	for _, e := range d.Errors {
		mtu := ""
		if e.MTU > 0 {
			mtu = fmt.Sprintf(", mtu %d", e.MTU)
		}
		fmt.Fprintf(w, "%s from %s: %s%s (type %d code %d)\n", figures.Counted(e.Count, "time"), e.From, e.Name, mtu, e.Type, e.Code)
	}
	if d.RTTAvgNS == nil {
		return
	}
	if d.RTTMdevNS == nil {
		fmt.Fprintf(w, "rtt %s ms (%s clock)\n", figures.MS(*d.RTTAvgNS), d.Clock)
		return
	}
	fmt.Fprintf(w, "rtt min/avg/max/mdev = %s/%s/%s/%s ms (%s clock)\n", figures.MS(*d.RTTMinNS), figures.MS(*d.RTTAvgNS), figures.MS(*d.RTTMaxNS), figures.MS(*d.RTTMdevNS), d.Clock)
	names, values := []string{}, []string{}
	for _, p := range []struct {
		name string
		ns   *int64
	}{{"p50", d.RTTP50NS}, {"p90", d.RTTP90NS}, {"p95", d.RTTP95NS}, {"p99", d.RTTP99NS}} {
		if p.ns != nil {
			names, values = append(names, p.name), append(values, figures.MS(*p.ns))
		}
	}
	fmt.Fprintf(w, "rtt %s = %s ms\n", strings.Join(names, "/"), strings.Join(values, "/"))
	if d.RTTJitterNS != nil && d.RTTJitterRFC3550NS != nil {
		fmt.Fprintf(w, "jitter mean/rfc3550 = %s/%s ms\n", figures.MS(*d.RTTJitterNS), figures.MS(*d.RTTJitterRFC3550NS))
	}
}
