package output

import (
	"fmt"
	"io"
	"time"

	"netmon/console"
	"netmon/internal/timetext"
	"netmon/wire"
)

// Identities lists who was let in, or may come in by a line.
func Identities(identities []wire.Identity) Listing[wire.Identity] {
	return Listing[wire.Identity]{Kind: "Identities", Items: identities,
		None: "nobody was let in yet; to let the first one in: netmon token new agent --id paris",
		Name: func(i wire.Identity) string { return i.Name },
		Columns: []Column[wire.Identity]{
			{Title: "NAME", Cut: Naming, Cell: func(i wire.Identity) string { return i.Name }},
			{Title: "ROLE", Cell: func(i wire.Identity) string { return string(i.Role) }},
			{Title: "STATE", Cut: Prose, Cell: stateText},
			{Title: "LABELS", Cut: Place, Cell: func(i wire.Identity) string { return console.LabelText(i.Labels) }},
			inWide(Author(func(i wire.Identity) string { return i.By })),
			{Title: "LINE", Extra: true, Seldom: true, Cut: Place, Cell: func(i wire.Identity) string { return i.Token }},
			{Title: "MADE", Extra: true, Time: func(i wire.Identity) time.Time { return i.Made }},
			{Title: "JOINED", Time: func(i wire.Identity) time.Time { return i.Joined }},
			{Title: "SESSIONS", Seldom: true, Cell: func(i wire.Identity) string { return countOf(len(i.Sessions)) }},
			{Title: "EXPIRES", Seldom: true, Time: func(i wire.Identity) time.Time { return i.Expires }},
			{Title: "REVOKED", Extra: true, Time: func(i wire.Identity) time.Time { return i.Revoked }},
		},
		Wide: []Column[wire.Identity]{
			{Title: "SUSPENDED", Time: func(i wire.Identity) time.Time { return i.Suspended }},
			{Title: "UNTIL", Time: func(i wire.Identity) time.Time { return i.Until }},
			{Title: "WHY", Cell: func(i wire.Identity) string { return i.Why }},
		},
		After: func(w io.Writer) { printSuspended(w, identities); printSessions(w, identities) }}
}

// countOf is a number, "" for none.
func countOf(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// stateText is the state of an identity, or of a line for several with what is left of it.
func stateText(i wire.Identity) string {
	switch {
	case i.Uses > 1 && i.State == "open":
		return fmt.Sprintf("open, %d of %d left", i.Uses-i.Used, i.Uses)
	case i.Key != "" && !i.Expires.IsZero() && i.State != "revoked":
		return i.State + ", a line replaces it"
	}
	return i.State
}

// printSuspended says why agents are shut out for a while, and what to do.
func printSuspended(w io.Writer, identities []wire.Identity) {
	for _, i := range identities {
		if !i.Suspended.IsZero() {
			fmt.Fprintf(w, "%s is suspended until %s: %s\n   netmon access resume %s   lets it in now\n   netmon access revoke %s   shuts its key out for good\n",
				i.Name, timetext.Zoned(i.Until), console.Printable(i.Why), i.Name, i.Name)
		}
	}
}

// printSessions says by which programs people act now, and until when.
func printSessions(w io.Writer, identities []wire.Identity) {
	for _, i := range identities {
		for _, s := range i.Sessions {
			fmt.Fprintf(w, "%s has a session until %s, as %s\n", i.Name, timetext.Minute(s.Until), s.Role)
			if s.Of != "" {
				fmt.Fprintf(w, "   %s\n", console.Printable(s.Of))
			}
		}
	}
}
