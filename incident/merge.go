package incident

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

const (
	manyAre    = 10               // incidents that nobody was notified of yet
	manyWithin = 30 * time.Second // and that were decided in that time are put together
)

// unnotified says that no channel was notified of it yet.
func (inc *incident) unnotified() bool {
	return !slices.ContainsFunc(inc.Channels, func(c wire.ChannelState) bool { return c.N > 0 })
}

// regroupMember moves a member whose fault turned out to be something else to the
// incident that it belongs to. Where somebody was notified of it already, it stays, and the
// correction is sent.
func (k *Keeper) regroupMember(m *member, f *fact) {
	list := k.causes(f)
	if len(list) == 0 || !strong(list[0].What) || list[0].Name == f.name {
		return
	}
	from := m.inc
	to, cause := k.find(f, list[:1])
	if to == from || to == nil || !from.unnotified() {
		if len(from.members) == 1 || to == from {
			k.setCause(from, list[0].Cause)
		}
		return
	}
	k.move(m, to)
	k.setCause(to, cause)
	if len(from.members) == 0 {
		k.merged(from, to)
	}
}

// move makes a member one of another incident. It keeps what it is.
func (k *Keeper) move(m *member, to *incident) {
	from := m.inc
	if m.Open() {
		k.unfit(m)
		from.open--
		from.severities[severityRank(m.Severity)]--
		from.flapping -= count(m.Flaps)
	} else {
		from.Good--
	}
	from.members = slices.DeleteFunc(from.members, func(x *member) bool { return x == m })
	if m.listed {
		from.listed--
	}
	k.markChanged(from)
	if old := k.members[m.key()]; old != m {
		return // it is wrong as part of another incident
	}
	if m.listed = to.listed < wire.MaxMembers; m.listed {
		to.listed++
	}
	m.inc = to
	to.Joined = latest(to.Joined, from.Joined)
	to.Opened = earliest(to.Opened, m.Since)
	k.markChanged(to)
	if !m.Open() {
		to.Good++
		if !m.listed {
			to.restGood++
			delete(k.members, m.key())
			return
		}
		to.members = append(to.members, m)
		return
	}
	to.members = append(to.members, m)
	to.open++
	to.severities[severityRank(m.Severity)]++
	to.flapping += count(m.Flaps)
	to.event(k.now, &to.events.joined, m)
	k.fit(m)
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// merged ends an incident that continues as part of another one.
func (k *Keeper) merged(from, to *incident) {
	from.State, from.Into, from.Resolved = wire.IncidentMerged, to.ID, time.Time{}
	from.events = events{notes: []wire.Entry{{At: k.now, What: wire.EntryMerged, Text: "it continues as part of " + to.ID}}}
	k.alias(from.ID, to.ID)
	k.reindex(from)
	k.markChanged(from)
	k.markDirty(to)
}

// alias has an acknowledgement of one count for the other.
func (k *Keeper) alias(from, to string) {
	k.into[from] = to
	if !slices.Contains(k.aliases[to], from) {
		k.aliases[to] = append(k.aliases[to], from)
	}
}

// Current is the id of the incident that one continues as part of: its own, unless it was
// merged.
func (k *Keeper) Current(id string) string {
	for hops := 0; hops <= len(k.into); hops++ {
		next := k.into[id]
		if next == "" {
			break
		}
		id = next
	}
	return id
}

// mergeMany puts incidents together that opened at the same time and have nothing else in
// common, while nobody was notified of them yet.
func (k *Keeper) mergeMany() {
	for _, class := range slices.Sorted(maps.Keys(k.recent)) {
		list := k.recent[class]
		list = slices.DeleteFunc(list, func(inc *incident) bool {
			return inc.State != wire.IncidentOpen || inc.open == 0 || !inc.unnotified() || k.now.Sub(inc.Decided) > 2*manyWithin
		})
		if k.recent[class] = list; len(list) == 0 {
			delete(k.recent, class)
			continue
		}
		slices.SortFunc(list, func(a, b *incident) int {
			if c := a.Decided.Compare(b.Decided); c != 0 {
				return c
			}
			return strings.Compare(a.ID, b.ID)
		})
		k.mergeClass(slices.DeleteFunc(slices.Clone(list), func(inc *incident) bool {
			return inc.muted == inc.open || inc.Cause.What == wire.CauseParent || inc.Cause.What == wire.CauseBroker || inc.Cause.What == wire.CauseAudit
		}))
	}
}

// mergeClass merges into the first of them that is one of many.
func (k *Keeper) mergeClass(list []*incident) {
	for i := 0; i+manyAre <= len(list); i++ {
		first := list[i]
		if list[i+manyAre-1].Decided.Sub(first.Decided) > manyWithin {
			continue
		}
		n := 1
		first.Cause = wire.Cause{What: wire.CauseMany}
		for _, inc := range list[i+1:] {
			if inc.Decided.Sub(first.Decided) > manyWithin {
				break
			}
			for len(inc.members) > 0 {
				k.move(inc.members[0], first)
			}
			k.merged(inc, first)
			n++
		}
		first.events.joined = nil
		first.events.notes = append(first.events.notes, wire.Entry{At: k.now, What: wire.EntryMerged, Text: fmt.Sprintf("%d incidents became one: they opened within %v", n, wire.Duration(manyWithin))})
		k.reindex(first)
		k.markChanged(first)
		return
	}
}
