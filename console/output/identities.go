package output

import (
	"fmt"
	"io"
	"strings"
	"time"

	"netmon/console"
	"netmon/wire"
)

// Identities lists who was let in, or may come in by a line.
func Identities(identities []wire.Identity) Listing[wire.Identity] {
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	return Listing[wire.Identity]{Kind: "Identities", Items: identities,
		None: "nobody was let in; a first one: netmon token new agent --id paris",
		Name: func(i wire.Identity) string { return i.Name },
		Columns: []Column[wire.Identity]{
			{"NAME", func(i wire.Identity) string { return i.Name }},
			{"ROLE", func(i wire.Identity) string { return string(i.Role) }},
			{"STATE", stateText},
			{"LABELS", func(i wire.Identity) string { return console.LabelText(i.Labels) }},
			{"BY", func(i wire.Identity) string { return strings.TrimSpace(i.By + " " + i.Token) }},
			{"MADE", func(i wire.Identity) string { return at(i.Made) }},
			{"JOINED", func(i wire.Identity) string { return at(i.Joined) }},
			{"EXPIRES", func(i wire.Identity) string { return at(i.Expires) }},
			{"REVOKED", func(i wire.Identity) string { return at(i.Revoked) }},
		},
		Wide: []Column[wire.Identity]{
			{"SUSPENDED", func(i wire.Identity) string { return at(i.Suspended) }},
			{"UNTIL", func(i wire.Identity) string { return at(i.Until) }},
			{"WHY", func(i wire.Identity) string { return i.Why }},
		},
		After: func(w io.Writer) { tellSuspended(w, identities) }}
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

// tellSuspended says why agents are shut out for a while, and what to do.
func tellSuspended(w io.Writer, identities []wire.Identity) {
	for _, i := range identities {
		if !i.Suspended.IsZero() {
			fmt.Fprintf(w, "%s is suspended until %s: %s\n   netmon access resume %s   lets it in now\n   netmon access revoke %s   shuts its key out for good\n",
				i.Name, i.Until.UTC().Format(time.RFC3339), console.Printable(i.Why), i.Name, i.Name)
		}
	}
}
