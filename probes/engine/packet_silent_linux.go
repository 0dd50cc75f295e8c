package engine

import (
	"net/netip"
	"time"
)

// silentPlaces are the addresses whose last runs got no reply, and when the
// latest of these ended. Each is known for one to two lives of a port: by then
// none is left that is older.
type silentPlaces struct {
	turned         time.Time
	recent, before map[netip.AddrPort]time.Time
}

func (s *silentPlaces) note(to netip.AddrPort, now time.Time) {
	if now.Sub(s.turned) > hubPortLife {
		if now.Sub(s.turned) > 2*hubPortLife {
			s.recent = nil
		}
		s.turned, s.recent, s.before = now, map[netip.AddrPort]time.Time{}, s.recent
	}
	if len(s.recent) < hubMostLate {
		s.recent[to] = now
	}
}

func (s *silentPlaces) last(to netip.AddrPort) (at time.Time, ok bool) {
	if at, ok = s.recent[to]; !ok {
		at, ok = s.before[to]
	}
	return at, ok
}
