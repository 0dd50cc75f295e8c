package console

import (
	"fmt"
	"io"
	"strings"
	"time"

	"netmon/internal/plural"
	"netmon/internal/timetext"
	"netmon/wire"
)

// linesMost is how many members, and how many lines of the log, are listed one by one.
const linesMost = 30

// Lines write the incident: what is wrong, since when and whose fault it is, who was
// notified, what happens next, and what happened, the oldest first.
func (s *IncidentStory) Lines(w io.Writer, now time.Time) {
	for _, l := range s.Text(now) {
		fmt.Fprintln(w, l)
	}
}

// Text is what Lines write.
func (s *IncidentStory) Text(now time.Time) []string {
	x := &s.Incident
	out := []string{fmt.Sprintf("incident %s: %s", Printable(x.ID), SummaryText(x))}
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	head := fmt.Sprintf("  %s, %s, since %s", Printable(string(x.Severity)), IncidentWord(x, nil), timetext.Moment(x.Opened, now))
	if x.State == wire.IncidentOpen {
		head += " (" + Lasting(now.Sub(x.Opened)) + ")"
	} else if !x.Resolved.IsZero() {
		head += fmt.Sprintf(" until %s (%s)", timetext.Clock(x.Resolved, now), Lasting(x.Resolved.Sub(x.Opened)))
	}
	add("%s", head)
	if a := x.Ack; a != nil {
		add("  acknowledged by %s at %s%s", AuthorText(a.By), timetext.Clock(a.At, now), colon(a.Text))
	}
	if b := x.Blame; b != nil {
		add("  blame: %s%s", BlameText(b), colon(b.Why))
	}
	if text := CauseText(x.Cause); text != "" {
		add("  in common: %s", Printable(text))
	}
	out = append(out, "members: "+MembersText(x))
	out = append(out, s.members(now)...)
	out = append(out, "notices:")
	out = append(out, s.notifications(now)...)
	if x.State == wire.IncidentOpen && s.Next != nil {
		out = append(out, "next:")
		for _, n := range s.Next {
			add("  %s", n.text(now))
		}
		for _, why := range s.Rules {
			add("  %s", Printable(why))
		}
		if len(s.Next)+len(s.Rules) == 0 {
			out = append(out, "  there are no more notices, unless it changes")
		}
	}
	out = append(out, "log:")
	return append(out, LogLines(x, now, linesMost)...)
}

func (s *IncidentStory) members(now time.Time) (out []string) {
	x := &s.Incident
	for i := range x.Members {
		if i == linesMost {
			break
		}
		m := &x.Members[i]
		out = append(out, "  "+MemberLine(m, now))
		v := s.Verdicts[m.Name]
		if v == nil || m.About != wire.AboutMonitor {
			continue
		}
		for _, l := range VerdictLines(v, now) {
			if !strings.HasPrefix(l, "blame: ") { // the line above has it
				out = append(out, "      "+l)
			}
		}
	}
	if more := TotalMembers(x) - min(len(x.Members), linesMost); more > 0 {
		out = append(out, fmt.Sprintf("  and %d more: -o json has those that are kept", more))
	}
	return out
}

// MemberLine is a member in one line: what it is, since when, until when, and why.
func MemberLine(m *wire.IncidentMember, now time.Time) string {
	return MemberText(m, clockOf(now))
}

// clockOf writes times in the zone of this computer, without it and without today.
func clockOf(now time.Time) func(time.Time) string {
	return func(t time.Time) string { return timetext.Clock(t, now) }
}

// MemberText is MemberLine with times as clock writes them.
func MemberText(m *wire.IncidentMember, clock func(time.Time) string) string {
	mark, when := "✕", "since "+clock(m.Since)
	switch {
	case !m.Wrong():
		mark, when = "●", fmt.Sprintf("%s to %s (%s)", clock(m.Since), clock(m.Until), Lasting(m.Until.Sub(m.Since)))
	case m.Severity == wire.SeverityUnknown:
		mark = "?"
	case m.Severity != wire.SeverityDown:
		mark = "▲"
	}
	text := fmt.Sprintf("%s %s %s %s%s", mark, Printable(MemberTitle(m)), Printable(string(m.Severity)), when, colon(m.Why))
	if b := BlameText(m.Blame); b != "" {
		text += " (" + b + ")"
	}
	if len(m.Muted) > 0 {
		text += ", muted by " + Printable(ShortList(m.Muted, 3))
	}
	return text
}

