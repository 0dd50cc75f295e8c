package view

import (
	"maps"
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

// IncidentList is what is known about incidents. Nobody changes what it holds.
type IncidentList struct {
	Read  bool              // they were read, or Why says why they cannot be
	Why   string            // they cannot be read
	All   []*wire.Incident  // the open ones first: see [CompareIncidents]
	Open  int               // of them
	Short map[string]string // ids as people read them
}

// Named is the incident of an id, nil where it is not kept.
func (l *IncidentList) Named(id string) *wire.Incident {
	for _, x := range l.All {
		if x.ID == id {
			return x
		}
	}
	return nil
}

// IncidentList is what is known now.
func (v *Mesh) IncidentList() IncidentList {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.incidentList()
}

func (v *Mesh) incidentList() IncidentList {
	i := &v.incidents
	i.sort()
	return IncidentList{Read: i.read, Why: i.why, All: i.sorted, Open: i.open, Short: i.ids}
}

// InIncident is the open incident that a monitor is wrong in, and the mutes of that;
// nil where there is none.
func (v *Mesh) InIncident(monitor string) (x *wire.Incident, muted []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.inIncident(monitor)
}

func (v *Mesh) inIncident(monitor string) (*wire.Incident, []string) {
	x, m := v.incidents.member(wire.AboutMonitor, monitor)
	if x == nil {
		return nil, nil
	}
	return x, m.Muted
}

// Deliveries are what became of the newest notices about an incident, by channel.
func (v *Mesh) Deliveries(incident string) []wire.Delivery {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.deliveriesOf(incident)
}

func (v *Mesh) deliveriesOf(incident string) (list []wire.Delivery) {
	of := v.incidents.deliveries[incident]
	for _, channel := range slices.Sorted(maps.Keys(of)) {
		list = append(list, of[channel])
	}
	return list
}

// Channels are those of which a notifier reported, by name.
func (v *Mesh) Channels() []ChannelSeen {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.channels()
}

func (v *Mesh) channels() []ChannelSeen {
	if len(v.incidents.channels) == 0 {
		return nil
	}
	return slices.SortedFunc(maps.Values(v.incidents.channels), func(a, b ChannelSeen) int { return strings.Compare(a.Channel, b.Channel) })
}

// Troubles are what is wrong that is in no verdict.
func (v *Mesh) Troubles() []wire.Trouble {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.SortedFunc(maps.Values(v.incidents.troubles), func(a, b wire.Trouble) int {
		return strings.Compare(a.About+"."+a.Name, b.About+"."+b.Name)
	})
}

// Groups are the verdicts on groups, by name.
func (v *Mesh) Groups() []wire.GroupVerdict {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.SortedFunc(maps.Values(v.verdicts.groups), func(a, b wire.GroupVerdict) int { return strings.Compare(a.Group, b.Group) })
}

// GroupVerdict takes a verdict on a group. An older one changes nothing.
func (v *Mesh) GroupVerdict(x wire.GroupVerdict) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if was, known := v.verdicts.groups[x.Group]; known && was.N > x.N || !known && len(v.verdicts.groups) >= wire.MaxSettings {
		return
	}
	v.changes.Add(1)
	v.verdicts.groups[x.Group] = x
}

// Group is the verdict on a group that holds now, and false where there is none.
func (v *Mesh) Group(name string, now time.Time) (wire.GroupVerdict, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.checkContact(now)
	x, ok := v.verdicts.groups[name]
	return x, ok && !v.verdicts.stale
}
