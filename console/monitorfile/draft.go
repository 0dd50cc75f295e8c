package monitorfile

import (
	"fmt"
	"strings"

	"netmon/internal/safeyaml"
	"netmon/wire"
)

const (
	draftHead = "# Save and leave the editor to change the monitor; left as it is, it stays so.\n"
	mark      = "# ✕ " // begins a line that says what is wrong with the one above
)

// Draft is the text of a monitor that somebody is to change in an editor.
func Draft(m wire.Saved) (string, error) {
	var b strings.Builder
	err := Write(&b, []wire.Saved{m}, draftHead)
	return b.String(), err
}

// ParseDraft reads the one monitor that a text has to hold; path is told with its
// mistakes.
func ParseDraft(path, text, name string, check Check) (*wire.Saved, error) {
	list, err := Parse(path, []byte(text), check)
	switch {
	case err != nil:
		return nil, err
	case len(list) != 1:
		return nil, &safeyaml.Mistake{Path: path, Line: 1, What: fmt.Errorf("want the one monitor %q, got %d; to delete it: netmon delete %s", name, len(list), name)}
	case list[0].Name != name:
		return nil, &safeyaml.Mistake{Path: path, Line: 1, What: fmt.Errorf("name: want %q, got %q: its results go by its name; netmon add makes another monitor", name, list[0].Name)}
	}
	list[0].Monitor = list[0].Monitor.WithDefaults()
	return &list[0], nil
}

// Mark writes each mistake below its line; what has none, to the end.
func Mark(text string, err error) string {
	mistakes := safeyaml.Mistakes(err)
	if len(mistakes) == 0 {
		mistakes = []*safeyaml.Mistake{{What: err}}
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	var b strings.Builder
	for i, line := range lines {
		b.WriteString(line + "\n")
		for _, m := range mistakes {
			last := i == len(lines)-1 && (m.Line == 0 || m.Line > len(lines))
			if m.Line == i+1 || last {
				b.WriteString(mark + strings.ReplaceAll(m.Short(), "\n", " ") + "\n")
			}
		}
	}
	return b.String()
}

// Unmark takes out what Mark put in.
func Unmark(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, mark) {
			b.WriteString(line)
		}
	}
	return b.String()
}
