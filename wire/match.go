package wire

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Match chooses members of incidents: all of what it has must fit, of a list one. What
// is absent fits all.
type Match struct {
	Monitors []string          `json:"monitors,omitempty"` // names, * and ? stand for any part
	Groups   []string          `json:"groups,omitempty"`   // names of groups, * and ?: the group itself and its monitors
	Agents   []string          `json:"agents,omitempty"`   // of what is about an agent, or blames one
	Tags     map[string]string `json:"tags,omitempty"`     // of the monitor, * and ? in values
	Kinds    []string          `json:"kinds,omitempty"`    // of the monitor
	Blame    []BlameClass      `json:"blame,omitempty"`    // classes
	Severity []Severity        `json:"severity,omitempty"` // of the member
}

// Empty says that it fits everything.
func (m *Match) Empty() bool {
	return len(m.Monitors)+len(m.Groups)+len(m.Agents)+len(m.Tags)+len(m.Kinds)+len(m.Blame)+len(m.Severity) == 0
}

// Validate reports every mistake.
func (m *Match) Validate() error {
	var p Problems
	for _, f := range []struct {
		name string
		list []string
	}{{"monitors", m.Monitors}, {"groups", m.Groups}, {"agents", m.Agents}, {"kinds", m.Kinds}} {
		if len(f.list) > MaxSelector {
			p.Addf(f.name, "has %d entries: want at most %d", len(f.list), MaxSelector)
			continue
		}
		for i, pattern := range f.list {
			if _, err := path.Match(pattern, ""); err != nil || pattern == "" || len(pattern) > MaxToken {
				p.Addf(fmt.Sprintf("%s[%d]", f.name, i), "want a name, in which * and ? stand for any part, got %q", Clip(pattern, MaxToken))
			}
		}
	}
	p.Add("tags", CheckTagPatterns(m.Tags))
	if n := max(len(m.Blame), len(m.Severity)); n > MaxSelector {
		p.Addf("", "has a list of %d entries: want at most %d", n, MaxSelector)
		return p.Err()
	}
	for i, b := range m.Blame {
		if !slices.ContainsFunc(BlameClasses, func(d BlameDoc) bool { return d.Class == b }) {
			p.Addf(fmt.Sprintf("blame[%d]", i), "want one of %s, got %q", names(BlameClasses, func(d BlameDoc) string { return string(d.Class) }), Clip(string(b), MaxToken))
		}
	}
	for i, s := range m.Severity {
		if !slices.ContainsFunc(Severities, func(d SeverityDoc) bool { return d.Severity == s }) {
			p.Addf(fmt.Sprintf("severity[%d]", i), "want one of %s, got %q", names(Severities, func(d SeverityDoc) string { return string(d.Severity) }), Clip(string(s), MaxToken))
		}
	}
	return p.Err()
}

func names[T any](list []T, of func(T) string) string {
	var out []string
	for _, x := range list {
		out = append(out, of(x))
	}
	return strings.Join(out, ", ")
}

// CheckTags says what is wrong with the tags of a monitor: names are tokens, values
// text of at most MaxToken bytes that shows.
func CheckTags(tags map[string]string) error {
	var p Problems
	if len(tags) > MaxTags {
		p.Addf("", "has %d tags: want at most %d", len(tags), MaxTags)
		return p.Err()
	}
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		p.Add(name, CheckToken(name))
		if v := tags[name]; v == "" || len(v) > MaxToken || invisible(v) {
			p.Addf(name, "want 1 to %d bytes of text that shows, got %+q", MaxToken, Clip(v, MaxToken))
		}
	}
	return p.Err()
}

// CheckTagPatterns says what is wrong with what tags are held against.
func CheckTagPatterns(tags map[string]string) error {
	var p Problems
	p.Add("", CheckTags(tags))
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		if _, err := path.Match(tags[name], ""); err != nil {
			p.Addf(name, "want a value in which * and ? stand for any part, got %q", Clip(tags[name], MaxToken))
		}
	}
	return p.Err()
}
