package console

import (
	"fmt"
	"strings"
	"time"

	"netmon/console/view"
	"netmon/internal/plural"
	"netmon/internal/timetext"
	"netmon/judge"
	"netmon/wire"
)

// JudgedHere is said once where states are shown that no controller judged.
const JudgedHere = "no controller leads: judged here"

// BlameText says in a few words whose fault a verdict is; "" where nobody's.
func BlameText(b *wire.Blame) string {
	if b == nil {
		return ""
	}
	names := strings.Join(b.Names, ", ")
	text := string(b.Class)
	switch {
	case b.Class == wire.BlameBroker:
		text = "the broker"
	case b.Class == wire.BlameTarget:
		text = "the target"
	case b.Class == wire.BlameDNS:
		text = "the name lookup"
	case b.Class == wire.BlameTLS:
		text = "TLS"
	case b.Class == wire.BlameUnclear:
		return "unclear whose fault"
	case names == "":
	case b.Class == wire.BlameUplink:
		text = "the uplink of " + names
	case b.Class == wire.BlameClock:
		text = "the clock of " + names
	case b.Class == wire.BlameParent:
		text = "because of " + names
	case b.Class == wire.BlamePath:
		text = "the path from " + names
	case b.Class == wire.BlameRegion:
		text = "the region " + names
	}
	if !b.Sure {
		text += ", not sure"
	}
	return Printable(text)
}

// WhyText is why a monitor is in its state, and whose fault that is.
func WhyText(why string, v *wire.Verdict) string {
	text := Printable(why)
	if v == nil {
		return text
	}
	var notes []string
	if b := BlameText(v.Blame); b != "" {
		notes = append(notes, b)
	}
	if v.Flapping {
		notes = append(notes, "flapping")
	}
	if v.Frozen {
		notes = append(notes, "frozen")
	}
	if len(notes) == 0 {
		return text
	}
	return strings.TrimSpace(text + " (" + strings.Join(notes, "; ") + ")")
}

// WhyListed is WhyText in a list, where of a monitor that every agent finds good there is
// nothing to say.
func WhyListed(why string, v *wire.Verdict) string {
	if v != nil && v.State == wire.VerdictUp && !v.Flapping && !v.Frozen && len(v.Quorum.Up) == view.Placed(&v.Quorum) {
		return ""
	}
	return WhyText(why, v)
}

// MutedText adds to why a monitor is in its state what mutes that.
func MutedText(why string, muted []string) string {
	if len(muted) == 0 {
		return why
	}
	return strings.TrimSpace(why + " [muted by " + Printable(ShortList(muted, 2)) + "]")
}

// AgentVerdictText is what the judge says of an agent, in one sentence; "" where there
// is nothing to say.
func AgentVerdictText(x *wire.AgentVerdict) string {
	if x == nil || x.Status == wire.AgentAble && x.Blame == nil {
		return ""
	}
	text := x.Why
	if text == "" {
		text = x.Agent + " is " + string(x.Status)
	}
	if strings.HasPrefix(text, x.Agent+" ") {
		text = "agent " + text
	}
	if x.Status != wire.AgentAble && !strings.Contains(text, "judged without") {
		text += ": " + plural.Count(x.Monitors, "monitor is", "monitors are") + " judged without it"
	}
	return Printable(text)
}

// Notices are what has to be said beside the states of a snapshot, a line for each.
func Notices(s view.Snapshot) []string {
	var out []string
	if line := OpenLine(s.Incidents, s.At); line != "" {
		out = append(out, line)
	}
	return append(out, MeshNotices(s)...)
}

// MeshNotices are those of them that are about the mesh itself.
func MeshNotices(s view.Snapshot) []string {
	var out []string
	if s.Here {
		out = append(out, JudgedHere)
	}
	if s.Mesh.Frozen {
		out = append(out, "verdicts are frozen since "+timetext.Moment(s.Mesh.Since, s.At)+": "+Printable(s.Mesh.Why))
	}
	for i := range s.Unable {
		out = append(out, AgentVerdictText(&s.Unable[i]))
	}
	return out
}

// Lasting writes how long something lasts, in one or two units.
func Lasting(d time.Duration) string {
	switch {
	case d < time.Second:
		return "0s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%dh", int(d.Hours())/24, int(d.Hours())%24)
}

// SinceText is how long ago a state began; "" where that is not known.
func SinceText(since, now time.Time) string {
	if since.IsZero() {
		return ""
	}
	return Lasting(now.Sub(since))
}

// QuorumText says who sees what, such as "down: paris, rome; up: oslo".
func QuorumText(q *wire.VerdictQuorum) string {
	var parts []string
	for _, l := range []struct {
		word string
		ids  []string
	}{{"down", q.Down}, {"slow", q.Slow}, {"up", q.Up}, {"blind", q.Blind}, {"silent", q.Silent}, {"set aside", q.Aside}} {
		if len(l.ids) > 0 {
			parts = append(parts, l.word+": "+ShortList(l.ids, 8))
		}
	}
	return Printable(strings.Join(parts, "; "))
}

// ShortList writes names, and of more than most how many more there are.
func ShortList(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// Totals are how many saved monitors are in which state.
type Totals = view.SavedTotals

// NotWell says how many monitors are not well, such as " (2 down, 1 degraded)"; ""
// where all are, or nothing is known.
func NotWell(t Totals) string {
	var parts []string
	for _, state := range []judge.State{judge.Down, judge.Degraded, judge.Unknown} {
		if n := t.States[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	if len(parts) == 0 || !t.Judged {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// JudgedWithout names the agents whose word does not count, such as " (judged without
// paris)"; "" where there is none.
func JudgedWithout(t Totals) string {
	var ids []string
	for _, x := range t.Unable {
		if x.Status != wire.AgentAble {
			ids = append(ids, x.Agent)
		}
	}
	if len(ids) == 0 {
		return ""
	}
	return " (judged without " + ShortList(ids, 3) + ")"
}