func (s *IncidentStory) notifications(now time.Time) (out []string) {
	of := map[string]*wire.Delivery{}
	for i := range s.Deliveries {
		of[s.Deliveries[i].Channel] = &s.Deliveries[i]
	}
	for i := range s.Incident.Channels {
		c := &s.Incident.Channels[i]
		out = append(out, "  "+ChannelLine(c, of[c.Channel], now))
	}
	if len(out) == 0 {
		return []string{"  none: no rule has sent this incident to a channel"}
	}
	return out
}

// briefly is how many bytes of what the other side said are in a line.
const briefly = 160

// brief is the beginning of what another side said: some answer with pages.
func brief(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if len(line) <= briefly {
		return line
	}
	return wire.Clip(line, briefly)
}

// ChannelLine says what a channel was last sent about an incident, and what became of it.
// d, where it is not nil, is what the notifier says of that.
func ChannelLine(c *wire.ChannelState, d *wire.Delivery, now time.Time) string {
	return ChannelText(c, d, clockOf(now))
}

// ChannelText is ChannelLine with times as clock writes them.
func ChannelText(c *wire.ChannelState, d *wire.Delivery, clock func(time.Time) string) string {
	text := fmt.Sprintf("%s: %s (notice %d), decided %s: ", Printable(c.Channel), Printable(string(c.Reason)), c.N, clock(c.Decided))
	if d != nil && d.N < c.N {
		d = nil // it is of an older one
	}
	outcome, at, problem := c.Outcome, c.At, c.Error
	if d != nil {
		outcome, at, problem = d.Outcome, d.At, d.Error
	}
	switch outcome {
	case "":
		text += "waiting to be sent"
	case wire.Sent:
		text += "sent " + clock(at)
	case wire.Retrying:
		text += "not delivered yet"
	case wire.Undelivered:
		text += "undelivered since " + clock(at)
	default:
		text += Printable(string(outcome)) + " " + clock(at)
	}
	if d != nil {
		if d.Attempts > 1 || outcome != wire.Sent {
			text += fmt.Sprintf(" after %s", plural.Count(d.Attempts, "attempt", "attempts"))
		}
		text += " by " + AuthorText(d.By)
		if outcome == wire.Sent && d.Answer != "" {
			text += colon(brief(d.Answer))
		}
	}
	if problem != "" && outcome != wire.Sent {
		text += colon(brief(problem))
	}
	if d != nil && outcome == wire.Retrying && !d.Next.IsZero() {
		text += "; next attempt " + clock(d.Next)
	}
	if c.Rule != "" {
		text += "; rule " + Printable(c.Rule)
	}
	if c.Escalated > 0 {
		text += fmt.Sprintf(", %s after it began", Lasting(c.Escalated))
	}
	return text
}

// LogLines are what happened to an incident, the oldest first; of more than most the
// first and the last.
func LogLines(x *wire.Incident, now time.Time, most int) (out []string) {
	for i, e := range x.Log {
		if len(x.Log) > most && i >= most/4 && i < len(x.Log)-(most-most/4) {
			if i == most/4 {
				out = append(out, fmt.Sprintf("  … %d more: -o json has them", len(x.Log)-most))
			}
			continue
		}
		out = append(out, "  "+EntryLine(&e, now))
	}
	return out
}

// EntryLine is one thing that happened to an incident.
func EntryLine(e *wire.Entry, now time.Time) string {
	return timetext.Clock(e.At, now) + " " + EntryText(e)
}

// EntryText is EntryLine without the time.
func EntryText(e *wire.Entry) string {
	text := Printable(string(e.What))
	if e.By != "" && !strings.Contains(e.Text, e.By) { // else the text has it
		text += " " + byWord(e.What) + Printable(e.By)
	}
	return text + colon(e.Text)
}

func byWord(what wire.EntryKind) string {
	switch what {
	case wire.EntryAcknowledged, wire.EntryMuted:
		return "by "
	}
	return ""
}
