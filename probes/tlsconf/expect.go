package tlsconf

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"netmon/probes"
)

// Expect is what the handshake must have come to.
type Expect struct {
	DaysLeft int    `json:"days_left,omitempty" help:"least whole days until the chain of certificates that verifies expires; with redirects, of every host on the way"`
	Version  string `json:"version,omitempty" enum:"1.0,1.1,1.2,1.3" also:"number" help:"lowest TLS version that is ok: 1.0, 1.1, 1.2 or 1.3; with redirects, of every host on the way"`
	ALPN     string `json:"alpn,omitempty" help:"application protocol that must be negotiated; with redirects, with every host on the way"`
	Subject  string `json:"subject,omitempty" help:"text that the subject or a name of the server's certificate contains; with redirects, that of the last host"`
}

// Hop is the handshake with one of the hosts of a run.
type Hop struct {
	At string // host:port
	F  Figures
}

// Check compares the handshakes of a run with what is expected of them, in
// order: a user goes through all of them.
func (e Expect) Check(run *probes.Run, hops ...Hop) {
	now := time.Now()
	if e.DaysLeft != 0 {
		first := firstHopToExpire(hops)
		left := first.F.DaysLeft(now)
		run.Expect(left >= e.DaysLeft, "expect.days_left", fmt.Sprintf("at least %d", e.DaysLeft), fmt.Sprintf("%d: %s has %s%s", left, first.At, first.F.leftBy(now), first.F.since()))
	}
	if e.Version != "" {
		lowest := hops[0]
		for _, h := range hops {
			if h.version() < lowest.version() {
				lowest = h
			}
		}
		run.Expect(lowest.version() >= e.Version, "expect.version", "at least "+e.Version, lowest.describe(hops, lowest.version()))
	}
	if e.ALPN != "" {
		other := hops[len(hops)-1]
		for _, h := range hops {
			if h.F.ALPN != e.ALPN {
				other = h
				break
			}
		}
		run.Expect(other.F.ALPN == e.ALPN, "expect.alpn", e.ALPN, other.describe(hops, cmp.Or(other.F.ALPN, "none")))
	}
	if e.Subject != "" {
		var names []string
		if f := hops[len(hops)-1].F; len(f.Chain) > 0 {
			names = append([]string{f.Chain[0].Subject}, f.Chain[0].SANs...)
		}
		all := strings.Join(names, ", ")
		run.Expect(strings.Contains(all, e.Subject), "expect.subject", e.Subject, all)
	}
}

// firstHopToExpire is the host whose chain ends first. There is at least one.
func firstHopToExpire(hops []Hop) Hop {
	first := hops[0]
	for _, h := range hops {
		if h.F.Expires.Before(first.F.Expires) {
			first = h
		}
	}
	return first
}

func (h Hop) version() string { return strings.TrimPrefix(h.F.Version, "TLS ") }

// describe is what is true of this one of the hosts, named where there are several.
func (h Hop) describe(hops []Hop, what string) string {
	if len(hops) == 1 {
		return what
	}
	if what == "" {
		what = "none"
	}
	return what + " at " + h.At
}

// since says of when the handshake is, where an earlier run made it.
func (f Figures) since() string {
	if f.Age <= 0 {
		return ""
	}
	return ", by the handshake " + probes.AgeText(f.Age) + " ago"
}
