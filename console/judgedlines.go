package console

import (
	"fmt"
	"io"
	"strings"
	"time"

	"netmon/internal/timetext"
	"netmon/judge"
	"netmon/wire"
)

// StatusLines write the state of a monitor, since when and why, and what that rests on.
func StatusLines(w io.Writer, s Status, now time.Time) {
	head := fmt.Sprintf("  %s %s", s.State.Mark(), s.State)
	if !s.Since.IsZero() {
		head += fmt.Sprintf(" since %s (%s)", timetext.Moment(s.Since, now), Lasting(now.Sub(s.Since)))
	}
	if s.Why != "" {
		head += ": " + Printable(s.Why)
	}
	fmt.Fprintln(w, head)
	if s.Here {
		fmt.Fprintln(w, "  "+JudgedHere)
	}
	if s.In != nil {
		fmt.Fprintln(w, "  "+InIncidentText(s.In, s.Muted))
	} else if len(s.Muted) > 0 {
		fmt.Fprintln(w, "  muted by "+Printable(ShortList(s.Muted, 3)))
	}
	if v := s.Verdict; v != nil {
		for _, l := range VerdictLines(v, now) {
			fmt.Fprintln(w, "  "+l)
		}
	}
	for _, a := range s.Agents {
		if a.Why != "" && a.State == judge.Unknown { // of the others the last result is about
			fmt.Fprintf(w, "  %s %s: %s\n", a.State.Mark(), a.Agent, Printable(a.Why))
		}
	}
}

// VerdictLines are what a verdict rests on: whose fault it is, who sees what, what was
// measured to make sure, and the runs that it rests on.
func VerdictLines(v *wire.Verdict, now time.Time) []string {
	var out []string
	if b := v.Blame; b != nil {
		out = append(out, "blame: "+BlameText(b)+colon(b.Why))
	}
	q := &v.Quorum
	if seen := QuorumText(q); seen != "" {
		out = append(out, fmt.Sprintf("quorum: %s: %s", needText(q), seen))
	}
	if c := v.Cross; c != nil {
		out = append(out, "cross-check: "+crossText(c))
	}
	for _, e := range v.Evidence {
		out = append(out, "evidence: "+EvidenceText(e, now))
	}
	var notes []string
	for _, n := range []struct {
		is   bool
		text string
	}{{v.Flapping, "it changes too often to report each change"}, {v.Frozen, "the broker was unreachable: this is the last known state"}} {
		if n.is {
			notes = append(notes, n.text)
		}
	}
	if len(notes) > 0 {
		out = append(out, "note: "+strings.Join(notes, "; "))
	}
	return out
}

// EvidenceText is a result that a verdict rests on, in one line.
func EvidenceText(e wire.Evidence, now time.Time) string {
	text := fmt.Sprintf("%s %s %s", timetext.Clock(e.Started, now), Printable(e.Agent), Printable(string(e.Outcome)))
	if e.Failure != "" {
		text += " " + Printable(string(e.Failure))
	}
	line, _, _ := strings.Cut(e.Text, "\n")
	if text += colon(line); e.Asked {
		text += " (cross-check)"
	}
	return text
}

func crossText(c *wire.CrossCheck) string {
	text := fmt.Sprintf("%d of %d requested runs came", c.Answered, c.Asked)
	if c.Answered > 0 {
		text += fmt.Sprintf(" within %s, %d of them bad", Short(time.Duration(c.TookNS)), c.Bad)
	}
	return text
}

func needText(q *wire.VerdictQuorum) string {
	rule := q.Rule
	if rule == "" {
		rule = "majority"
	}
	return fmt.Sprintf("%d to be down (%s)", q.Need, Printable(rule))
}

func colon(text string) string {
	if text == "" {
		return ""
	}
	return ": " + Printable(text)
}
