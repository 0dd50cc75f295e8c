package output

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"netmon/console"
)

// Channels lists channels and how each is.
func Channels(list []console.ChannelHealth, none string) Listing[console.ChannelHealth] {
	now := time.Now()
	type column = Column[console.ChannelHealth]
	ago := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return console.Ago(t)
	}
	return Listing[console.ChannelHealth]{Kind: "Channels", Items: list, None: none,
		Name: func(h console.ChannelHealth) string { return h.Channel },
		After: func(w io.Writer) {
			var nobody []string
			for _, h := range list {
				if h.State == console.ChannelNobody {
					nobody = append(nobody, h.Channel)
				}
			}
			if len(nobody) > 0 {
				fmt.Fprintf(w, "NOBODY sends for %s: %s\n", strings.Join(nobody, ", "), console.NobodyNotifies)
			}
		},
		Columns: []column{
			{Title: "CHANNEL", Cut: Naming, Cell: func(h console.ChannelHealth) string { return h.Channel }},
			{Title: "KIND", Cell: func(h console.ChannelHealth) string { return h.Kind }},
			{Title: "NOTIFIER", Extra: true, Cut: Place, Cell: func(h console.ChannelHealth) string {
				if h.State == console.ChannelNobody {
					return "-"
				}
				return h.By
			}},
			{Title: "BACKLOG", Cell: func(h console.ChannelHealth) string { return strconv.Itoa(h.Backlog) }},
			{Title: "LAST SENT", Cell: func(h console.ChannelHealth) string { return ago(h.LastSent) }},
			{Title: "LAST FAILED", Cell: func(h console.ChannelHealth) string { return ago(h.LastFail) }},
			{Title: "STATE", Cut: Prose, Cell: func(h console.ChannelHealth) string { return h.StateText(now) }},
		},
		Wide: []column{
			{Title: "FALLBACK", Cell: func(h console.ChannelHealth) string { return h.Fallback }},
			{Title: "SENT", Cell: func(h console.ChannelHealth) string { return strconv.FormatUint(h.Sent, 10) }},
			{Title: "FAILED", Cell: func(h console.ChannelHealth) string { return strconv.FormatUint(h.Failed, 10) }},
			{Title: "REVISION", Cell: func(h console.ChannelHealth) string { return Revision(h.Edition) }},
		}}
}
