package incident

import (
	"maps"
	"slices"
	"time"

	"netmon/wire"
)

// missed are those whose wait was over before the incident ended, at a time that is past,
// and who were not notified: its end comes together with its beginning, since nobody
// led meanwhile. They are notified once, of the end.
func (k *Keeper) missed(inc *incident, end time.Time) map[string]*want {
	if inc.muted == inc.open || inc.isEvent() {
		return nil
	}
	missed := k.plan(inc)
	for name, w := range missed {
		if c := inc.channel(name); !w.direct || !k.usable(name) || c != nil && c.N > 0 || inc.Decided.Add(w.wait).After(end) {
			delete(missed, name)
		}
	}
	return missed
}

// notifyMissed notifies them.
func (k *Keeper) notifyMissed(inc *incident) {
	for _, name := range slices.Sorted(maps.Keys(inc.missed)) {
		k.notify(inc, name, wire.ReasonResolved, inc.missed[name].rule)
	}
	inc.missed = nil
}
