package incident

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

// joinWithin is how long after its last member joined an incident takes in what shares
// its cause, where that is not for good.
const joinWithin = 30 * time.Second

// shared is something by which an incident is found: a cause, and for those that report
// little what kind of thing it is about.
type shared struct {
	wire.Cause
	class string
}

// strong says whether what shares the cause belongs together whenever it happens.
func strong(what wire.CauseKind) bool {
	return what == wire.CauseParent || what == wire.CauseAgent || what == wire.CauseBroker
}

// classOf keeps apart what does not belong together by moment or host: what expires is
// nobody's outage.
func classOf(about string) string {
	switch about {
	case wire.AboutMonitor, wire.AboutGroup, wire.AboutAgent:
		return "state"
	}
	return about
}

// causes are what may be shared with others, the first that fits counts.
func (k *Keeper) causes(f *fact) []shared {
	var out []shared
	add := func(what wire.CauseKind, class string, names ...string) {
		for _, name := range names {
			out = append(out, shared{wire.Cause{What: what, Name: name}, class})
		}
	}
	class := classOf(f.about)
	switch f.about {
	case wire.AboutMonitor:
		region := ""
		if b := f.blame; b != nil {
			switch b.Class {
			case wire.BlameParent:
				add(wire.CauseParent, "", b.Names...)
			case wire.BlameUplink, wire.BlameClock:
				add(wire.CauseAgent, "", b.Names...)
			case wire.BlameBroker:
				add(wire.CauseBroker, "", "")
			case wire.BlameRegion:
				region = strings.Join(b.Names, ",")
			}
		}
		add(wire.CauseParent, "", f.name)
		if region != "" {
			add(wire.CauseRegion, class, region)
		}
		mon := k.monitors[f.name]
		if mon != nil {
			add(wire.CauseGroup, class, mon.groups...)
			if mon.host != "" {
				add(wire.CauseHost, class, mon.host)
			}
		}
	case wire.AboutGroup:
		add(wire.CauseGroup, class, f.name)
	case wire.AboutAgent:
		if k.frozen {
			add(wire.CauseBroker, "", "")
		}
		add(wire.CauseAgent, "", f.name)
	case wire.AboutDropped:
		add(wire.CauseAgent, "", f.name)
	case wire.AboutBroker:
		add(wire.CauseBroker, "", "")
	case wire.AboutCertificate:
		if mon := k.monitors[f.name]; mon != nil && mon.host != "" {
			add(wire.CauseHost, class, mon.host)
		}
	case wire.AboutDisk:
		add(wire.CauseDisk, class, f.name)
	case wire.AboutAudit:
		return nil
	}
	add(wire.CauseMany, class, "")
	return out
}

// firstCause is that of an incident with one member.
func firstCause(f *fact, list []shared) wire.Cause {
	switch f.about {
	case wire.AboutAudit:
		return wire.Cause{What: wire.CauseAudit, Name: f.name}
	case wire.AboutMonitor, wire.AboutCertificate, wire.AboutSLO:
		if len(list) > 0 && strong(list[0].What) && list[0].Name != f.name {
			return list[0].Cause
		}
		return wire.Cause{What: wire.CauseMonitor, Name: f.name}
	}
	return list[0].Cause
}

// find looks for the open incident that something belongs to, and by what.
func (k *Keeper) find(f *fact, list []shared) (*incident, wire.Cause) {
	if inc := k.byID[f.id]; inc != nil && f.about == wire.AboutMonitor && inc.State == wire.IncidentOpen && inc.open > 0 {
		if inc.Cause.What == wire.CauseMonitor && inc.Cause.Name != f.name {
			return inc, wire.Cause{What: wire.CauseParent, Name: inc.Cause.Name}
		}
		return inc, inc.Cause
	}
	for _, c := range list {
		if m := k.members[key{wire.AboutMonitor, c.Name}]; c.What == wire.CauseParent && m != nil && m.Open() && c.Name != f.name {
			return m.inc, c.Cause
		}
		var best *incident
		for _, inc := range k.index[c] {
			if inc.open > 0 && (strong(c.What) || f.at.Sub(inc.Joined) <= joinWithin) && (best == nil || later(inc, best)) {
				best = inc
			}
		}
		if best != nil {
			return best, c.Cause
		}
	}
	return nil, wire.Cause{}
}

func later(a, b *incident) bool {
	if !a.Joined.Equal(b.Joined) {
		return a.Joined.After(b.Joined)
	}
	return a.ID < b.ID
}

