package incident

import (
	"path"
	"slices"
	"strings"

	"netmon/wire"
)

// Subject is what a match is held against: a member of an incident, or what could be one.
type Subject struct {
	About, Name string
	Monitor     *wire.Saved     // that it is about; nil is none
	Groups      []string        // the group itself, or those of the monitor
	Agents      []string        // that it is about, or that it blames
	Severity    wire.Severity   // "" is nothing wrong: any severity and blame fit
	Blame       wire.BlameClass // "" is none
}

// MonitorSubject is a monitor of which nothing is said to be wrong.
func MonitorSubject(m *wire.Saved, groups []wire.Group) Subject {
	return Subject{About: wire.AboutMonitor, Name: m.Name, Monitor: m, Groups: groupsOf(m.Name, groups)}
}

// MemberSubject is a member of an incident. saved is the monitor that it is about, nil
// where there is none.
func MemberSubject(m *wire.IncidentMember, saved *wire.Saved, groups []wire.Group) Subject {
	s := Subject{About: m.About, Name: m.Name, Monitor: saved, Severity: m.Severity}
	switch m.About {
	case wire.AboutMonitor, wire.AboutCertificate, wire.AboutSLO:
		s.Groups = groupsOf(m.Name, groups)
	case wire.AboutGroup:
		s.Groups = []string{m.Name}
	}
	s.blame(m)
	return s
}

func groupsOf(monitor string, groups []wire.Group) (out []string) {
	for i := range groups {
		if slices.Contains(groups[i].Of, monitor) {
			out = append(out, groups[i].Name)
		}
	}
	return out
}

// blame notes whose fault it is, and which agents that is about.
func (s *Subject) blame(m *wire.IncidentMember) {
	switch m.About {
	case wire.AboutAgent, wire.AboutDropped:
		s.Agents = []string{m.Name}
	}
	if m.Blame == nil {
		return
	}
	if s.Blame = m.Blame.Class; s.Blame == wire.BlameUplink || s.Blame == wire.BlameClock {
		s.Agents = append(s.Agents, m.Blame.Names...)
	}
}

// monitorName is the monitor that it is about.
func (s *Subject) monitorName() string {
	if slices.Contains(aboutMonitors, s.About) {
		return s.Name
	}
	return ""
}

// Fits says whether a match chooses it: all of what the match has must fit, of a list one.
func Fits(m *wire.Match, s *Subject) bool {
	if len(m.Severity) > 0 && s.Severity != "" && !slices.Contains(m.Severity, s.Severity) {
		return false
	}
	if len(m.Blame) > 0 && s.Severity != "" && !slices.Contains(m.Blame, s.Blame) {
		return false
	}
	if len(m.Kinds) > 0 && (s.Monitor == nil || !anyFits(m.Kinds, s.Monitor.Kind)) {
		return false
	}
	for name, pattern := range m.Tags {
		if s.Monitor == nil || !fits(pattern, s.Monitor.Tags[name]) {
			return false
		}
	}
	return (len(m.Monitors) == 0 || anyFits(m.Monitors, s.monitorName())) &&
		(len(m.Groups) == 0 || anyFits(m.Groups, s.Groups...)) &&
		(len(m.Agents) == 0 || anyFits(m.Agents, s.Agents...))
}

func anyFits(patterns []string, names ...string) bool {
	for _, p := range patterns {
		for _, name := range names {
			if fits(p, name) {
				return true
			}
		}
	}
	return false
}

// fits checks a name against a pattern. An empty name is none.
func fits(pattern, name string) bool {
	if name == "" {
		return false
	}
	if pattern == name || pattern == "*" {
		return true
	}
	if !strings.ContainsAny(pattern, `*?[\`) {
		return false
	}
	// What * stands for may have a slash in it: the values of tags are any text.
	ok, err := path.Match(strings.ReplaceAll(pattern, "/", "\x01"), strings.ReplaceAll(name, "/", "\x01"))
	return ok && err == nil
}

// RulesFor are the rules that choose it: those that fit, and where no rule with a match
// does those without one.
func RulesFor(s *Subject, rules []wire.NoticeRule) []wire.NoticeRule {
	list := make([]*wire.NoticeRule, len(rules))
	for i := range rules {
		list[i] = &rules[i]
	}
	var out []wire.NoticeRule
	for _, r := range rulesFor(s, list) {
		out = append(out, *r)
	}
	return out
}

func rulesFor(s *Subject, rules []*wire.NoticeRule) (out []*wire.NoticeRule) {
	for _, r := range rules {
		if !r.Match.Empty() && Fits(&r.Match, s) {
			out = append(out, r)
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, r := range rules {
		if r.Match.Empty() {
			out = append(out, r)
		}
	}
	return out
}
