package monitorfile

import (
	"fmt"
	"strings"

	"netmon/console"
	"netmon/internal/safeyaml"
	"netmon/wire"
)

const (
	draftHead = "# Save and leave the editor to change the %s; left as it is, it stays so.\n"
	mark      = "# ✕ " // begins a line that says what is wrong with the one above
)

// Draft is the text of a monitor that somebody is to change in an editor.
func Draft(m wire.Saved) (string, error) {
	var b strings.Builder
	err := Write(&b, console.Wanted{Monitors: []wire.Saved{m}}, fmt.Sprintf(draftHead, "monitor"))
	return b.String(), err
}

// DraftSetting is the same of a setting.
func DraftSetting(x wire.Setting) (string, error) {
	var b strings.Builder
	err := Write(&b, console.Wanted{Settings: []wire.Setting{x}, Sorts: []wire.Sort{x.Sort()}, NoMonitors: true}, fmt.Sprintf(draftHead, console.SortWord(x.Sort())))
	return b.String(), err
}

// ParseDraft reads the one monitor that a text has to hold; path is reported with its
// mistakes.
func ParseDraft(path, text, name string, check console.Checks) (*wire.Saved, error) {
	all, err := Parse(path, []byte(text), check)
	list := all.Monitors
	switch {
	case err != nil:
		return nil, err
	case len(list) != 1 || len(all.Settings) > 0:
		return nil, only(path, "monitor", name, len(list)+len(all.Settings), "netmon delete "+name)
	case list[0].Name != name:
		return nil, renamed(path, name, list[0].Name, "its results go by its name; netmon add makes another monitor")
	}
	list[0].Monitor = list[0].Monitor.WithDefaults()
	return &list[0], nil
}

// ParseSettingDraft reads the one setting that a text has to hold.
func ParseSettingDraft(path, text string, sort wire.Sort, name string, check console.Checks) (wire.Setting, error) {
	all, err := Parse(path, []byte(text), check)
	word := console.SortWord(sort)
	switch {
	case err != nil:
		return nil, err
	case len(all.Settings) != 1 || len(all.Monitors) > 0 || all.Settings[0].Sort() != sort:
		return nil, only(path, word, name, len(all.Settings)+len(all.Monitors), "netmon delete "+word+" "+name)
	case all.Settings[0].SettingName() != name:
		return nil, renamed(path, name, all.Settings[0].SettingName(), "netmon apply makes another "+word)
	}
	return all.Settings[0], nil
}

func only(path, word, name string, got int, deletes string) error {
	return &safeyaml.Mistake{Path: path, Line: 1, What: fmt.Errorf("want the one %s %q, got %d; to delete it: %s", word, name, got, deletes)}
}

func renamed(path, want, got, why string) error {
	return &safeyaml.Mistake{Path: path, Line: 1, What: fmt.Errorf("name: want %q, got %q: %s", want, got, why)}
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
