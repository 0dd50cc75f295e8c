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
func Write(w io.Writer, list []wire.Saved, head string) error {
	out := bufio.NewWriter(w)
	out.WriteString(head)
	for _, m := range list {
		if m.Revision > 0 {
			fmt.Fprintf(out, "# %s: revision %d by %s: %s\n", m.Name, m.Revision, console.Printable(m.Author), console.Printable(m.Change))
		}
	}
	if len(list) == 0 {
		out.WriteString("monitors: []\n")
		return out.Flush()
	}
	out.WriteString("monitors:\n")
	for _, m := range list { // one by one: a list of thousands takes the encoder seconds
		if err := output.YAML(out, []entry{entryOf(m)}); err != nil {
			return err
		}
	}
	return out.Flush()
}
