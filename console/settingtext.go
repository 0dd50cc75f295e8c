package console

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"netmon/internal/timetext"
	"netmon/wire"
)

// FileSorts are the sorts of settings that are in files.
var FileSorts = []wire.Sort{wire.SortChannel, wire.SortRule, wire.SortWindow, wire.SortGroup}

// SortWord is what a sort is called, for people.
func SortWord(sort wire.Sort) string {
	if sort == wire.SortAck {
		return "acknowledgement"
	}
	return string(sort)
}

// Section is the name of a sort's list in files.
func Section(sort wire.Sort) string { return string(sort) + "s" }

// SettingTitle is what a setting is called, such as channel hook.
func SettingTitle(x wire.Setting) string { return titleOf(x.Sort(), x.SettingName()) }

func titleOf(sort wire.Sort, name string) string { return SortWord(sort) + " " + name }

// SettingText says in a line what a setting does.
func SettingText(x wire.Setting) string {
	switch x := x.(type) {
	case *wire.Channel:
		text := x.Kind
		if x.Fallback != "" {
			text += ", else " + x.Fallback
		}
		if x.Paused {
			text += ", paused"
		}
		return text
	case *wire.NoticeRule:
		return MatchText(x.Match) + " -> " + strings.Join(x.To, ", ")
	case *wire.Window:
		return WindowText(x) + ": " + MatchText(x.Match)
	case *wire.Group:
		return "of " + strings.Join(x.Of, ", ")
	case *wire.Silence:
		return MatchText(x.Match) + " until " + timetext.Zoned(x.Until)
	case *wire.Acknowledgement:
		return x.Text
	}
	return ""
}

// MatchText says what a match chooses, in the words of the flags of `netmon silence`.
func MatchText(m wire.Match) string {
	var parts []string
	add := func(word string, list []string) {
		if len(list) > 0 {
			parts = append(parts, word+" "+strings.Join(list, ","))
		}
	}
	add("monitor", m.Monitors)
	add("group", m.Groups)
	add("agent", m.Agents)
	var tags []string
	for _, name := range slices.Sorted(maps.Keys(m.Tags)) {
		tags = append(tags, name+"="+m.Tags[name])
	}
	add("tag", tags)
	add("kind", m.Kinds)
	add("blame", texts(m.Blame))
	add("severity", texts(m.Severity))
	if len(parts) == 0 {
		return "everything"
	}
	return strings.Join(parts, ", ")
}

func texts[T ~string](list []T) []string {
	var out []string
	for _, x := range list {
		out = append(out, string(x))
	}
	return out
}

// WindowText says when a window is open.
func WindowText(w *wire.Window) string {
	zone := w.Zone
	if zone == "" {
		zone = "UTC"
	}
	switch {
	case w.Weekly != "":
		return w.Weekly + " " + zone
	case w.Cron != "":
		return fmt.Sprintf("cron %s for %s %s", w.Cron, w.For, zone)
	}
	return timetext.Zoned(w.From) + " to " + timetext.Zoned(w.To)
}

// SilenceState says whether a silence mutes at a time: active, coming or ended.
func SilenceState(s *wire.Silence, now time.Time) string {
	switch {
	case now.Before(s.From):
		return "coming"
	case now.Before(s.Until):
		return "active"
	}
	return "ended"
}

// SilencesByEnd are silences, the one that ends first first.
func SilencesByEnd(list []*wire.Silence) []*wire.Silence {
	return slices.SortedStableFunc(slices.Values(list), func(a, b *wire.Silence) int { return a.Until.Compare(b.Until) })
}
