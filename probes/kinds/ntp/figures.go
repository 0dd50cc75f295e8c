package ntp

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"netmon/internal/hostclock"
	"netmon/internal/ntppacket"
	"netmon/probes"
	"netmon/probes/internal/figures"
)

// Details is what an NTP probe learns. The times of the answer with the
// least delay count; everything else is of the last answer.
type Details struct {
	ResolveNS    int64  `json:"resolve_ns,omitempty" phase:"yes" help:"lookup of the name, ns; absent for an address"`
	ResolveAgeNS *int64 `json:"resolve_age_ns,omitempty" help:"age of the address, ns, when it comes from the cache that all monitors of an agent share; resolve_ns is then absent"`
	OffsetNS     *int64 `json:"offset_ns,omitempty" help:"how far the server's clock is ahead of this host's, ns: ((t2-t1)+(t3-t4))/2 (RFC 5905 section 8)"`
	RTTNS        *int64 `json:"rtt_ns,omitempty" phase:"yes" help:"delay: time on the way there and back without the server's own, ns: (t4-t1)-(t3-t2) (RFC 5905 section 8)"`
	JitterNS     *int64 `json:"jitter_ns,omitempty" help:"root mean square of the other samples' offsets against the best one's, ns (RFC 5905 section 10); from two samples on"`
	Clock        string `json:"clock,omitempty" help:"what timed the arrival of the answer: kernel or user"`

	Stratum          *int       `json:"stratum,omitempty" help:"distance from the reference clock: 1 primary server, 2 to 15 secondary, 0 kiss code or unspecified, 16 unsynchronised (RFC 5905 section 7.3)"`
	Leap             *int       `json:"leap,omitempty" help:"leap indicator: 0 no warning, 1 and 2 the last minute of the month has 61 or 59 seconds, 3 unsynchronised (RFC 5905 section 7.3)"`
	Version          int        `json:"version,omitempty" help:"protocol version of the answer"`
	ReferenceID      string     `json:"reference_id,omitempty" help:"what the server is synchronised to: stratum 1 the clock's name, stratum 2 and more the address of its server, or the first bytes of a hash of an IPv6 one, stratum 0 the kiss code (RFC 5905 section 7.3)"`
	ReferenceTime    *time.Time `json:"reference_time,omitempty" help:"when the server's clock was last set or corrected, UTC"`
	RootDelayNS      *int64     `json:"root_delay_ns,omitempty" help:"the server's delay to the reference clock and back, ns"`
	RootDispersionNS *int64     `json:"root_dispersion_ns,omitempty" help:"the server's dispersion to the reference clock, ns"`
	RootDistanceNS   *int64     `json:"root_distance_ns,omitempty" help:"the greatest error that this host's clock could have by this server: (delay + root delay)/2 + root dispersion, ns (RFC 5905 appendix A.5.5.2)"`
	Precision        *int       `json:"precision,omitempty" help:"precision of the server's clock, log2 of seconds"`
	Poll             *int       `json:"poll,omitempty" help:"poll interval in the answer, log2 of seconds"`
	KissCode         string     `json:"kiss_code,omitempty" help:"kiss code of an answer of stratum 0 (RFC 5905 section 7.4), now or, while the server is not asked, before"`
	BackoffUntil     *time.Time `json:"backoff_until,omitempty" help:"until when this server is not asked after RATE, DENY or RSTR; runs before that send nothing"`
	Time             *time.Time `json:"time,omitempty" help:"the server's transmit timestamp, UTC"`

	Sent    int      `json:"sent" help:"requests sent"`
	Samples []Answer `json:"samples,omitempty" help:"the answers that carried times, in the order in which they came"`
	Bogus   int      `json:"bogus,omitempty" help:"datagrams from the server that were no answer to our requests"`

	ClockSynchronised *bool  `json:"clock_synchronised,omitempty" help:"whether this host's kernel regards its own clock as synchronised (adjtimex, Linux)"`
	ClockMaxErrorNS   *int64 `json:"clock_max_error_ns,omitempty" help:"the greatest error of this host's clock by its own kernel, ns (adjtimex maxerror, Linux); absent when it is not synchronised"`
	ClockEstErrorNS   *int64 `json:"clock_est_error_ns,omitempty" help:"the estimated error of this host's clock by its own kernel, ns (adjtimex esterror, Linux); absent when it is not synchronised"`
}