// setCause notes what members have in common, once they are several.
func (k *Keeper) setCause(inc *incident, c wire.Cause) {
	if inc.Cause.What == wire.CauseMonitor || strong(c.What) && !strong(inc.Cause.What) {
		inc.Cause = c
		k.reindex(inc)
	}
}

// reindex finds again by what an incident is found.
func (k *Keeper) reindex(inc *incident) {
	var want []shared
	switch {
	case inc.State != wire.IncidentOpen:
	case inc.Cause.What == wire.CauseMonitor && len(inc.members) > 0:
		m := inc.members[0]
		want = k.causes(&fact{key: m.key(), blame: m.Blame})
		want = slices.DeleteFunc(want, func(c shared) bool { return c.What == wire.CauseMany })
	default:
		class := ""
		if !strong(inc.Cause.What) && len(inc.members) > 0 {
			class = classOf(inc.members[0].About)
		}
		want = []shared{{inc.Cause, class}}
	}
	if slices.Equal(want, inc.causes) {
		return
	}
	for _, c := range inc.causes {
		list := slices.DeleteFunc(k.index[c], func(x *incident) bool { return x == inc })
		if k.index[c] = list; len(list) == 0 {
			delete(k.index, c)
		}
	}
	for _, c := range want {
		k.index[c] = append(k.index[c], inc)
	}
	inc.causes = want
}

// apply takes a fact: something is wrong, is still wrong, or is good.
func (k *Keeper) apply(f fact) {
	m := k.members[f.key]
	if m == nil {
		if m = k.restoreUnlisted(f.key); m != nil && f.wrong {
			m.Why, m.Blame, m.N, m.Since, m.Flaps = f.why, f.blame, f.n, f.since, f.flaps
			m.inc.flapping += count(m.Flaps)
			k.setSeverity(m, f.severity)
			k.fit(m)
			return
		}
	}
	switch {
	case m != nil && m.Open() && (f.wrong || f.flaps):
		k.update(m, &f)
	case m != nil && m.Open():
		k.closeMember(m, &f)
	case !f.wrong:
	case m != nil && m.inc.open > 0:
		m.inc.Good--
		k.reopen(m, &f)
	default:
		k.admit(&f)
	}
}

// admit takes something into the incident that it belongs to, or opens one.
func (k *Keeper) admit(f *fact) {
	list := k.causes(f)
	inc, cause := k.find(f, list)
	if inc != nil {
		k.join(inc, f)
		k.setCause(inc, cause)
		return
	}
	inc = newIncident()
	inc.ID, inc.State, inc.Severity, inc.Cause = k.freeID(f), wire.IncidentOpen, f.severity, firstCause(f, list)
	inc.Opened, inc.Decided, inc.Joined = f.since.UTC(), f.at.UTC(), f.at.UTC()
	k.byID[inc.ID] = inc
	k.join(inc, f)
	k.reindex(inc)
	class := classOf(f.about)
	k.recent[class] = append(k.recent[class], inc)
}

// freeID is the id of a new incident: that of the fact, which a replay gives again. What
// was wrong before its last incident ended, because it was paused or deleted, has used it.
func (k *Keeper) freeID(f *fact) string {
	id := f.id
	if last := k.closed[f.key]; !f.since.After(last.at) || id == last.in {
		id = idOf(f.name, fmt.Sprintf("%s again %d", f.about, f.at.UnixNano()))
	}
	if wire.CheckToken(id) != nil || len(id) > wire.MaxToken-4 {
		id = idOf(f.name, fmt.Sprintf("%s %d", f.about, f.since.UnixNano()))
	}
	for n, first := 2, id; k.byID[id] != nil || k.into[id] != "" || k.used.has(id); n++ {
		id = fmt.Sprintf("%.58s-%d", first, n)
	}
	k.used.add(id)
	return id
}

// hostOf is the host of a target, whatever its kind: of a URL, of host:port, or the
// target itself.
func hostOf(target string) string {
	host := target
	if u, err := url.Parse(target); err == nil && u.Host != "" {
		host = u.Hostname()
	} else if h, _, err := net.SplitHostPort(target); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if a, err := netip.ParseAddr(host); err == nil {
		host = a.Unmap().String()
	}
	if strings.ContainsAny(host, "/ \t?#") || len(host) > 255 {
		return ""
	}
	return host
}

// sorted are all incidents in the order of their beginning.
func (k *Keeper) sorted() []*incident {
	out := make([]*incident, 0, len(k.byID))
	for _, inc := range k.byID {
		out = append(out, inc)
	}
	slices.SortFunc(out, byBeginning)
	return out
}

func byBeginning(a, b *incident) int {
	return cmp.Or(a.Decided.Compare(b.Decided), strings.Compare(a.ID, b.ID))
}
