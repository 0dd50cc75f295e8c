package monitorfile

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"netmon/console"
	"netmon/console/output"
	"netmon/wire"
)

// entry is a monitor as people write it: a wire.Saved without what only
// the store knows.
type entry struct {
	Name    string          `json:"name"`
	Kind    string          `json:"kind"`
	Target  string          `json:"target"`
	Every   wire.Duration   `json:"every,omitempty"`
	Timeout wire.Duration   `json:"timeout,omitempty"`
	Agents  wire.Selectors  `json:"agents,omitzero"`
	Except  wire.Selectors  `json:"except,omitempty"`
	Paused  bool            `json:"paused,omitempty"`
	Options json.RawMessage `json:"options,omitempty"`
}

func (m entry) saved() wire.Saved {
	return wire.Saved{
		Monitor: wire.Monitor{Name: m.Name, Kind: m.Kind, Target: m.Target, Every: m.Every, Timeout: m.Timeout, Options: m.Options},
		Agents:  m.Agents, Except: m.Except, Paused: m.Paused,
	}
}

func entryOf(s wire.Saved) entry {
	return entry{Name: s.Name, Kind: s.Kind, Target: s.Target, Every: s.Every, Timeout: s.Timeout,
		Agents: s.Agents, Except: s.Except, Paused: s.Paused, Options: s.Options}
}

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
