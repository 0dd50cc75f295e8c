package console

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/console/view"
	"netmon/internal/tail"
	"netmon/wire"
)

// IncidentList is what a model knows of incidents.
type IncidentList = view.IncidentList

// ChannelSeen is the last word on a channel.
type ChannelSeen = view.ChannelSeen

// Incidents are those that are known: the open ones, and the newest of those that are over.
func (m *Model) Incidents() IncidentList { return m.mesh.IncidentList() }

// Channels are those of which a notifier reported, by name.
func (m *Model) Channels() []ChannelSeen { return m.mesh.Channels() }

// Deliveries are what became of the newest notices about an incident, by channel.
func (m *Model) Deliveries(incident string) []wire.Delivery { return m.mesh.Deliveries(incident) }

// Group is the verdict on a group that holds now, and false where there is none.
func (m *Model) Group(name string) (wire.GroupVerdict, bool) { return m.mesh.Group(name, time.Now()) }

// Groups are the verdicts on groups, by name.
func (m *Model) Groups() []wire.GroupVerdict { return m.mesh.Groups() }

// incidentSubjects are what is followed of the stream of incidents.
func incidentSubjects() []string {
	return []string{wire.AllIncidents, wire.AllTroubles, wire.AllDeliveries, wire.AllChannels}
}

// incidentsRarer is how many times as long as the rest incidents may wait: they are large, and
// of several messages about one only the last is worth reading.
const incidentsRarer = 5

// incidentsAgain is how often incidents are looked for where there were none to read.
const incidentsAgain = 10 * time.Second

// followIncidents gives the mesh the incidents that are stored, and of what comes.
// A mesh that keeps none, or does not let us read them, is not a trouble: it is said where
// incidents are shown.
func (m *Model) followIncidents(ctx context.Context, ready func()) error {
	t, err := m.c.openIncidents(ctx, incidentSubjects(), incidentsRarer*m.o.Gather)
	if why := noIncidents(err); why != "" {
		m.mesh.NoIncidents(why)
		ready()
		m.signalChange()
		wait(ctx, nil, incidentsAgain)
		return nil
	}
	if err != nil {
		return err
	}
	defer t.Stop()
	t.Trouble = troubles("follow the incidents", func(err error) { m.trouble(PartIncidents, err) })
	stored, left := newStoredTime(t), t.Left()
	var all view.IncidentFacts
	var news newest
	begin := func() {
		left = 0
		m.mesh.Incidents(all)
		all = view.IncidentFacts{}
		ready()
		m.signalChange()
	}
	if left == 0 {
		begin()
	}
	for {
		msg, meta, err := t.Next()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return noMesh("follow the incidents", err)
		}
		if left == 0 {
			if news.add(msg, stored.of(meta.Timestamp)); !t.More() {
				m.takeIncidents(&news)
				m.signalChange()
			}
			continue
		}
		gatherIncident(&all, msg, stored.of(meta.Timestamp))
		if left--; left == 0 || meta.NumPending == 0 {
			begin()
		}
	}
}

// noIncidents says why incidents cannot be read, where that is nothing that passes.
func noIncidents(err error) string {
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrDenied) {
		return err.Error()
	}
	return ""
}

// openIncidents opens the last messages of these subjects of the stream of incidents,
// and what comes; see [tail.From] for gather.
func (c *Client) openIncidents(ctx context.Context, subjects []string, gather time.Duration) (*tail.Tail, error) {
	_, err := c.open(ctx, wire.IncidentsStream) // which says at once what we may not do
	if err == nil {
		var t *tail.Tail
		if t, err = tail.Open(ctx, c.js, wire.IncidentsStream, tail.From{Subjects: subjects, Last: true, Gather: gather}); err == nil {
			return t, nil
		}
	}
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, errNoIncidents
	}
	return nil, noMesh("read the incidents", err)
}

var errNoIncidents = &notThere{"the broker of this mesh keeps no incidents: update it and its controller"}

// notThere is an [ErrNotFound] of which its text says all.
type notThere struct{ text string }

func (e *notThere) Error() string        { return e.text }
func (e *notThere) Is(target error) bool { return target == ErrNotFound }

// gatherIncident adds what a message says. What cannot be read is of a newer controller.
func gatherIncident(all *view.IncidentFacts, msg *nats.Msg, seen time.Time) {
	switch {
	case within(msg.Subject, wire.AllIncidents):
		if x, err := wire.DecodeIncident(msg.Subject, msg.Data); err == nil {
			all.Incidents = append(all.Incidents, x)
		}
	case within(msg.Subject, wire.AllDeliveries):
		if x, err := wire.DecodeDelivery(msg.Subject, msg.Data); err == nil {
			all.Deliveries = append(all.Deliveries, x)
		}
	case within(msg.Subject, wire.AllTroubles):
		if x, err := wire.DecodeTrouble(msg.Subject, msg.Data); err == nil {
			all.Troubles = append(all.Troubles, x)
		}
	case within(msg.Subject, wire.AllChannels):
		if x, err := wire.DecodeChannelStatus(msg.Subject, msg.Data); err == nil {
			all.Channels = append(all.Channels, view.ChannelSeen{ChannelStatus: x, Seen: seen})
		}
	}
}

// within says whether a subject is one of those that a pattern such as incidents.* is for.
func within(subject, pattern string) bool {
	return strings.HasPrefix(subject, strings.TrimRight(pattern, "*.")+".")
}

// takeIncidents gives the mesh what came: incidents before what was delivered about them.
func (m *Model) takeIncidents(news *newest) {
	var all view.IncidentFacts
	for _, x := range news.list {
		gatherIncident(&all, x.msg, x.seen)
	}
	*news = newest{}
	for _, x := range all.Incidents {
		m.mesh.Incident(x)
	}
	for _, x := range all.Deliveries {
		m.mesh.Delivery(x)
	}
	for _, x := range all.Troubles {
		m.mesh.Trouble(x)
	}
	for _, x := range all.Channels {
		m.mesh.Channel(x)
	}
}

// newest is the last message of each subject among some that came together.
type newest struct {
	list []seenMsg
	at   map[string]int // by subject, in list
}

type seenMsg struct {
	msg  *nats.Msg
	seen time.Time
}

func (n *newest) add(msg *nats.Msg, seen time.Time) {
	if i, ok := n.at[msg.Subject]; ok {
		n.list[i] = seenMsg{msg, seen}
		return
	}
	if n.at == nil {
		n.at = map[string]int{}
	}
	n.at[msg.Subject] = len(n.list)
	n.list = append(n.list, seenMsg{msg, seen})
}

// IncidentsOf are the incidents of a filter that are known, and short forms of their ids.
func (m *Model) IncidentsOf(f IncidentFilter) (list []wire.Incident, short map[string]string) {
	tagged := map[string]wire.Saved{}
	if len(f.Tags) > 0 {
		for _, s := range m.Monitors() {
			tagged[s.Name] = s
		}
	}
	all := m.Incidents()
	for _, x := range all.All {
		if f.Fits(x, tagged) {
			list = append(list, *x)
		}
	}
	return list, all.Short
}
