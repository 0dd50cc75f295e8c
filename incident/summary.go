package incident

import (
	"fmt"
	"strings"
	"time"

	"netmon/wire"
)

// listOf names things: all of up to three, of more the first two and how many others.
func listOf(names []string) string {
	switch n := len(names); n {
	case 0:
		return ""
	case 1:
		return names[0]
	case 2:
		return names[0] + " and " + names[1]
	case 3:
		return names[0] + ", " + names[1] + " and " + names[2]
	default:
		return fmt.Sprintf("%s, %s and %d others", names[0], names[1], n-2)
	}
}

// fewNamed is up to how many things are named in a summary rather than counted.
const fewNamed = 5

// summary says in one sentence what is wrong, or what was.
func (k *Keeper) summary(inc *incident) string {
	if inc.State != wire.IncidentOpen {
		return clipJSON(k.summaryOfEnd(inc), mostText)
	}
	var head, own *member // the parent or agent itself; the group itself
	var list []string     // the others
	n, since := 0, time.Time{}
	severity, mixed := wire.Severity(""), false
	monitors := true
	var one *member
	for _, m := range inc.members {
		if !m.Open() {
			continue
		}
		if head == nil && isHead(inc, m) {
			head = m
			continue
		}
		if m.About == wire.AboutGroup {
			own = m
			continue
		}
		if n++; n <= fewNamed {
			list = append(list, label(&m.IncidentMember))
		}
		if one == nil {
			one, severity = m, m.Severity
		}
		mixed = mixed || m.Severity != severity
		monitors = monitors && m.About == wire.AboutMonitor
		if since.IsZero() || m.Since.Before(since) {
			since = m.Since
		}
	}
	n += len(inc.rest)
	var text string
	switch {
	case head != nil:
		text = sentence(head)
		if n == 1 {
			text += "; " + list[0] + head.depend(inc, true)
		} else if n > 1 {
			text += fmt.Sprintf("; %s%s", amount(n, list, monitors), head.depend(inc, false))
		}
	case n == 0 && own != nil:
		return clipJSON(sentence(own), mostText)
	case n == 0:
		return inc.Summary
	case n == 1:
		text = sentence(one)
	default:
		text = amount(n, list, monitors) + " are " + states(severity, mixed)
		if n > fewNamed {
			text += " since " + since.UTC().Format("15:04:05")
		}
		text += because(inc, n)
	}
	if own != nil {
		text += ": " + label(&own.IncidentMember) + " is " + stateWord(own.Severity)
	}
	if inc.Flaps {
		text += ", on and off"
	}
	return clipJSON(text, mostText)
}

// isHead says whether a member is the cause itself.
func isHead(inc *incident, m *member) bool {
	switch inc.Cause.What {
	case wire.CauseParent:
		return m.About == wire.AboutMonitor && m.Name == inc.Cause.Name
	case wire.CauseAgent:
		return m.About == wire.AboutAgent && m.Name == inc.Cause.Name
	case wire.CauseBroker:
		return m.About == wire.AboutBroker
	}
	return false
}

// depend says how others hang on the cause.
func (m *member) depend(inc *incident, one bool) string {
	switch {
	case inc.Cause.What == wire.CauseParent && one:
		return " depends on it"
	case inc.Cause.What == wire.CauseParent:
		return " depend on it"
	case one:
		return " is wrong with it"
	}
	return " are wrong with it"
}

// sentence is one member: web is down: refused from 3 of 3 agents (target).
func sentence(m *member) string {
	switch m.About {
	case wire.AboutMonitor, wire.AboutGroup:
		text := label(&m.IncidentMember) + " is " + stateWord(m.Severity)
		if m.Why != "" {
			text += ": " + m.Why
		}
		if m.Blame != nil && m.About == wire.AboutMonitor {
			text += " (" + string(m.Blame.Class) + ")"
		}
		return text
	case wire.AboutSLO:
		return label(&m.IncidentMember) + ": " + m.Why
	}
	if m.Why != "" {
		return m.Why
	}
	return label(&m.IncidentMember) + " is not well"
}

func stateWord(s wire.Severity) string {
	switch s {
	case wire.SeverityDown, wire.SeverityDegraded, wire.SeverityUnknown:
		return string(s)
	case wire.SeveritySLOFast, wire.SeveritySLOSlow:
		return "spent too fast"
	}
	return "wrong"
}

func states(s wire.Severity, mixed bool) string {
	if mixed {
		return "not well"
	}
	return stateWord(s)
}

// amount names few things, and counts more.
func amount(n int, names []string, monitors bool) string {
	if n <= fewNamed {
		return listOf(names)
	}
	if monitors {
		return fmt.Sprintf("%d monitors", n)
	}
	return fmt.Sprintf("%d things", n)
}

// because is what they have in common.
func because(inc *incident, n int) string {
	name := inc.Cause.Name
	switch inc.Cause.What {
	case wire.CauseParent:
		if n > fewNamed {
			return ": they depend on " + name
		}
		return ": " + name + " is down"
	case wire.CauseAgent:
		return ": trouble of " + name
	case wire.CauseBroker:
		return ": no agent is heard"
	case wire.CauseRegion:
		return ": seen from " + name
	case wire.CauseHost:
		return ": all on " + name
	}
	return ""
}

// summaryOfEnd says what is over, and how long it was.
func (k *Keeper) summaryOfEnd(inc *incident) string {
	if inc.State == wire.IncidentMerged {
		return "it continues as part of " + inc.Into
	}
	var names []string
	for _, m := range inc.members {
		names = append(names, label(&m.IncidentMember))
	}
	if inc.isEvent() && len(inc.members) > 0 {
		return sentence(inc.members[0])
	}
	n := len(names) + inc.restGood
	text := amount(n, names, false)
	if n > fewNamed {
		text = fmt.Sprintf("all %d of it", n)
	}
	verb := " are"
	if n == 1 {
		verb = " is"
	}
	what := " good again"
	if n == 1 && inc.members[0].About == wire.AboutMonitor {
		what = " up again"
	}
	return strings.TrimSpace(text + verb + what + " after " + lasted(inc.Resolved.Sub(inc.Opened)))
}

// lasted is a length of time as people say it.
func lasted(d time.Duration) string {
	switch {
	case d < time.Second:
		return wire.Duration(d.Round(time.Millisecond)).String()
	case d < time.Hour:
		return wire.Duration(d.Round(time.Second)).String()
	}
	return wire.Duration(d.Round(time.Minute)).String()
}

// blameWords names a fault.
func blameWords(b *wire.Blame) string {
	if b == nil {
		return "it is not clear whose fault it is"
	}
	if b.Why != "" {
		return b.Why + " (" + string(b.Class) + ")"
	}
	return string(b.Class)
}
