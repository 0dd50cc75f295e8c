package incident

import (
	"slices"
	"time"

	"netmon/wire"
)

// decide finds what follows for an incident: how it is, who is notified of it, and when
// there is something to do next.
func (k *Keeper) decide(inc *incident) {
	if inc.State == wire.IncidentMerged {
		k.timers.arm(inc, time.Time{})
		return
	}
	k.note(inc)
	if inc.State == wire.IncidentOpen {
		k.decideState(inc)
	}
	k.decideMuted(inc)
	k.decideAck(inc)
	if s := k.summary(inc); s != inc.Summary {
		inc.Summary, inc.changed = s, true
	}
	var next time.Time
	if !k.isMuted(inc) {
		next = k.decideNotices(inc)
	}
	if inc.State == wire.IncidentOpen && inc.isEvent() {
		next = k.decideEvent(inc, next)
	}
	k.timers.arm(inc, next)
}

// next is the number of the incident's message that is being made.
func (inc *incident) next() uint64 { return inc.N + 1 }

// decideState finds how bad it is, and whether it is over.
func (k *Keeper) decideState(inc *incident) {
	if inc.moved {
		inc.moved = false
		inc.Marks.Changed, inc.changed = inc.next(), true
	}
	if inc.open == 0 {
		k.resolve(inc)
		return
	}
	inc.missed = nil // it continues
	for i, n := range inc.severities {
		if n == 0 {
			continue
		}
		if i < len(wire.Severities) && inc.Severity != wire.Severities[i].Severity {
			inc.Severity, inc.changed = wire.Severities[i].Severity, true
			inc.Marks.Changed = inc.next()
		}
		break
	}
	inc.Blame = nil
	for _, m := range inc.members {
		if m.Open() && m.Severity == inc.Severity {
			inc.Blame = m.Blame
			break
		}
	}
	if flaps := inc.flapping == inc.open; flaps != inc.Flaps {
		inc.Flaps, inc.changed = flaps, true
		if flaps {
			inc.Marks.Flapped = inc.next()
			k.log(inc, wire.EntryChanged, "", "it is flapping: no more notices until it is stable")
		} else {
			inc.Marks.Still = inc.next()
			k.log(inc, wire.EntryChanged, "", "it is stable again")
		}
	}
}

// resolve ends an incident of which nothing is wrong any more.
func (k *Keeper) resolve(inc *incident) {
	inc.State, inc.Flaps, inc.changed, inc.Marks.Ended = wire.IncidentResolved, false, true, inc.next()
	for _, m := range inc.members {
		inc.Resolved = latest(inc.Resolved, m.Until)
		if k.members[m.key()] == m {
			delete(k.members, m.key())
		}
	}
	if inc.Resolved.IsZero() {
		inc.Resolved = k.now
	}
	k.reindex(inc)
	inc.events.notes = append(inc.events.notes, wire.Entry{At: k.now, What: wire.EntryResolved})
}

// decideMuted finds by what it is muted: all that is wrong is, or all that ended last.
func (k *Keeper) decideMuted(inc *incident) {
	var names []string
	if inc.State == wire.IncidentOpen {
		if inc.open > 0 && inc.muted == inc.open {
			names = k.mutedBy(inc.members, func(m *member) bool { return m.Open() })
		}
	} else if inc.unnotified() {
		return // nobody is notified of its end
	} else {
		names = k.mutedEnd(inc)
	}
	if slices.Equal(names, inc.Muted) {
		return
	}
	switch was := len(inc.Muted) > 0; {
	case len(names) > 0 && !was:
		k.log(inc, wire.EntryMuted, listOf(names), "it is muted by "+listOf(names))
	case len(names) == 0:
		inc.Marks.Unmuted = inc.next()
		k.log(inc, wire.EntryUnmuted, listOf(inc.Muted), "it is no longer muted")
	}
	inc.Muted, inc.changed = names, true
}

func (k *Keeper) isMuted(inc *incident) bool { return len(inc.Muted) > 0 }

