package prompt

import (
	"slices"
	"time"

	"netmon/console"
	"netmon/wire"
)

// Snapshot is the mesh as it was known a moment ago.
type Snapshot struct {
	Monitors  []wire.Saved // by name
	Agents    []console.Agent
	Totals    console.Totals // states of the monitors
	Incidents console.IncidentList
	Channels  []console.ChannelSeen
	Settings  []wire.Setting
	Troubles  []console.Trouble // what cannot be read although the broker is there
	Broker    string            // as the prompt shows it
	Address   string            // of it
	Lost      time.Time         // since when the broker is away; zero: it is there
	Never     bool              // it has not been there yet
}

// SnapshotOf is what a model knows now of the mesh at a broker. It does not block.
func SnapshotOf(m *console.Model, broker, address string) Snapshot {
	link := m.Link()
	return Snapshot{Monitors: m.Monitors(), Agents: m.Agents(), Totals: m.Totals(), Incidents: m.Incidents(), Channels: m.Channels(), Settings: m.Settings(), Troubles: m.Troubles(), Broker: broker, Address: address, Lost: link.Lost, Never: link.Never}
}

// Online counts the agents that are online.
func (s Snapshot) Online() int {
	n := 0
	for _, a := range s.Agents {
		if a.Online {
			n++
		}
	}
	return n
}

// Names are what can be completed from this snapshot.
func (s Snapshot) Names() Names {
	n := Names{Targets: map[string][]string{}}
	for _, m := range s.Monitors {
		n.Monitors = append(n.Monitors, m.Name)
		n.Targets[m.Kind] = append(n.Targets[m.Kind], m.Target)
	}
	for _, x := range s.Incidents.All {
		n.Incidents = append(n.Incidents, s.Incidents.Short[x.ID])
	}
	for _, c := range s.Channels {
		n.Channels = append(n.Channels, c.Channel)
	}
	n.Settings = map[string][]string{}
	for _, x := range s.Settings {
		sort := string(x.Sort())
		n.Settings[sort] = append(n.Settings[sort], x.SettingName())
	}
	n.Tags = console.TagsOf(s.Monitors)
	for _, a := range s.Agents {
		n.Agents = append(n.Agents, a.Agent)
		for k, v := range a.Labels {
			if l := k + "=" + v; !slices.Contains(n.Labels, l) {
				n.Labels = append(n.Labels, l)
			}
		}
	}
	return n
}
