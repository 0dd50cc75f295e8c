package notify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

// Data is what templates see. It has no methods, and its texts are plain: no control
// characters but line feeds. Times are written in the channel's zone.
type Data struct {
	Mesh     string `help:"the mesh that sends it"`
	Channel  string `help:"the channel"`
	Key      string `help:"names the message: one that comes twice has the same"`
	Reason   string `help:"why now: opened, changed, acknowledged, repeated, escalated, unmuted, flapping, fallback, resolved or test"`
	Because  string `help:"the same as a sentence"`
	Rule     string `help:"that chose the channel; empty while no rule is saved"`
	Fallback string `help:"the channel that could not be notified, where this one is notified instead"`

	ID       string `help:"the incident's"`
	State    string `help:"open, resolved or merged"`
	Severity string `help:"down, broker, disk, slo-fast, degraded, agent, unknown, dropped, certificate, slo-slow or audit"`
	Status   string `help:"in one word, such as DOWN, RESOLVED or ACKNOWLEDGED"`
	Summary  string `help:"what is wrong, in one sentence"`
	Cause    string `help:"what its members have in common, in words; empty for one member"`
	Opened   string `help:"when it began"`
	Resolved string `help:"when it was over; empty before"`
	Lasts    string `help:"for how long it was or is wrong, such as 5m"`
	Now      string `help:"when this was written"`
	Link     string `help:"to a page about it; empty while there is none"`

	Blame     string `help:"whose fault it is: target, dns, path and so on; empty where it is not known"`
	BlameWhy  string `help:"why, in words"`
	BlameSure bool   `help:"nothing speaks against it"`

	Members []Member `help:"what is wrong, the worst first, then what is good again"`
	Wrong   int      `help:"members that are wrong now"`
	Total   int      `help:"all members"`
	More    int      `help:"members that are not listed"`

	Acked    bool     `help:"somebody acknowledged it"`
	AckBy    string   `help:"who"`
	AckAt    string   `help:"since when"`
	AckText  string   `help:"what they said"`
	Muted    []string `help:"the silences and windows that mute all that is wrong"`
	Flapping bool     `help:"it is flapping"`
	Test     bool     `help:"somebody tests the channel"`

	Title string `help:"the default title"`
	Text  string `help:"the default text"`
}

// Member is one thing of an incident.
type Member struct {
	About    string `help:"monitor, group, agent, broker, certificate, disk, dropped, slo or audit"`
	Name     string `help:"of the monitor, group, agent or server"`
	Severity string `help:"as that of the incident"`
	Wrong    bool   `help:"it is wrong now"`
	Since    string `help:"when it began to be wrong"`
	Until    string `help:"when it recovered; empty while it is wrong"`
	Why      string `help:"in one sentence"`
	Blame    string `help:"whose fault it is"`
	BlameWhy string `help:"why, in words"`
	Muted    bool   `help:"a silence or a window mutes it"`
	Line     string `help:"all of it in one line"`
}

// dataOf is what templates and the default texts are made of, at a moment.
func dataOf(m *Message, zone *time.Location, now time.Time) Data {
	i := &m.Incident
	d := Data{
		Mesh: Line(m.Mesh), Channel: m.Notice.Channel, Key: m.Key(), Reason: string(m.Notice.Reason), Rule: m.Notice.Rule, Fallback: m.Notice.Fallback,
		ID: i.ID, State: string(i.State), Severity: string(i.Severity), Summary: Line(i.Summary), Cause: causeText(i),
		Opened: clock(i.Opened, zone), Resolved: clock(i.Resolved, zone), Now: clock(now, zone), Link: m.Link,
		Total: len(i.Members) + i.More, More: i.More, Flapping: i.Flaps, Test: m.Test(),
	}
	end := now
	if !i.Resolved.IsZero() {
		end = i.Resolved
	}
	d.Lasts = lasts(end.Sub(i.Opened))
	if b := i.Blame; b != nil {
		d.Blame, d.BlameWhy, d.BlameSure = string(b.Class), Line(b.Why), b.Sure
	}
	if a := i.Ack; a != nil {
		d.Acked, d.AckBy, d.AckAt, d.AckText = true, Line(a.By), clock(a.At, zone), Plain(a.Text)
	}
	for _, name := range i.Muted {
		d.Muted = append(d.Muted, Line(name))
	}
	d.Wrong = max(0, d.Total-i.Good)
	if i.State != wire.IncidentOpen {
		d.Wrong = 0
	}
	for _, x := range slices.SortedStableFunc(slices.Values(i.Members), worseFirst) {
		d.Members = append(d.Members, memberOf(&x, zone))
	}
	d.Status, d.Because = status(m, &d), because(m)
	return d
}