// mutedBy lists what mutes members; of many the first.
func (k *Keeper) mutedBy(list []*member, which func(*member) bool) (names []string) {
	for _, m := range list {
		if !which(m) {
			continue
		}
		for _, name := range m.Muted {
			if at, found := slices.BinarySearch(names, name); !found && len(names) < mostMutes {
				names = slices.Insert(names, at, name)
			}
		}
	}
	return names
}

// mutedEnd is what mutes the end of an incident: what was the last to be good is muted.
func (k *Keeper) mutedEnd(inc *incident) (names []string) {
	if len(k.mutes) == 0 {
		return nil
	}
	last := time.Time{}
	for _, m := range inc.members {
		if m.listed {
			last = latest(last, m.Until)
		}
	}
	for _, m := range inc.members {
		if !m.listed || !m.Until.Equal(last) {
			continue
		}
		s, some := k.subject(m), false
		for i := range k.mutes {
			if !Fits(k.mutes[i].match, &s) {
				continue
			}
			some = true
			if at, found := slices.BinarySearch(names, k.mutes[i].name); !found && len(names) < mostMutes {
				names = slices.Insert(names, at, k.mutes[i].name)
			}
		}
		if !some {
			return nil
		}
	}
	return names
}

// decideAck finds whether it is acknowledged.
func (k *Keeper) decideAck(inc *incident) {
	if inc.State != wire.IncidentOpen {
		return
	}
	a := k.ackOf(inc.ID)
	switch {
	case a == nil && inc.Ack == nil:
	case a == nil:
		k.log(inc, wire.EntryChanged, inc.Ack.By, "it is no longer acknowledged")
		inc.Ack, inc.Marks.Changed = nil, inc.next()
	case inc.Ack == nil || !inc.Ack.At.Equal(a.At) || inc.Ack.By != a.Author || inc.Ack.Text != a.Text:
		inc.Ack = &wire.Ack{By: a.Author, At: a.At.UTC(), Text: a.Text, Severity: inc.Severity}
		inc.Marks.Acked = inc.next()
		text := "it is acknowledged"
		if a.Author != "" {
			text = a.Author + " acknowledged it"
		}
		if a.Text != "" {
			text += ": " + a.Text
		}
		k.log(inc, wire.EntryAcknowledged, a.Author, text)
	}
}

// acked says whether an acknowledgement counts: it does until it is worse.
func (inc *incident) acked() bool { return inc.Ack != nil && !worse(inc.Severity, inc.Ack.Severity) }

// isEvent says that it is about what happens and does not last.
func (inc *incident) isEvent() bool {
	return inc.Cause.What == wire.CauseAudit
}

// decideEvent ends what does not last once everybody was notified.
func (k *Keeper) decideEvent(inc *incident, next time.Time) time.Time {
	if !next.IsZero() || k.isMuted(inc) {
		return next
	}
	for i := range inc.Channels {
		if c := &inc.Channels[i]; c.N > c.Delivered && k.usable(c.Channel) {
			return next
		}
	}
	for _, m := range slices.Clone(inc.members) {
		if m.Open() {
			k.closeMember(m, &fact{key: m.key(), since: k.now, at: k.now, n: m.N})
			k.leave(m.key())
		}
	}
	inc.events, inc.moved = events{}, false
	k.resolve(inc)
	inc.Summary = k.summary(inc)
	return time.Time{}
}

// dropIncident drops an incident of which nothing is left to do.
func (k *Keeper) dropIncident(inc *incident) {
	if inc.State == wire.IncidentOpen || inc.State == wire.IncidentResolved && !k.finished(inc) {
		return
	}
	k.timers.arm(inc, time.Time{})
	delete(k.byID, inc.ID)
	delete(k.done, inc.ID)
	if inc.State == wire.IncidentResolved {
		k.dropAliases(inc.ID)
	}
}

func (k *Keeper) dropAliases(id string) {
	for _, other := range k.aliases[id] {
		k.dropAliases(other)
		delete(k.into, other)
	}
	delete(k.aliases, id)
}