// Answer is one answer's times.
type Answer struct {
	OffsetNS int64 `json:"offset_ns" help:"offset of this answer, ns"`
	RTTNS    int64 `json:"rtt_ns" help:"delay of this answer, ns"`
}

// setSample fills in what an answer says, whether or not it may be believed.
func (d *Details) setSample(s sample) {
	d.Stratum, d.Leap, d.Version = new(int(s.Stratum)), new(int(s.Leap)), int(s.Version)
	d.Precision, d.Poll = new(int(s.Precision)), new(int(s.Poll))
	d.ReferenceID, d.KissCode = s.ReferenceID(), s.Kiss()
	d.RootDelayNS, d.RootDispersionNS = new(int64(ntppacket.Short(s.RootDelay))), new(int64(ntppacket.Short(s.RootDispersion)))
	d.ReferenceTime, d.Time = nil, nil
	if s.Reference != 0 {
		d.ReferenceTime = new(ntppacket.Time(s.Reference, s.sent))
	}
	if s.Transmit != 0 {
		d.Time = new(s.left)
	}
}

// setFigures chooses among the samples and fills in their times. An answer without
// the server's timestamps has none: a refusal carries our own times or zeros.
func (d *Details) setFigures(samples []sample, sent int) {
	d.Sent = sent
	var best *sample
	for i, s := range samples {
		if s.Stratum == 0 && s.Kiss() != "" || s.Receive == 0 || s.Transmit == 0 {
			continue
		}
		d.Samples = append(d.Samples, Answer{int64(s.offset()), int64(s.delay())})
		if best == nil || s.delay() < best.delay() {
			best = &samples[i]
		}
	}
	if best == nil {
		return
	}
	d.OffsetNS, d.RTTNS, d.RootDistanceNS = new(int64(best.offset())), new(int64(best.delay())), new(int64(best.distance()))
	d.Clock = best.clock
	if n := len(d.Samples) - 1; n > 0 {
		var square float64
		for _, s := range d.Samples {
			apart := float64(s.OffsetNS - *d.OffsetNS)
			square += apart * apart
		}
		d.JitterNS = new(int64(math.Sqrt(square / float64(n))))
	}
}

// localClock fills in what this host's kernel knows of its own clock.
func (d *Details) localClock(run *probes.Run) {
	c, ok := hostclock.KernelClock()
	if !ok {
		return
	}
	d.ClockSynchronised = &c.Synchronised
	if c.Synchronised {
		d.ClockMaxErrorNS, d.ClockEstErrorNS = new(int64(c.MaxError)), new(int64(c.EstError))
		run.Stepf("this host's clock is synchronised, off by %v at most", c.MaxError)
	} else {
		run.Stepf("this host's clock is not synchronised, according to its kernel")
	}
}

// Headline implements Details.
func (d Details) Headline() probes.Headline {
	h := probes.Headline{Clock: d.Clock, Summary: d.summary()}
	if d.RTTNS != nil {
		h.Latency = time.Duration(*d.RTTNS)
	}
	if d.Sent > 0 {
		h.Loss = new(float64(d.Sent-d.answered()) / float64(d.Sent))
	}
	return h
}

// answered counts the requests that got an answer. One that refuses, and with
// which the run ends, carries no times.
func (d Details) answered() int {
	if len(d.Samples) < d.Sent && (d.KissCode != "" || len(d.Samples) == 0 && d.Stratum != nil) {
		return len(d.Samples) + 1
	}
	return len(d.Samples)
}

func (d Details) summary() string {
	var words []string
	switch {
	case d.KissCode != "":
		words = append(words, "kiss "+d.KissCode)
	case d.Stratum != nil:
		words = append(words, fmt.Sprintf("stratum %d", *d.Stratum))
	}
	if d.OffsetNS != nil && d.KissCode == "" {
		words = append(words, "offset "+signed(*d.OffsetNS))
	}
	if d.Leap != nil && *d.Leap != 0 {
		words = append(words, leapText(*d.Leap))
	}
	return strings.Join(words, ", ")
}

