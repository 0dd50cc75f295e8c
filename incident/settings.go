package incident

import (
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

// Setting takes a setting that is saved.
func (k *Keeper) Setting(s wire.Setting) {
	switch s := s.(type) {
	case *wire.Channel:
		old := k.channels[s.Name]
		k.channels[s.Name] = s
		if k.started && (old == nil || old.Paused && !s.Paused) {
			k.renotify(s.Name)
		}
		k.refit = true
	case *wire.NoticeRule:
		k.removeRule(s.Name)
		at, _ := slices.BinarySearchFunc(k.rules, s, func(a, b *wire.NoticeRule) int { return strings.Compare(a.Name, b.Name) })
		k.rules = slices.Insert(k.rules, at, s)
		k.refit = true
	case *wire.Window:
		k.windows[s.Name] = s
		k.remute = true
	case *wire.Silence:
		k.silences[s.ID] = s
		k.remute = true
	case *wire.Group:
		k.setGroup(s)
		k.refit, k.remute = true, true
	case *wire.Acknowledgement:
		k.acks[s.Incident] = s
		k.markAck(s.Incident)
	}
}

// RemoveSetting takes that a setting is deleted.
func (k *Keeper) RemoveSetting(sort wire.Sort, name string) {
	switch sort {
	case wire.SortChannel:
		delete(k.channels, name)
		k.channelDeleted(name)
		k.refit = true
	case wire.SortRule:
		k.removeRule(name)
		k.refit = true
	case wire.SortWindow:
		delete(k.windows, name)
		k.remute = true
	case wire.SortSilence:
		delete(k.silences, name)
		k.remute = true
	case wire.SortGroup:
		k.removeGroup(name)
		k.refit, k.remute = true, true
	case wire.SortAck:
		delete(k.acks, name)
		k.markAck(name)
	}
}

func (k *Keeper) removeRule(name string) {
	k.rules = slices.DeleteFunc(k.rules, func(r *wire.NoticeRule) bool { return r.Name == name })
}

// markAck decides an incident again that somebody acknowledged, by whatever id.
func (k *Keeper) markAck(id string) {
	if inc := k.byID[k.Current(id)]; inc != nil {
		k.markDirty(inc)
	}
}

// ackOf is the newest acknowledgement of an incident, or of one that is part of it.
func (k *Keeper) ackOf(id string) *wire.Acknowledgement {
	best := k.acks[id]
	for _, other := range k.aliases[id] {
		if a := k.ackOf(other); a != nil && (best == nil || a.At.After(best.At)) {
			best = a
		}
	}
	return best
}

// subject is what matches are held against.
func (k *Keeper) subject(m *member) Subject {
	s := Subject{About: m.About, Name: m.Name, Severity: m.Severity}
	switch m.About {
	case wire.AboutMonitor, wire.AboutCertificate, wire.AboutSLO:
		if mon := k.monitors[m.Name]; mon != nil {
			s.Groups = mon.groups
			if mon.known {
				s.Monitor = &mon.saved
			}
		}
	case wire.AboutGroup:
		s.Groups = []string{m.Name}
	}
	s.blame(&m.IncidentMember)
	return s
}

// fit finds which mutes and rules fit a member that is open.
func (k *Keeper) fit(m *member) {
	if !k.started {
		return // they are not all known yet
	}
	was := m.Muted
	k.unfit(m)
	s := k.subject(m)
	m.Muted = nil
	for i := range k.mutes {
		if Fits(k.mutes[i].match, &s) && len(m.Muted) < mostMutes {
			m.Muted = append(m.Muted, k.mutes[i].name)
		}
	}
	m.fitted = true
	if len(m.Muted) > 0 {
		m.inc.muted++
	} else {
		for _, r := range rulesFor(&s, k.rules) {
			m.rules = append(m.rules, r.Name)
			m.inc.fits[r.Name]++
		}
	}
	if !slices.Equal(was, m.Muted) {
		k.markChanged(m.inc)
	}
}

// mostMutes is how many silences and windows a member lists.
const mostMutes = 3

// unfit takes back what fit found.
func (k *Keeper) unfit(m *member) {
	if !m.fitted {
		return
	}
	m.fitted = false
	if len(m.Muted) > 0 {
		m.inc.muted--
	}
	for _, name := range m.rules {
		if m.inc.fits[name]--; m.inc.fits[name] == 0 {
			delete(m.inc.fits, name)
		}
	}
	m.rules = nil
}

// mute is a silence or a window that is active.
type mute struct {
	name  string
	match *wire.Match
}

// updateMutes finds what is muted now, and when that changes.
func (k *Keeper) updateMutes() {
	if !k.remute {
		return
	}
	k.remute = false
	k.mutes, k.mutesNext = nil, time.Time{}
	for _, s := range k.silences {
		switch {
		case k.now.Before(s.From):
			k.mutesNext = sooner(k.mutesNext, s.From)
		case k.now.Before(s.Until):
			k.mutes = append(k.mutes, mute{s.ID, &s.Match})
			k.mutesNext = sooner(k.mutesNext, s.Until)
		}
	}
	for _, w := range k.windows {
		open, change := w.Next(k.now)
		if open {
			k.mutes = append(k.mutes, mute{w.Name, &w.Match})
		}
		k.mutesNext = sooner(k.mutesNext, change)
	}
	slices.SortFunc(k.mutes, func(a, b mute) int { return strings.Compare(a.name, b.name) })
	k.refit = true
}

// updateRules finds again what fits the members of all incidents.
func (k *Keeper) updateRules() {
	if !k.refit {
		return
	}
	k.refit = false
	for _, inc := range k.sorted() {
		for _, m := range inc.members {
			if m.Open() {
				k.fit(m)
			}
		}
		k.markDirty(inc)
	}
}
