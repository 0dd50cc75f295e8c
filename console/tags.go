package console

import (
	"maps"
	"slices"
	"strings"

	"netmon/wire"
)

// TagsOf are the tags that these monitors have, as NAME=VALUE, each once.
func TagsOf(list []wire.Saved) []string {
	all := map[string]bool{}
	for _, m := range list {
		for name, value := range m.Tags {
			all[name+"="+value] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// ParseTags reads tags as NAME=VALUE and reports every mistake. With patterns, * and ?
// may be in a value for any part, and a name alone is for any value.
func ParseTags(field string, args []string, patterns bool) (map[string]string, error) {
	if len(args) == 0 {
		return nil, nil
	}
	var p wire.Problems
	tags := map[string]string{}
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok && patterns && wire.CheckToken(name) == nil { // whatever its value
			value, ok = "*", true
		}
		if !ok {
			p.Addf(field, "want NAME=VALUE such as team=shop, got %q", wire.Clip(arg, 2*wire.MaxToken))
			continue
		}
		check := wire.CheckTags
		if patterns {
			check = wire.CheckTagPatterns
		}
		for _, e := range wire.FieldErrors(check(map[string]string{name: value})) {
			p.Add(field, e)
		}
		if was, twice := tags[name]; twice && was != value {
			p.Addf(field, "%s is given twice: %q and %q", wire.Clip(name, wire.MaxToken), wire.Clip(was, wire.MaxToken), wire.Clip(value, wire.MaxToken))
		}
		tags[name] = value
	}
	return tags, p.Err()
}
