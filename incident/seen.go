package incident

import "netmon/wire"

// mostGone is how many things that are gone for good are remembered: events, and what is
// deleted. A fact about one may still be on its way.
const mostGone = 1000

// leave notes that something is over for good, or deleted: after many others of these it
// is forgotten which fact about it was the newest, and when it ended.
func (k *Keeper) leave(at key) {
	if k.left[at] {
		return
	}
	k.left[at] = true
	k.gone = append(k.gone, at)
	for len(k.gone) > mostGone {
		old := k.gone[0]
		k.gone = k.gone[1:]
		delete(k.left, old)
		if m := k.members[old]; (m == nil || !m.Open()) && !k.exists(old) {
			delete(k.seen, old)
			delete(k.closed, old)
		}
	}
}

// exists says whether something of that name is there again.
func (k *Keeper) exists(at key) bool {
	switch at.about {
	case wire.AboutMonitor, wire.AboutCertificate:
		mon := k.monitors[at.name]
		return mon != nil && mon.known
	case wire.AboutGroup:
		g := k.groups[at.name]
		return g != nil && g.saved != nil
	}
	return false
}
