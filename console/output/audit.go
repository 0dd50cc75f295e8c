package output

import (
	"fmt"
	"strings"
	"time"

	"netmon/console"
	"netmon/wire"
)

// Audit lists changes of the mesh, and who made them.
func Audit(all []wire.Audit) Listing[wire.Audit] {
	return Listing[wire.Audit]{Kind: "Audit", Items: all,
		None: "nothing was changed in this time",
		Name: func(e wire.Audit) string { return e.At.UTC().Format(time.RFC3339) },
		Columns: []Column[wire.Audit]{
			{"AT", func(e wire.Audit) string { return e.At.UTC().Format(time.RFC3339) }},
			{"BY", func(e wire.Audit) string { return authorText(e.By) }},
			{"DID", func(e wire.Audit) string { return e.Did }},
			{"WHAT", func(e wire.Audit) string { return strings.Join(e.What, " ") }},
			{"WHERE", func(e wire.Audit) string { return e.Where }},
			{"DETAIL", func(e wire.Audit) string { return e.Detail }},
			{"ERROR", func(e wire.Audit) string { return e.Error }},
		}}
}

// authorText shows an author. One that nobody verified is not told at all.
func authorText(by string) string {
	if by == "" {
		return "(nobody verified)"
	}
	return by
}

// AuditLine is one change in a line, for people.
func AuditLine(e wire.Audit) string {
	text := fmt.Sprintf("%s  %s  %s %s", e.At.UTC().Format(time.RFC3339), authorText(e.By), e.Did, strings.Join(e.What, " "))
	if e.Detail != "" {
		text += "  (" + e.Detail + ")"
	}
	text += "  at " + e.Where
	if e.Error != "" {
		text += "  refused: " + e.Error
	}
	return console.Printable(text)
}