// signed writes an offset with its sign, rounded to three or four digits.
func signed(ns int64) string {
	v := time.Duration(ns)
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if v.Abs() >= unit {
			v = v.Round(unit / 1000)
			break
		}
	}
	if v >= 0 {
		return "+" + v.String()
	}
	return v.String()
}

func leapText(leap int) string {
	return [...]string{"no-leap", "add-leap", "del-leap", "unsync"}[leap&3]
}

// Report implements Details: a line as ntpdig and ntpdate -q write it, then the
// rest as chronyc ntpdata does.
func (d Details) Report(w io.Writer) {
	if d.Time != nil && d.OffsetNS != nil && d.RootDistanceNS != nil && d.Stratum != nil && d.Leap != nil {
		fmt.Fprintf(w, "%s (+0000) %+.6f +/- %.6f s%d %s\n", d.Time.UTC().Format("2006-01-02 15:04:05.000000"),
			ntpSeconds(*d.OffsetNS), ntpSeconds(*d.RootDistanceNS), *d.Stratum, leapText(*d.Leap))
	}
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-16s: %s\n", name, fmt.Sprintf(format, args...))
	}
	seconds := func(name, format string, ns *int64) {
		if ns != nil {
			line(name, format, ntpSeconds(*ns))
		}
	}
	exponent := func(name string, n *int) {
		if n != nil {
			line(name, "%d (%s seconds)", *n, strconv.FormatFloat(math.Exp2(float64(*n)), 'f', max(0, min(9, -3**n)), 64))
		}
	}
	if d.ResolveNS > 0 {
		line("Resolve", "%s ms", figures.MS(d.ResolveNS))
	}
	figures.ReportAge(w, "Resolve         : %s\n", d.ResolveAgeNS)
	if d.KissCode != "" {
		line("Kiss code", "%s", d.KissCode)
	}
	if d.BackoffUntil != nil {
		line("Not asked until", "%s", d.BackoffUntil.UTC().Format(time.RFC3339))
	}
	if d.Leap != nil {
		line("Leap status", "%s", [...]string{"Normal", "Insert second", "Delete second", "Not synchronised"}[*d.Leap&3])
	}
	if d.Version != 0 {
		line("Version", "%d", d.Version)
	}
	if d.Stratum != nil {
		line("Stratum", "%d", *d.Stratum)
	}
	exponent("Poll interval", d.Poll)
	exponent("Precision", d.Precision)
	seconds("Root delay", "%.9f seconds", d.RootDelayNS)
	seconds("Root dispersion", "%.9f seconds", d.RootDispersionNS)
	if d.ReferenceID != "" {
		line("Reference ID", "%s", d.ReferenceID)
	}
	if d.ReferenceTime != nil {
		line("Reference time", "%s", d.ReferenceTime.UTC().Format("Mon Jan 02 15:04:05 2006"))
	}
	seconds("Offset", "%+.9f seconds", d.OffsetNS)
	seconds("Peer delay", "%.9f seconds", d.RTTNS)
	seconds("Jitter", "%.9f seconds", d.JitterNS)
	seconds("Root distance", "%.9f seconds", d.RootDistanceNS)
	if len(d.Samples) > 1 {
		for i, s := range d.Samples {
			line(fmt.Sprintf("Sample %d", i+1), "offset %+.6f, delay %.6f", ntpSeconds(s.OffsetNS), ntpSeconds(s.RTTNS))
		}
	}
	line("Requests", "%d sent, %d answered", d.Sent, d.answered())
	switch {
	case d.ClockMaxErrorNS != nil:
		line("This host", "synchronised, maximum error %.6f, estimated %.6f seconds", ntpSeconds(*d.ClockMaxErrorNS), ntpSeconds(*d.ClockEstErrorNS))
	case d.ClockSynchronised != nil:
		line("This host", "not synchronised, according to its kernel")
	}
}

func ntpSeconds(ns int64) float64 { return float64(ns) / 1e9 }
