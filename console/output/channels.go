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
			{"CHANNEL", func(h console.ChannelHealth) string { return h.Channel }},
			{"KIND", func(h console.ChannelHealth) string { return h.Kind }},
			{"NOTIFIER", func(h console.ChannelHealth) string {
				if h.State == console.ChannelNobody {
					return "-"
				}
				return h.By
			}},
			{"BACKLOG", func(h console.ChannelHealth) string { return strconv.Itoa(h.Backlog) }},
			{"LAST SENT", func(h console.ChannelHealth) string { return ago(h.LastSent) }},
			{"LAST FAILED", func(h console.ChannelHealth) string { return ago(h.LastFail) }},
			{"STATE", func(h console.ChannelHealth) string { return h.StateText(now) }},
		},
		Wide: []column{
			{"FALLBACK", func(h console.ChannelHealth) string { return h.Fallback }},
			{"SENT", func(h console.ChannelHealth) string { return strconv.FormatUint(h.Sent, 10) }},
			{"FAILED", func(h console.ChannelHealth) string { return strconv.FormatUint(h.Failed, 10) }},
			{"REVISION", func(h console.ChannelHealth) string { return strconv.FormatUint(h.Revision, 10) }},
		}}
}
