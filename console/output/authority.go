package output

import (
	"fmt"
	"io"
	"time"

	"netmon/console"
	"netmon/wire"
)

// Authority writes, for people, which keys the mesh has, and how far a change of them
// is.
func Authority(w io.Writer, s wire.AuthorityState) {
	day := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	fmt.Fprintf(w, "authority  %s\nmade       %s\n", s.Pin, day(s.Made))
	if s.Before != "" {
		fmt.Fprintf(w, "before     %s\n", s.Before)
	}
	switch s.State {
	case wire.AuthorityAnnounced:
		fmt.Fprintf(w, "next       %s\nbegun      %s by %s\nhave it    %d of %d\n", s.Next, day(s.Began), s.By, s.Have, s.All)
	case wire.AuthoritySwitched:
		fmt.Fprintf(w, "switched   begun %s by %s\nare over   %d of %d\n", day(s.Began), s.By, s.Have, s.All)
	}
	for _, m := range s.Missing {
		fmt.Fprintf(w, "not yet    %s (%s)\n", m.Name, m.Role)
	}
	for _, name := range s.Without {
		fmt.Fprintf(w, "without    %s\n", name)
	}
	if s.Lines > 0 {
		fmt.Fprintf(w, "lines      %d that were not used yet count no more after the switch\n", s.Lines)
	}
	if s.Problem != "" {
		fmt.Fprintf(w, "problem    %s\n", console.Printable(s.Problem))
	}
}
