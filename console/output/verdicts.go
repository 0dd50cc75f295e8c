package output

import (
	"fmt"
	"strconv"
	"time"

	"netmon/console"
)

// Verdicts lists verdicts, the newest last.
func Verdicts(list []console.VerdictChange, none string) Listing[console.VerdictChange] {
	now := time.Now()
	return Listing[console.VerdictChange]{Kind: "Verdicts", Items: list, None: none,
		Name: func(x console.VerdictChange) string { return x.Name },
		Columns: []Column[console.VerdictChange]{
			{Title: "SINCE", Time: func(x console.VerdictChange) time.Time { return x.Since }},
			{Title: "WHAT", Cut: Naming, Cell: console.VerdictChange.Title},
			{Title: "STATE", Cell: func(x console.VerdictChange) string { return x.State }},
			{Title: "LASTED", Cell: func(x console.VerdictChange) string { return heldFor(x, now) }},
			{Title: "WHY", Cut: Prose, Cell: func(x console.VerdictChange) string {
				text := x.Why
				if b := console.BlameText(x.Blame); b != "" {
					text += " (" + b + ")"
				}
				return text
			}},
		},
		Wide: []Column[console.VerdictChange]{
			{Title: "WAS", Cell: func(x console.VerdictChange) string { return x.Was }},
			{Title: "DECIDED", Time: func(x console.VerdictChange) time.Time { return x.At }},
			{Title: "N", Cell: func(x console.VerdictChange) string { return strconv.FormatUint(x.N, 10) }},
			{Title: "NOTES", Cell: verdictNotes},
			{Title: "SEEN", Cell: func(x console.VerdictChange) string {
				if x.Quorum == nil {
					return ""
				}
				return console.QuorumText(x.Quorum)
			}},
			{Title: "INCIDENT", Cell: func(x console.VerdictChange) string { return x.Incident }},
		}}
}

// heldFor is how long a state lasted; one that holds has a sign for that.
func heldFor(x console.VerdictChange, now time.Time) string {
	if x.Until.IsZero() {
		return console.Lasting(now.Sub(x.Since)) + "…"
	}
	return console.Lasting(time.Duration(x.LastedNS))
}

func verdictNotes(x console.VerdictChange) string {
	text := ""
	for _, n := range []struct {
		is   bool
		word string
	}{{x.Flapping, "flapping"}, {x.Frozen, "frozen"}} {
		if n.is {
			text += "," + n.word
		}
	}
	if x.Cross != nil {
		text += fmt.Sprintf(",%d/%d cross-checks bad", x.Cross.Bad, x.Cross.Answered)
	}
	if text != "" {
		text = text[1:]
	}
	return text
}
