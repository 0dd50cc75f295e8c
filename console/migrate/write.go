package migrate

import (
	"fmt"
	"io"
	"strings"

	"netmon/console"
	"netmon/console/monitorfile"
	"netmon/internal/plural"
	"netmon/wire"
)

// maxComment bounds a line of a comment, bytes: it quotes what others wrote.
const maxComment = 500

// Write writes what was found as a file that apply takes. Comments say where each monitor
// comes from and what it lacks; those at the head, what was left out.
func Write(w io.Writer, s Source, in *Input, found *Found) error {
	var head strings.Builder
	say := func(format string, args ...any) { comment(&head, fmt.Sprintf(format, args...)) }
	say("Imported from %s by netmon import %s: %s.", s.Title, s.Name, in.Names())
	say("%s.", found.Summary())
	for _, l := range found.Left {
		say("left out: %s", l)
	}
	for _, r := range found.Remarks {
		say("%s", r)
	}
	about := map[string]Monitor{}
	wanted := console.Wanted{}
	for _, m := range found.Monitors {
		about[m.Name] = m
		wanted.Monitors = append(wanted.Monitors, m.Saved)
	}
	return monitorfile.WriteNoted(w, wanted, head.String(), func(x wire.Saved) string {
		var b strings.Builder
		m := about[x.Name]
		comment(&b, m.At.String())
		for _, text := range m.Lost {
			comment(&b, "not carried: "+text)
		}
		for _, text := range m.Notes {
			comment(&b, "note: "+text)
		}
		return b.String()
	})
}

// comment writes one line, whatever is in the text: a character that ends a line, or that a
// terminal takes for something else, is written as an escape.
func comment(b *strings.Builder, text string) {
	fmt.Fprintf(b, "# %s\n", console.Printable(wire.Clip(Redact(text), maxComment)))
}

// Summary is how much was carried, such as: 42 of 45 checks, 2 of them not in full.
func (f *Found) Summary() string {
	short := 0
	for _, m := range f.Monitors {
		if len(m.Lost) > 0 {
			short++
		}
	}
	text := fmt.Sprintf("%d of %s", len(f.Monitors), plural.Count(f.Checks(), "check", "checks"))
	if short > 0 {
		text += fmt.Sprintf(", %d of them not in full", short)
	}
	return text
}

func (l Left) String() string { return Redact(fmt.Sprintf("%s: %s: %s", l.At, l.What, l.Why)) }

func (r Remark) String() string { return Redact(fmt.Sprintf("%s: %s", r.At, r.Text)) }
