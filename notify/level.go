package notify

import "netmon/wire"

// level is how grave an incident is, in the steps that pagers know.
type level int

const (
	levelInfo level = iota
	levelWarning
	levelError
	levelCritical
)

// levelOf is the level of a severity; what a newer netmon may add is a warning.
func levelOf(s wire.Severity) level {
	switch s {
	case wire.SeverityDown, wire.SeverityBroker:
		return levelCritical
	case wire.SeverityDisk, wire.SeveritySLOFast:
		return levelError
	case wire.SeverityAudit:
		return levelInfo
	}
	return levelWarning
}

// String is the name that PagerDuty and Alertmanager's users give it.
func (l level) String() string {
	return [...]string{"info", "warning", "error", "critical"}[l]
}

// level is that of the message's incident. A test is of no weight.
func (m *Message) level() level {
	if m.Test() {
		return levelInfo
	}
	return levelOf(m.Incident.Severity)
}

// over says that nothing of the incident is wrong any more, or that it continues as part
// of another.
func (m *Message) over() bool { return m.Incident.State != wire.IncidentOpen }

// acknowledged says that somebody acknowledged it.
func (m *Message) acknowledged() bool { return m.Incident.Ack != nil && !m.over() }

// color is how services that have colors show the message: green when it is over, blue
// when somebody acknowledged it, else by its level.
func (m *Message) color() int {
	switch {
	case m.over():
		return 0x2EA043
	case m.acknowledged():
		return 0x1F6FEB
	}
	return [...]int{0x6E7781, 0xD29922, 0xE36209, 0xCF222E}[m.level()]
}

// what names the thing that went wrong first: an incident begins with it, so it stays
// the same.
func (m *Message) what() string {
	if len(m.Incident.Members) > 0 {
		return m.Incident.Members[0].Name
	}
	return m.Incident.ID
}
