package prompt

import (
	"fmt"
	"strings"
	"time"

	"netmon/console"
	"netmon/wire"
)

// incidentsPerSecond is how many incident changes are printed in a second, as many as a
// person reads. The others are counted.
const incidentsPerSecond = 10

// incidents are those that were printed, as of then.
type incidents struct {
	broker  string // of these
	printed map[string]*wire.Incident
	seen    []*wire.Incident // the list of them; each change makes a new list
	begun   time.Time        // of this second
	n       int              // that were printed in it
	more    int              // that were not
}

// printIncidents prints which incidents opened, changed and ended, unless results are off.
// It sums up those that were open before the prompt started.
func (m *model) printIncidents() {
	i, l := &m.incidents, m.snap.Incidents
	if i.broker != m.snap.Broker {
		*i = incidents{broker: m.snap.Broker}
	}
	if !l.Read || l.Why != "" {
		return
	}
	if m.now.Sub(i.begun) < time.Second && len(l.All) == len(i.seen) && (len(l.All) == 0 || &l.All[0] == &i.seen[0]) {
		return // nothing changed
	}
	i.seen = l.All
	first := i.printed == nil
	was := i.printed
	i.printed = make(map[string]*wire.Incident, len(l.All))
	if m.now.Sub(i.begun) >= time.Second {
		if i.more > 0 && m.o.Stream.Mode() != Off {
			m.printLine(m.o.Styles.Dim + fmt.Sprintf("… %s more incident changes: `get incidents` lists the incidents", thousands(i.more)) + m.o.Styles.Reset)
		}
		i.begun, i.n, i.more = m.now, 0, 0
	}
	for k := len(l.All) - 1; k >= 0; k-- { // the worst last
		x := l.All[k]
		i.printed[x.ID] = x
		if first || was[x.ID] == x || m.o.Stream.Mode() == Off {
			continue
		}
		text := console.IncidentEvent(was[x.ID], x, l.Short)
		switch {
		case text == "":
		case i.n == incidentsPerSecond:
			i.more++
		default:
			i.n++
			m.printLine(m.incidentStyle(x) + incidentMark(x) + " " + text + m.o.Styles.Reset)
		}
	}
	if first && m.o.Stream.Mode() != Off {
		if line := console.OpenLine(l, m.now); line != "" {
			m.printLine(m.o.Styles.Failed + "✕ " + line + m.o.Styles.Reset)
		}
	}
}

func (m *model) incidentStyle(x *wire.Incident) string {
	switch {
	case x.State != wire.IncidentOpen:
		return m.o.Styles.OK
	case strings.HasPrefix(incidentMark(x), "✕"):
		return m.o.Styles.Failed
	}
	return m.o.Styles.Broken
}

func incidentMark(x *wire.Incident) string {
	switch {
	case x.State != wire.IncidentOpen:
		return "●"
	case x.Severity == wire.SeverityDown || x.Severity == wire.SeverityBroker || x.Severity == wire.SeverityDisk:
		return "✕"
	}
	return "▲"
}
