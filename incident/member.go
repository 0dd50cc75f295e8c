package incident

import (
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

// member is one thing of an incident.
type member struct {
	wire.IncidentMember
	inc    *incident
	listed bool     // in the incident's message
	rules  []string // that fit it, while it is open and not muted
	fitted bool     // it is one that rules are held against
}

func (m *member) key() key { return key{m.About, m.Name} }

// incident is an incident with what is derived from it.
type incident struct {
	wire.Incident // without members
	members       []*member
	open          int // members
	muted         int // of these
	flapping      int // of these
	severities    []int
	fits          map[string]int // by rule: members that are open and not muted
	listed        int
	restGood      int             // that are not listed, and good
	rest          map[string]bool // marks of those that are not listed, restored, and not given yet
	moved         bool            // a member joined, left, or is worse or better

	dirty, changed bool
	events         events
	due            time.Time // in the heap
	slot           int       // in the heap, from 1
	causes         []shared  // in the index

	missed map[string]*want // who should have been notified of it before it ended
}

// events are what happened since the last message.
type events struct {
	at                     time.Time
	joined, left, better   []string
	corrected, worse       []string
	notes                  []wire.Entry
	leftWhy, correctedWhat string
}

func newIncident() *incident {
	return &incident{severities: make([]int, len(wire.Severities)+1), fits: map[string]int{}}
}

// join makes what is wrong a member of an incident.
func (k *Keeper) join(inc *incident, f *fact) *member {
	m := &member{inc: inc}
	m.About, m.Name, m.Severity, m.Since = f.about, f.name, f.severity, f.since
	m.listed = inc.listed < wire.MaxMembers
	if m.listed {
		inc.listed++
	}
	inc.members = append(inc.members, m)
	k.members[m.key()] = m
	k.reopen(m, f)
	return m
}

// reopen has a member count as wrong.
func (k *Keeper) reopen(m *member, f *fact) {
	inc := m.inc
	m.Severity, m.Since, m.Until = f.severity, f.since, time.Time{}
	m.Why, m.Blame, m.N, m.Flaps = f.why, f.blame, f.n, f.flaps
	inc.open++
	inc.severities[severityRank(m.Severity)]++
	inc.flapping += count(m.Flaps)
	if f.at.After(inc.Joined) {
		inc.Joined = f.at
	}
	inc.event(f.at, &inc.events.joined, m)
	k.fit(m)
	k.markChanged(inc)
}

// event notes what happened with a member for the next message.
func (inc *incident) event(at time.Time, list *[]string, m *member) {
	inc.moved = true
	if at.After(inc.events.at) {
		inc.events.at = at
	}
	*list = append(*list, label(&m.IncidentMember))
}

// update takes what a fact says of a member that is open and stays so.
func (k *Keeper) update(m *member, f *fact) {
	inc := m.inc
	m.N = f.n
	held := !f.wrong // it flaps, and is good at the moment
	if held {
		m.Until = firstTime(m.Until, f.since)
	} else {
		m.Until = time.Time{}
	}
	if m.Flaps != f.flaps {
		m.Flaps = f.flaps
		inc.flapping += count(f.flaps) - count(!f.flaps)
	}
	again := false
	if !held {
		again = corrected(m.Blame, f.blame)
		if f.severity != m.Severity && !(f.flaps && worse(m.Severity, f.severity)) {
			list := &inc.events.better
			if worse(f.severity, m.Severity) {
				list = &inc.events.worse
			}
			k.setSeverity(m, f.severity)
			inc.event(f.at, list, m)
		} else if again {
			inc.events.correctedWhat = blameWords(f.blame)
			inc.event(f.at, &inc.events.corrected, m)
		}
		m.Why, m.Blame = f.why, f.blame
	}
	k.fit(m)
	k.markChanged(inc)
	if again {
		k.reindex(inc)
		k.regroupMember(m, f)
	}
}

func (k *Keeper) setSeverity(m *member, s wire.Severity) {
	if m.Open() {
		m.inc.severities[severityRank(m.Severity)]--
		m.inc.severities[severityRank(s)]++
	}
	m.Severity = s
}

// corrected says whether the fault is another one than was said: agents of a path or an
// uplink come and go.
func corrected(was, is *wire.Blame) bool {
	if was == nil || is == nil {
		return false
	}
	if was.Class != is.Class {
		return true
	}
	return (is.Class == wire.BlameParent || is.Class == wire.BlameRegion) && !slices.Equal(was.Names, is.Names)
}

// endMember notes that something is good again.
func (k *Keeper) endMember(at key, when time.Time, why string) {
	m := k.members[at]
	if m == nil {
		m = k.restoreUnlisted(at)
	}
	if m == nil || !m.Open() {
		return
	}
	k.closeMember(m, &fact{key: at, since: when, at: when, n: m.N, why: why})
}

// closeMember has a member count as good.
func (k *Keeper) closeMember(m *member, f *fact) {
	inc := m.inc
	if inc.open == 1 {
		inc.missed = k.missed(inc, f.at)
	}
	k.unfit(m)
	inc.open--
	inc.severities[severityRank(m.Severity)]--
	inc.flapping -= count(m.Flaps)
	m.N, m.Flaps = f.n, false
	if m.Until.IsZero() {
		if m.Until = f.since.UTC(); !m.Until.After(m.Since) {
			m.Until = latest(m.Since, f.at.UTC())
		}
	}
	k.noteEnd(m.key(), m.Until, inc.ID)
	inc.Good++
	inc.events.leftWhy = f.why
	inc.event(f.at, &inc.events.left, m)
	if !m.listed {
		inc.restGood++
		inc.members = slices.DeleteFunc(inc.members, func(x *member) bool { return x == m })
		delete(k.members, m.key())
	}
	k.markChanged(inc)
}

// markChanged has the next message of an incident report a change.
func (k *Keeper) markChanged(inc *incident) {
	inc.changed = true
	k.markDirty(inc)
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// restoreUnlisted finds a member that is not listed in the stored message of its incident. What
// was stored says only that it was wrong: the newest fact about it says the rest.
func (k *Keeper) restoreUnlisted(at key) *member {
	if len(k.rest) == 0 {
		return nil
	}
	mark := markOf(at)
	inc := k.rest[mark]
	if inc == nil {
		return nil
	}
	delete(k.rest, mark)
	delete(inc.rest, mark)
	m := &member{inc: inc}
	m.About, m.Name, m.Since = at.about, at.name, inc.Opened
	m.Severity = inc.Severity
	inc.members = append(inc.members, m)
	inc.open++
	inc.severities[severityRank(m.Severity)]++
	k.members[at] = m
	return m
}

// label names a member in texts.
func label(m *wire.IncidentMember) string {
	switch m.About {
	case wire.AboutMonitor, wire.AboutAgent:
		return m.Name
	case wire.AboutBroker:
		return "the broker"
	case wire.AboutCertificate:
		return "the certificate of " + m.Name
	case wire.AboutSLO:
		return "the error budget of " + m.Name
	}
	return strings.ToLower(m.About) + " " + m.Name
}
