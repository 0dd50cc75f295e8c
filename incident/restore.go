package incident

import (
	"slices"

	"netmon/wire"
)

// Restore takes an incident that is stored, before anything else. Of resolved and
// merged ones it counts which verdicts they rest on, and who was not notified of their end yet.
func (k *Keeper) Restore(msg wire.Incident) {
	inc := newIncident()
	inc.Incident = msg
	inc.Members, inc.Rest = nil, ""
	inc.Muted, inc.Channels, inc.Log = slices.Clone(msg.Muted), slices.Clone(msg.Channels), slices.Clone(msg.Log)
	k.used.add(inc.ID)
	if inc.State == wire.IncidentMerged {
		k.alias(inc.ID, inc.Into)
	}
	for _, stored := range msg.Members {
		k.restoreMember(inc, stored)
	}
	if inc.State == wire.IncidentOpen {
		for i := 0; i+wire.MemberMark <= len(msg.Rest); i += wire.MemberMark {
			mark := msg.Rest[i : i+wire.MemberMark]
			if inc.rest == nil {
				inc.rest = map[string]bool{}
			}
			inc.rest[mark] = true
			k.rest[mark] = inc
		}
	}
	good := 0
	for _, m := range inc.members {
		good += count(!m.Open())
	}
	inc.restGood = max(0, inc.Good-good)
	if inc.State == wire.IncidentMerged {
		return
	}
	k.byID[inc.ID] = inc
	kept := msg
	k.done[inc.ID] = &kept
	if inc.State == wire.IncidentOpen {
		k.reindex(inc)
		if class := classOfIncident(inc); inc.unnotified() {
			k.recent[class] = append(k.recent[class], inc)
		}
	}
}

func classOfIncident(inc *incident) string {
	if len(inc.members) == 0 {
		return ""
	}
	return classOf(inc.members[0].About)
}

// restoreMember notes a member, and which fact about it is known.
func (k *Keeper) restoreMember(inc *incident, stored wire.IncidentMember) {
	at := key{stored.About, stored.Name}
	if old, ok := k.seen[at]; !ok || stored.N > old.n || stored.N == old.n && inc.At.After(old.at) {
		k.seen[at] = seen{stored.N, inc.At}
	}
	k.noteEnd(at, stored.Until, inc.ID)
	m := &member{IncidentMember: stored, inc: inc, listed: true}
	m.Muted = slices.Clone(stored.Muted)
	inc.members = append(inc.members, m)
	inc.listed++
	if m.Open() {
		inc.open++
		inc.severities[severityRank(m.Severity)]++
		inc.flapping += count(m.Flaps)
	}
	if inc.State != wire.IncidentOpen {
		return
	}
	if old := k.members[at]; old == nil || m.Open() && !old.Open() || m.Open() == old.Open() && m.N > old.N {
		k.members[at] = m
	}
}

// start ends the time in which the Keeper is given what is stored.
func (k *Keeper) start() {
	k.started = true
	for _, g := range k.groups {
		if g.holds.Incident != "" {
			k.refresh(factOfGroup(&g.holds))
		}
		if g.saved == nil {
			g.incurs = ""
		}
	}
	for _, name := range k.deleted {
		k.channelDeleted(name)
	}
	k.deleted = nil
	for _, inc := range k.sorted() {
		if !inc.changed {
			if k.dropIncident(inc); k.byID[inc.ID] == nil {
				continue
			}
		}
		for mark := range inc.rest { // nothing is known of them: they were deleted
			delete(k.rest, mark)
			inc.Good++
			inc.restGood++
			inc.moved, inc.changed = true, true
		}
		inc.rest = nil
		for _, m := range slices.Clone(inc.members) {
			if m.Open() && !k.stillSaved(m) {
				k.endMember(m.key(), k.now, "it was deleted")
			}
		}
		k.markDirty(inc)
	}
	k.refit, k.remute = true, true
	for _, inc := range k.sorted() {
		for i := range inc.Channels {
			if c := &inc.Channels[i]; c.N > c.Delivered && k.usable(c.Channel) {
				k.news = append(k.news, noticeOf(inc, c))
			}
		}
	}
}

// stillSaved says whether what a member is about is still saved.
func (k *Keeper) stillSaved(m *member) bool {
	switch m.About {
	case wire.AboutMonitor, wire.AboutCertificate:
		mon := k.monitors[m.Name]
		return mon != nil && mon.known
	case wire.AboutGroup:
		g := k.groups[m.Name]
		return g != nil && g.saved != nil
	}
	return true
}
