package console

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"netmon/incident"
	"netmon/internal/plural"
	"netmon/wire"
)

// Chosen is what a match chooses now.
type Chosen struct {
	Monitors  []string        // names
	Agents    []string        // by id, where the match names agents
	Incidents []wire.Incident // open ones with a member that is wrong and fits
	Whole     int             // of these, those of which every member that is wrong fits: they are muted
}

// Empty says that nothing is chosen.
func (x Chosen) Empty() bool { return len(x.Monitors)+len(x.Agents)+len(x.Incidents) == 0 }

// String says how much that is.
func (x Chosen) String() string {
	parts := []string{plural.Count(len(x.Monitors), "monitor", "monitors")}
	if len(x.Agents) > 0 {
		parts = append(parts, plural.Count(len(x.Agents), "agent", "agents"))
	}
	text := strings.Join(parts, ", ") + " and " + plural.Count(len(x.Incidents), "open incident", "open incidents")
	switch part := len(x.Incidents) - x.Whole; {
	case part > 0 && x.Whole == 0:
		text += ", in part: its other members are still notified"
	case part > 0:
		text += fmt.Sprintf(", %d of them in part: their other members are still notified", part)
	}
	return text
}

// Choose says what a match chooses now. Incidents that cannot be read are left out.
func (c *Client) Choose(ctx context.Context, m wire.Match) (x Chosen, err error) {
	store, err := c.Monitors(ctx)
	if err != nil {
		return x, err
	}
	saved, err := store.List(ctx)
	if err != nil && len(saved) == 0 {
		return x, err
	}
	settings, err := c.ListSettings(ctx, wire.SortGroup)
	if err != nil && len(settings) == 0 {
		return x, err
	}
	var groups []wire.Group
	for _, s := range settings {
		if g, ok := s.(*wire.Group); ok {
			groups = append(groups, *g)
		}
	}
	byName := map[string]*wire.Saved{}
	for i := range saved {
		byName[saved[i].Name] = &saved[i]
		subject := incident.MonitorSubject(&saved[i], groups)
		if len(m.Agents) == 0 && incident.Fits(&m, &subject) {
			x.Monitors = append(x.Monitors, saved[i].Name)
		}
	}
	if len(m.Agents) > 0 {
		agents, err := c.Agents(ctx)
		if err != nil {
			return x, err
		}
		for _, a := range agents {
			subject := incident.Subject{About: wire.AboutAgent, Name: a.Agent, Agents: []string{a.Agent}}
			if incident.Fits(&m, &subject) {
				x.Agents = append(x.Agents, a.Agent)
			}
		}
	}
	open, _, err := c.Incidents(ctx, IncidentFilter{})
	if err != nil {
		return x, nil // it is a mesh that keeps none, or not for us
	}
	for _, i := range open {
		some, all := false, true
		for k := range i.Members {
			if !i.Members[k].Wrong() {
				continue
			}
			subject := incident.MemberSubject(&i.Members[k], byName[i.Members[k].Name], groups)
			fits := incident.Fits(&m, &subject)
			some, all = some || fits, all && fits
		}
		if !some {
			continue
		}
		x.Incidents = append(x.Incidents, i)
		if all {
			x.Whole++
		}
	}
	return x, nil
}

// Tagged are the monitors that have all of these tags, in whose values * and ? stand for
// any part; without tags all.
func Tagged(list []wire.Saved, tags map[string]string) []wire.Saved {
	if len(tags) == 0 {
		return list
	}
	m := wire.Match{Tags: tags}
	return slices.DeleteFunc(slices.Clone(list), func(s wire.Saved) bool {
		subject := incident.MonitorSubject(&s, nil)
		return !incident.Fits(&m, &subject)
	})
}

// IsGlob says whether a word chooses by * ? or [ what it fits, and is no name.
func IsGlob(word string) bool { return strings.ContainsAny(word, "*?[") }

// Pick are the names of the monitors that a person means: by names, by globs such as
// svc-*, each of which has to fit one, or all; of these those with all of the tags. A
// name need not be saved. Each is there once, in the order in which it was given.
func Pick(list []wire.Saved, words []string, tags map[string]string) ([]string, error) {
	var p wire.Problems
	var names []string
	for _, word := range words {
		if !IsGlob(word) {
			names = append(names, word)
			continue
		}
		before := len(names)
		for _, m := range list {
			fits, err := path.Match(word, m.Name)
			if err != nil {
				p.Addf("", "want a name, in which * and ? stand for any part, got %q", wire.Clip(word, wire.MaxToken))
				break
			}
			if fits {
				names = append(names, m.Name)
			}
		}
		if len(names) == before && p.Err() == nil {
			p.Addf("", "no monitor fits %q%s: netmon get monitors lists all", wire.Clip(word, wire.MaxToken), like(list, word))
		}
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	if len(words) == 0 {
		for _, m := range list {
			names = append(names, m.Name)
		}
	}
	if len(tags) > 0 {
		tagged := map[string]bool{}
		for _, m := range Tagged(list, tags) {
			tagged[m.Name] = true
		}
		left := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !tagged[name] })
		switch {
		case len(left) > 0:
		case len(words) > 0:
			return nil, fmt.Errorf("none of the monitors that are named has the tag %s: netmon get monitors -o wide shows tags", TagText(tags))
		default:
			return nil, fmt.Errorf("no monitor has the tag %s: netmon get monitors -o wide shows tags", TagText(tags))
		}
		names = left
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(names, func(name string) bool {
		was := seen[name]
		seen[name] = true
		return was
	}), nil
}

// like proposes monitors for a glob that fits none: those that have its longest part,
// or the beginning of that, in their names.
func like(list []wire.Saved, glob string) string {
	part := ""
	for _, p := range strings.FieldsFunc(glob, func(r rune) bool { return strings.ContainsRune("*?[]", r) }) {
		if len(p) > len(part) {
			part = p
		}
	}
	for ; len(part) >= 2; part = part[:len(part)-1] {
		var names []string
		for _, m := range list {
			if strings.Contains(strings.ToLower(m.Name), strings.ToLower(part)) {
				names = append(names, m.Name)
			}
		}
		if len(names) > 0 {
			return ", did you mean " + ShortList(names, 3)
		}
	}
	return ""
}

// PickSaved is [Pick] among the monitors that are saved now. Where names alone are
// given, nothing is asked.
func (c *Client) PickSaved(ctx context.Context, words []string, tags map[string]string) ([]string, error) {
	if len(tags) == 0 && !slices.ContainsFunc(words, IsGlob) {
		return words, nil
	}
	store, err := c.Monitors(ctx)
	if err != nil {
		return nil, err
	}
	list, err := store.List(ctx)
	if err != nil && len(list) == 0 {
		return nil, err
	}
	return Pick(list, words, tags)
}
