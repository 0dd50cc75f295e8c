package monitorfile

import (
	"bufio"
	"fmt"
	"io"

	"netmon/console"
	"netmon/console/output"
	"netmon/wire"
)

// Write writes a file that Read takes; what else is known is in comments, behind head.
// A list that is spoken of and empty is written where there are others: so apply
// --prune has the same to delete.
func Write(w io.Writer, wanted console.Wanted, head string) error {
	return WriteNoted(w, wanted, head, nil)
}

// WriteNoted is Write with comments above each monitor: whole lines that begin with #.
func WriteNoted(w io.Writer, wanted console.Wanted, head string, above func(wire.Saved) string) error {
	out := bufio.NewWriter(w)
	out.WriteString(head)
	note := func(what string, edition, revision uint64, author, change string) {
		switch {
		case edition > 0:
			fmt.Fprintf(out, "# %s: revision %d by %s: %s\n", what, edition, console.AuthorText(author), console.Printable(change))
		case revision > 0: // which of its revisions is not known
			fmt.Fprintf(out, "# %s: by %s: %s\n", what, console.AuthorText(author), console.Printable(change))
		}
	}
	for _, x := range wanted.Settings {
		note(console.SettingTitle(x), x.About().Edition, x.About().Revision, x.About().Author, x.About().Change)
	}
	for _, m := range wanted.Monitors {
		note(m.Name, m.Edition, m.Revision, m.Author, m.Change)
	}
	for _, sort := range console.FileSorts {
		list := wanted.Of(sort)
		if len(list) == 0 && (len(wanted.Settings) == 0 && !wanted.NoMonitors || !wanted.Speaks(sort)) {
			continue
		}
		if err := writeList(out, console.Section(sort), list, nil, settingForm); err != nil {
			return err
		}
	}
	if len(wanted.Monitors) > 0 || !wanted.NoMonitors {
		if err := writeList(out, "monitors", wanted.Monitors, above, func(m wire.Saved) any { return entryOf(m) }); err != nil {
			return err
		}
	}
	return out.Flush()
}

// writeList writes a list one by one: one of thousands takes the encoder seconds.
func writeList[T any](out *bufio.Writer, name string, list []T, above func(T) string, form func(T) any) error {
	if len(list) == 0 {
		_, err := out.WriteString(name + ": []\n")
		return err
	}
	out.WriteString(name + ":\n")
	for _, x := range list {
		if above != nil {
			out.WriteString(above(x))
		}
		if err := output.YAML(out, []any{form(x)}); err != nil {
			return err
		}
	}
	return nil
}
