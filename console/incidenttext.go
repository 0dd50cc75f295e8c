package console

import (
	"fmt"
	"strings"
	"time"

	"netmon/internal/plural"
	"netmon/wire"
)

// IncidentWord says how an incident is, and who acknowledged it, in a few words.
func IncidentWord(x *wire.Incident, short map[string]string) string {
	text := string(x.State)
	switch {
	case x.State == wire.IncidentMerged:
		text = "part of " + shortID(x.Into, short)
	case x.State != wire.IncidentOpen:
	case x.Ack != nil:
		text = "acknowledged by " + AuthorText(x.Ack.By)
	}
	if x.State == wire.IncidentOpen && len(x.Muted) > 0 {
		text += ", muted by " + ShortList(x.Muted, 2)
	}
	if x.State == wire.IncidentOpen && x.Flaps {
		text += ", flapping"
	}
	return Printable(text)
}

func shortID(id string, short map[string]string) string {
	if s := short[id]; s != "" {
		return s
	}
	return id
}

// TotalMembers is how many members an incident has, listed or not.
func TotalMembers(x *wire.Incident) int { return len(x.Members) + x.More }

// MembersText says how many members an incident has, and how many of them are good again.
func MembersText(x *wire.Incident) string {
	n := TotalMembers(x)
	if x.Good > 0 && x.Good < n {
		return fmt.Sprintf("%d, %d recovered", n, x.Good)
	}
	return fmt.Sprint(n)
}

// NotifiedText says which channels were notified of an incident, and with what success.
func NotifiedText(x *wire.Incident) string {
	var parts []string
	for _, c := range x.Channels {
		parts = append(parts, c.Channel+" "+channelWord(&c))
	}
	if len(parts) == 0 {
		if x.State == wire.IncidentOpen {
			return "nobody so far"
		}
		return "nobody"
	}
	return Printable(ShortList(parts, 6))
}

// channelWord says what became of the newest notice of a channel.
func channelWord(c *wire.ChannelState) string {
	if c.Outcome == "" {
		return "waits"
	}
	return string(c.Outcome)
}

// MemberTitle is what a member is: a monitor is called by its name alone.
func MemberTitle(m *wire.IncidentMember) string {
	switch m.About {
	case wire.AboutMonitor:
		return m.Name
	case wire.AboutBroker:
		return "the broker"
	case wire.AboutCertificate:
		return "the certificate of " + m.Name
	case wire.AboutSLO:
		return "the error budget of " + m.Name
	case wire.AboutDisk:
		return "the disk of " + m.Name
	case wire.AboutDropped:
		return "results lost by " + m.Name
	}
	return m.About + " " + m.Name
}

// CauseText says what the members of an incident have in common; "" where that says
// nothing that its summary does not.
func CauseText(c wire.Cause) string {
	switch c.What {
	case wire.CauseMonitor, "":
		return ""
	case wire.CauseParent:
		return "they depend on " + c.Name
	case wire.CauseAgent:
		return "the same agent: " + c.Name
	case wire.CauseRegion:
		return "the failing agents share " + c.Name
	case wire.CauseHost:
		return "the same host: " + c.Name
	case wire.CauseGroup:
		return "the same group: " + c.Name
	case wire.CauseBroker:
		return "the broker"
	case wire.CauseMany:
		return "many things at the same moment"
	}
	return string(c.What) + " " + c.Name
}

// SummaryText is an incident in one sentence, and whose fault it is.
func SummaryText(x *wire.Incident) string {
	text := x.Summary
	if text == "" && len(x.Members) > 0 {
		text = MemberTitle(&x.Members[0]) + ": " + x.Members[0].Why
	}
	if b := BlameText(x.Blame); b != "" && !strings.Contains(text, "("+string(x.Blame.Class)) { // the controller may have said so
		text += " (" + b + ")"
	}
	return Printable(text)
}