// worseFirst orders members: what is wrong first, of it the worst.
func worseFirst(a, b wire.IncidentMember) int {
	if a.Wrong() != b.Wrong() {
		if a.Wrong() {
			return -1
		}
		return 1
	}
	return rank(a.Severity) - rank(b.Severity)
}

func rank(s wire.Severity) int {
	i := slices.IndexFunc(wire.Severities, func(d wire.SeverityDoc) bool { return d.Severity == s })
	if i < 0 {
		return len(wire.Severities)
	}
	return i
}

func memberOf(x *wire.IncidentMember, zone *time.Location) Member {
	m := Member{About: x.About, Name: Line(x.Name), Severity: string(x.Severity), Wrong: x.Wrong(), Since: clock(x.Since, zone), Until: clock(x.Until, zone), Why: Line(x.Why), Muted: len(x.Muted) > 0}
	if x.Blame != nil {
		m.Blame, m.BlameWhy = string(x.Blame.Class), Line(x.Blame.Why)
	}
	what := m.Name
	if m.About != wire.AboutMonitor {
		what = strings.TrimSpace(m.About + " " + m.Name)
	}
	var b strings.Builder
	if m.Wrong {
		fmt.Fprintf(&b, "%s: %s since %s", what, word(x.Severity), m.Since)
	} else {
		fmt.Fprintf(&b, "%s: good again since %s, was %s since %s", what, m.Until, word(x.Severity), m.Since)
	}
	if m.Why != "" {
		b.WriteString(": " + m.Why)
	}
	if m.Muted {
		b.WriteString(" (muted)")
	}
	m.Line = b.String()
	return m
}

// word is a severity as it stands in a sentence about a member.
func word(s wire.Severity) string {
	switch s {
	case wire.SeverityDown, wire.SeverityDegraded, wire.SeverityUnknown:
		return string(s)
	case wire.SeverityAudit:
		return "changed"
	}
	return "wrong"
}

func causeText(i *wire.Incident) string {
	name := Line(i.Cause.Name)
	switch i.Cause.What {
	case wire.CauseParent:
		return "they depend on " + name
	case wire.CauseAgent:
		return "the agent " + name
	case wire.CauseRegion:
		return "agents of " + name
	case wire.CauseHost:
		return "the host " + name
	case wire.CauseGroup:
		return "the group " + name
	case wire.CauseBroker:
		return "the mesh itself"
	case wire.CauseMany:
		return "the same moment and nothing else"
	}
	return ""
}

// status is what a title begins with.
func status(m *Message, d *Data) string {
	switch i := &m.Incident; {
	case m.Test():
		return "TEST"
	case i.State == wire.IncidentResolved:
		return "RESOLVED"
	case i.Flaps:
		return "FLAPPING"
	case m.Notice.Reason == wire.ReasonAcknowledged:
		return "ACKNOWLEDGED"
	case m.Notice.Reason == wire.ReasonRepeated, m.Notice.Reason == wire.ReasonEscalated:
		return "STILL " + strings.ToUpper(d.Severity)
	}
	return strings.ToUpper(d.Severity)
}

// because says why the message is sent, in words.
func because(m *Message) string {
	switch m.Notice.Reason {
	case wire.ReasonChanged:
		return "it changed"
	case wire.ReasonAcknowledged:
		return "it was acknowledged"
	case wire.ReasonRepeated:
		return "it is still open, and nobody has acknowledged it"
	case wire.ReasonEscalated:
		return "nobody has acknowledged it"
	case wire.ReasonUnmuted:
		return "a mute has ended, and it is still wrong"
	case wire.ReasonFlapping:
		return "it is flapping: the next message comes when it is stable"
	case wire.ReasonFallback:
		return "the channel " + m.Notice.Fallback + " could not be notified"
	case wire.ReasonResolved:
		return "it is over"
	case wire.ReasonTest:
		return "somebody tests the channel"
	}
	return "it began"
}

// clock writes a time, "" for none.
func clock(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format("2006-01-02 15:04:05 MST")
}

// lasts writes how long something lasts, in the two largest units.
func lasts(d time.Duration) string {
	d = max(0, d)
	switch {
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < time.Hour:
		return wire.Duration(d.Round(time.Second)).String()
	case d < 24*time.Hour:
		return wire.Duration(d.Round(time.Minute)).String()
	}
	hours := int(d.Round(time.Hour).Hours())
	if hours%24 == 0 {
		return fmt.Sprintf("%dd", hours/24)
	}
	return fmt.Sprintf("%dd%dh", hours/24, hours%24)
}
