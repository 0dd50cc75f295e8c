package console

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"netmon/incident"
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
	count := func(n int, word string) string {
		if n != 1 {
			word += "s"
		}
		return fmt.Sprintf("%d %s", n, word)
	}
	parts := []string{count(len(x.Monitors), "monitor")}
	if len(x.Agents) > 0 {
		parts = append(parts, count(len(x.Agents), "agent"))
	}
	text := strings.Join(parts, ", ") + " and " + count(len(x.Incidents), "open incident")
	switch part := len(x.Incidents) - x.Whole; {
	case part > 0 && x.Whole == 0:
		text += ", in part: what else is wrong there is told"
	case part > 0:
		text += fmt.Sprintf(", %d of them in part: what else is wrong there is told", part)
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

// NamesWith are the names of the saved monitors that have all of these tags, sorted.
func (c *Client) NamesWith(ctx context.Context, tags map[string]string) ([]string, error) {
	store, err := c.Monitors(ctx)
	if err != nil {
		return nil, err
	}
	list, err := store.List(ctx)
	if err != nil && len(list) == 0 {
		return nil, err
	}
	var names []string
	for _, m := range Tagged(list, tags) {
		names = append(names, m.Name)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no monitor has the tag %s: netmon get monitors -o wide shows tags", TagText(tags))
	}
	return names, nil
}
