package probes

import (
	"net/netip"
	"time"

	"netmon/wire"
)

// Sends is the time from the first to the last of what a run has to send.
func (c *Check) Sends() time.Duration {
	f := c.asked.Footprint(c.target)
	return max(0, time.Duration(f.Probes-1)*f.Gap)
}

// FitsIn says why a run cannot end in time: it has more to send than there is
// time for. Such a monitor would fail for ever, whatever its target does. every
// is the time from one run to the next.
func (c *Check) FitsIn(timeout, every time.Duration) error {
	f, least := c.asked.Footprint(c.target), c.Sends()
	var p wire.Problems
	option := "options." + f.Number
	switch {
	case least == 0:
	case least >= timeout:
		p.Addf(option, "%d, with %v from one to the next, take %v to send, and the timeout is %v: want a timeout over %v, or fewer", f.Probes, f.Gap, least, timeout, least)
	case least >= every:
		p.Addf(option, "%d, with %v from one to the next, take %v to send, and a run begins every %v: want every over %v, or fewer", f.Probes, f.Gap, least, every, least)
	}
	return p.Err()
}

// sameFamily says which addresses that a monitor names cannot be measured by the
// family or from the source that it names, too. f is its footprint.
func (c Common) sameFamily(f Footprint) error {
	places := f.Places[:min(1, len(f.Places))]
	if len(f.Places) > 1 { // the way there is by the last one: a proxy
		places = f.Places[len(f.Places)-1:]
	}
	source, _ := netip.ParseAddr(c.Source)
	var p wire.Problems
	for _, place := range places {
		a, err := netip.ParseAddr(place.Host)
		if err != nil {
			continue
		}
		if !c.MatchesFamily(a) {
			p.Addf("family", "is %s, and the %s names %s", c.Family, place.what(), a)
		}
		if source.IsValid() && source.Is4() != a.Is4() {
			p.Addf("source", "%s and %s, which the %s names, are of different IP families", source, a, place.what())
		}
	}
	return p.Err()
}

// what is the option in the words of a sentence.
func (p Place) what() string {
	if p.Option == "target" {
		return p.Option
	}
	return "option " + p.Option
}
