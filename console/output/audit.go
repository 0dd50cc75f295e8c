package output

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"netmon/console"
	"netmon/internal/timetext"
	"netmon/wire"
)

// Audit lists changes of the mesh, and who made them.
func Audit(all []wire.Audit) Listing[wire.Audit] {
	return Listing[wire.Audit]{Kind: "Audit", Items: all,
		None: "nothing was changed in this time",
		Name: func(e wire.Audit) string { return e.At.UTC().Format(time.RFC3339) },
		Columns: []Column[wire.Audit]{
			{Title: "AT", Time: func(e wire.Audit) time.Time { return e.At }},
			Author(func(e wire.Audit) string { return e.By }),
			{Title: "DID", Cut: Place, Cell: func(e wire.Audit) string { return e.Did }},
			{Title: "WHAT", Cut: Place, Cell: func(e wire.Audit) string { return strings.Join(e.What, " ") }},
			{Title: "WHERE", Extra: true, Cut: Place, Cell: func(e wire.Audit) string { return e.Where }},
			{Title: "DETAIL", Cut: Prose, Cell: func(e wire.Audit) string { return e.Detail }},
			{Title: "ERROR", Seldom: true, Cut: Prose, Cell: func(e wire.Audit) string { return e.Error }},
		},
		After: func(w io.Writer) {
			if slices.ContainsFunc(all, func(e wire.Audit) bool { return e.By == "" }) {
				fmt.Fprintln(w, "(unknown) is somebody whom the broker did not verify; netmon history shows the names that consoles gave")
			}
		}}
}

// AuditLine is one change in a line, for people.
func AuditLine(e wire.Audit) string {
	text := fmt.Sprintf("%s  %s  %s %s", timetext.Zoned(e.At), console.AuthorText(e.By), e.Did, strings.Join(e.What, " "))
	if e.Detail != "" {
		text += "  (" + e.Detail + ")"
	}
	text += "  at " + e.Where
	if e.Error != "" {
		text += "  refused: " + e.Error
	}
	return console.Printable(text)
}
