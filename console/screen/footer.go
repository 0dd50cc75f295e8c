package screen

import (
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"netmon/console/view"
)

// hint is a key and what it does, in a word or two. Where a footer is too narrow for all,
// those with the highest number are left out first.
type hint struct {
	key, does string
	drop      int
}

// footer tells the keys that do something here, as many as have room.
func footer(s view.Snapshot, u UI, w int) string {
	list := hints(s, u)
	for {
		var parts []string
		worst := 0
		for i, h := range list {
			parts = append(parts, h.key+" "+h.does)
			if h.drop > list[worst].drop {
				worst = i
			}
		}
		line := strings.Join(parts, "  ")
		if ansi.StringWidth(line) <= w || len(list) < 2 {
			return line
		}
		list = slices.Delete(list, worst, worst+1)
	}
}

// hints are those of the mode, or of the view.
func hints(s view.Snapshot, u UI) []hint {
	switch {
	case u.Help || u.Output != nil:
		return []hint{{"↑↓", "scroll", 1}, {"any other key", "close", 0}}
	case u.Mode == typing:
		return []hint{{"enter", "keep", 1}, {"esc", "undo", 0}, {"ctrl+u", "clear", 2}, {"·", "name, kind, target, state, agent or tag", 3}}
	case u.Mode == commanding:
		return []hint{{"enter", "run", 1}, {"tab", "complete", 2}, {"esc", "cancel", 0}, {"ctrl+u", "clear", 3}}
	case u.Mode == choosing:
		return []hint{{"letter", "show or hide a column", 1}, {"!", "no room for it", 2}, {"enter", "done", 0}}
	case u.Mode == answering:
		return []hint{{"enter", "do it", 1}, {"esc", "cancel", 0}, {"ctrl+u", "clear", 2}}
	case u.Mode == asking:
		return []hint{{"y", "yes", 0}, {"n", "no", 0}}
	case u.Frozen:
		return []hint{{"space", "continue", 0}, {"y", "copy command", 2}, {"Y", "copy name", 3}, {"?", "help", 1}, {"q", "quit", 1}}
	}
	last := []hint{{":", "command", 3}, {"?", "help", 0}, {"q", "quit", 1}}
	var here []hint
	if (u.Tab == Monitors || u.Tab == Matrix) && len(s.Monitors) == 0 {
		here = []hint{{"n", "new", 2}}
		if u.Filter != "" {
			here = append(here, hint{"esc", "all monitors", 4})
		}
		if u.Past != nil {
			here = pastHints(here, u)
		}
		return append(here, last...)
	}
	switch u.Tab {
	case Monitors:
		here = []hint{{"enter", "open", 2}, {"/", "filter", 4}, {"s", "sort", 10}, {"c", "columns", 13}, {"n", "new", 8}, {"e", "edit", 11}, {"r", "start", 7}, {"x", "stop", 5}, {"p", "probe", 6}, {"d", "delete", 9}, {"a", "acknowledge", 12}}
	case Matrix:
		here = []hint{{"enter", "open", 2}, {"←→", "agents", 5}, {"/", "filter", 6}, {"s", "sort", 10}, {"r", "start", 8}, {"x", "stop", 7}, {"p", "probe", 9}, {"d", "delete", 11}}
	case Incidents:
		here = []hint{{"enter", "open", 2}, {"a", "acknowledge", 4}, {"s", "silence", 5}, {"esc", "back", 6}}
		if u.Story {
			here = []hint{{"↑↓", "scroll", 2}, {"a", "acknowledge", 4}, {"s", "silence", 5}, {"esc", "back", 3}}
		}
	case Agents:
		here = []hint{{"↑↓", "choose", 5}, {"enter", "its monitors", 2}, {"space", "freeze", 6}, {"esc", "back", 4}}
	case Detail:
		here = []hint{{"↑↓", "agent", 4}, {"t", "span", 3}, {"r", "start there", 7}, {"x", "stop there", 5}, {"p", "probe there", 6}, {"e", "edit", 8}, {"d", "delete", 9}, {"y", "copy", 10}, {"esc", "back", 2}}
	case Log:
		here = []hint{{"/", "filter", 4}, {"space", "freeze", 5}, {"esc", "back", 6}}
	}
	if u.Past != nil {
		here = pastHints(here, u)
	}
	return append(here, last...)
}