// IncidentEvent says what became of an incident since it was as it was before, in one
// line; was is nil where it was not known. It is "" where there is nothing to say: who
// was notified is not news, but who could not be.
func IncidentEvent(was, is *wire.Incident, short map[string]string) string {
	if was == nil {
		was = &wire.Incident{State: wire.IncidentOpen}
		if is.State != wire.IncidentOpen {
			return ""
		}
	}
	head := "incident " + Printable(shortID(is.ID, short)) + " "
	lasted := Lasting(is.Resolved.Sub(is.Opened))
	switch {
	case is.State == wire.IncidentResolved && was.State != is.State:
		return head + "resolved after " + lasted + ": " + SummaryText(is)
	case is.State == wire.IncidentMerged && was.State != is.State:
		return head + "is part of " + Printable(shortID(is.Into, short)) + " now"
	case is.State != wire.IncidentOpen:
		return ""
	case was.ID == "":
		return head + "opened: " + SummaryText(is)
	case is.Ack != nil && (was.Ack == nil || !was.Ack.At.Equal(is.Ack.At)):
		return head + "acknowledged by " + AuthorText(is.Ack.By) + colon(is.Ack.Text)
	case is.Ack == nil && was.Ack != nil:
		return head + "is no longer acknowledged: " + SummaryText(is)
	case len(is.Muted) > 0 && len(was.Muted) == 0:
		return head + "muted by " + Printable(ShortList(is.Muted, 3))
	case len(is.Muted) == 0 && len(was.Muted) > 0:
		return head + "is no longer muted: " + SummaryText(is)
	case is.Flaps != was.Flaps && is.Flaps:
		return head + "is flapping: no more notices until it is stable"
	case is.Severity != was.Severity || TotalMembers(is) != TotalMembers(was) || is.Good != was.Good || BlameText(is.Blame) != BlameText(was.Blame):
		return head + "changed: " + SummaryText(is)
	}
	for i := range is.Channels {
		c := &is.Channels[i]
		if c.Outcome == wire.Undelivered && !undelivered(was, c) {
			return head + "could not be sent to " + Printable(c.Channel) + colon(c.Error)
		}
	}
	return ""
}

func undelivered(was *wire.Incident, c *wire.ChannelState) bool {
	for _, o := range was.Channels {
		if o.Channel == c.Channel && o.N == c.N && o.Outcome == wire.Undelivered {
			return true
		}
	}
	return false
}

// InIncidentText says which open incident a monitor is wrong in, and what mutes that.
func InIncidentText(x *wire.Incident, muted []string) string {
	text := fmt.Sprintf("incident %s, %s", Printable(x.ID), IncidentWord(x, nil))
	if n := TotalMembers(x); n > 1 {
		text += ", with " + plural.Count(n-1, "other", "others")
	}
	if len(muted) > 0 && len(x.Muted) == 0 {
		text += "; this monitor is muted by " + Printable(ShortList(muted, 3))
	}
	if told := NotifiedText(x); len(x.Channels) > 0 {
		text += "; notified: " + told
	}
	return text
}

// OpenLine sums up the open incidents in one line; "" where there is none, or where
// nothing is known of them.
func OpenLine(l IncidentList, now time.Time) string {
	if l.Open == 0 {
		return ""
	}
	first := l.All[0]
	text := fmt.Sprintf("%s: %s %s for %s: %s", plural.Count(l.Open, "incident is open", "incidents are open"), Printable(shortID(first.ID, l.Short)),
		Printable(string(first.Severity)), SinceText(first.Opened, now), SummaryText(first))
	if l.Open == 1 {
		if word := IncidentWord(first, l.Short); word != "open" {
			text += "; " + word
		}
		return text
	}
	var acked, muted int
	for _, x := range l.All[:l.Open] {
		if x.Ack != nil {
			acked++
		}
		if len(x.Muted) > 0 {
			muted++
		}
	}
	var notes []string
	if acked > 0 {
		notes = append(notes, fmt.Sprintf("%d acknowledged", acked))
	}
	if muted > 0 {
		notes = append(notes, fmt.Sprintf("%d muted", muted))
	}
	if len(notes) > 0 {
		text += "; " + strings.Join(notes, ", ")
	}
	return text
}
