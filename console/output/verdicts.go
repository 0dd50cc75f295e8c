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
			{"SINCE", func(x console.VerdictChange) string { return x.Since.Local().Format(time.DateTime) }},
			{"WHAT", console.VerdictChange.Title},
			{"STATE", func(x console.VerdictChange) string { return x.State }},
			{"LASTED", func(x console.VerdictChange) string { return heldFor(x, now) }},
			{"WHY", func(x console.VerdictChange) string {
				text := x.Why
				if b := console.BlameText(x.Blame); b != "" {
					text += " (" + b + ")"
				}
				return text
			}},
		},
		Wide: []Column[console.VerdictChange]{
			{"WAS", func(x console.VerdictChange) string { return x.Was }},
			{"DECIDED", func(x console.VerdictChange) string { return x.At.UTC().Format("2006-01-02T15:04:05.000Z") }},
			{"N", func(x console.VerdictChange) string { return strconv.FormatUint(x.N, 10) }},
			{"NOTES", verdictNotes},
			{"SEEN", func(x console.VerdictChange) string {
				if x.Quorum == nil {
					return ""
				}
				return console.QuorumText(x.Quorum)
			}},
			{"INCIDENT", func(x console.VerdictChange) string { return x.Incident }},
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
