package view

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"netmon/wire"
)

// What is kept of incidents. Those that are open are kept, as far as there is room;
// of those that are over, the newest.
const (
	openMost = 20_000
	overMost = 200
)

// incidents are what is wrong, who was notified, and the channels.
type incidents struct {
	read       bool   // they were read, or why says why not
	why        string // they cannot be read
	of         map[string]*wire.Incident
	deliveries map[string]map[string]wire.Delivery // by incident and channel
	troubles   map[[2]string]wire.Trouble          // that are wrong, by what they are about
	channels   map[string]ChannelSeen

	// What follows from of, once it is sorted.
	unsorted bool
	sorted   []*wire.Incident
	open     int                          // of sorted
	ids      map[string]string            // short ones
	in       map[[2]string]*wire.Incident // the open incident of a member that is wrong
}

// ChannelSeen is the last word on a channel.
type ChannelSeen struct {
	wire.ChannelStatus
	Seen time.Time // by our clock
}

// Silent says that no notifier reported it for so long that none has it.
func (c *ChannelSeen) Silent(now time.Time) bool { return now.Sub(c.Seen) > wire.ChannelSilentAfter }

func newIncidents() incidents {
	return incidents{of: map[string]*wire.Incident{}, deliveries: map[string]map[string]wire.Delivery{}, troubles: map[[2]string]wire.Trouble{}, channels: map[string]ChannelSeen{}}
}

// IncidentFacts are what is stored of incidents at one moment.
type IncidentFacts struct {
	Incidents  []wire.Incident
	Deliveries []wire.Delivery
	Troubles   []wire.Trouble
	Channels   []ChannelSeen
}

// Incidents takes what is stored in place of all that was known of incidents before.
func (v *Mesh) Incidents(all IncidentFacts) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.changes.Add(1)
	v.incidents = newIncidents()
	v.incidents.read = true
	for i := range all.Incidents {
		v.incidents.of[all.Incidents[i].ID] = &all.Incidents[i]
	}
	v.incidents.unsorted = true
	v.incidents.sort()
	for _, d := range all.Deliveries {
		v.incidents.deliver(d)
	}
	for _, t := range all.Troubles {
		v.incidents.trouble(t)
	}
	for _, c := range all.Channels {
		v.incidents.channels[c.Channel] = c
	}
}

// NoIncidents says why incidents cannot be read.
func (v *Mesh) NoIncidents(why string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.incidents.why != why || !v.incidents.read {
		v.changes.Add(1)
		v.incidents = newIncidents()
		v.incidents.read, v.incidents.why = true, why
	}
}

// Incident takes an incident as it is now. An older message changes nothing.
func (v *Mesh) Incident(x wire.Incident) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if was := v.incidents.of[x.ID]; was != nil && was.N > x.N {
		return
	}
	v.changes.Add(1)
	v.incidents.of[x.ID], v.incidents.unsorted = &x, true
	if len(v.incidents.of) > 2*(openMost+overMost) {
		v.incidents.sort()
	}
}

// Delivery takes what became of a notice.
func (v *Mesh) Delivery(x wire.Delivery) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.incidents.deliver(x) {
		v.changes.Add(1)
	}
}

// Trouble takes what is in no verdict.
func (v *Mesh) Trouble(x wire.Trouble) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.changes.Add(1)
	v.incidents.trouble(x)
}

// Channel takes what a notifier says of a channel.
func (v *Mesh) Channel(x ChannelSeen) {
	v.mu.Lock()
	defer v.mu.Unlock()
	was, known := v.incidents.channels[x.Channel]
	if !known && len(v.incidents.channels) >= wire.MaxSettings {
		return
	}
	v.incidents.channels[x.Channel] = x
	if !known || was.Ready != x.Ready || was.Problem != x.Problem || was.By != x.By || was.Backlog != x.Backlog {
		v.changes.Add(1)
	}
}

// deliver keeps an outcome of an incident that is kept, and says whether it did.
func (i *incidents) deliver(d wire.Delivery) bool {
	of := i.deliveries[d.Incident]
	switch {
	case i.of[d.Incident] == nil || of[d.Channel].N > d.N:
		return false
	case of == nil:
		of = map[string]wire.Delivery{}
		i.deliveries[d.Incident] = of
	}
	of[d.Channel] = d
	return true
}

func (i *incidents) trouble(t wire.Trouble) {
	key := [2]string{t.About, t.Name}
	if t.Wrong && (len(i.troubles) < openMost || i.troubles[key].N > 0) {
		i.troubles[key] = t
	} else if !t.Wrong {
		delete(i.troubles, key)
	}
}

// sort puts the incidents in the order in which they are shown, drops the oldest of
// those that are over, and finds what follows from those that are open.
func (i *incidents) sort() {
	if !i.unsorted {
		return
	}
	list := slices.SortedFunc(maps.Values(i.of), func(a, b *wire.Incident) int { return CompareIncidents(a, b) })
	i.unsorted, i.sorted, i.open = false, nil, 0
	over := 0
	for _, x := range list {
		n, most := &over, overMost
		if x.State == wire.IncidentOpen {
			n, most = &i.open, openMost
		}
		if *n == most {
			delete(i.of, x.ID)
			delete(i.deliveries, x.ID)
			continue
		}
		*n++
		i.sorted = append(i.sorted, x)
	}
	ids := make([]string, len(i.sorted))
	i.in = map[[2]string]*wire.Incident{}
	for n, x := range i.sorted {
		ids[n] = x.ID
		for k := range x.Members {
			if m := &x.Members[k]; n < i.open && m.Wrong() {
				i.in[[2]string{m.About, m.Name}] = x
			}
		}
	}
	i.ids = ShortIDs(ids)
}

// member is what of an open incident is about something that is wrong now.
func (i *incidents) member(about, name string) (*wire.Incident, *wire.IncidentMember) {
	i.sort()
	x := i.in[[2]string{about, name}]
	if x == nil {
		return nil, nil
	}
	for k := range x.Members {
		if m := &x.Members[k]; m.About == about && m.Name == name && m.Wrong() {
			return x, m
		}
	}
	return nil, nil
}

// CompareIncidents is the order in which incidents are shown: those that are open
// first, the worst of them first, and then the newest.
func CompareIncidents(a, b *wire.Incident) int {
	openA, openB := a.State == wire.IncidentOpen, b.State == wire.IncidentOpen
	switch {
	case openA != openB:
		if openA {
			return -1
		}
		return 1
	case openA && a.Severity != b.Severity:
		return cmp.Compare(severityRank(a.Severity), severityRank(b.Severity))
	case openA:
		return cmp.Or(b.Opened.Compare(a.Opened), cmp.Compare(a.ID, b.ID))
	}
	return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.ID, b.ID))
}

// severityRank is 0 for the worst. One of a newer controller comes last.
func severityRank(s wire.Severity) int {
	for i, d := range wire.Severities {
		if d.Severity == s {
			return i
		}
	}
	return len(wire.Severities)
}
