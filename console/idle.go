package console

import (
	"context"

	"netmon/incident"
	"netmon/wire"
)

// idle reports rules and windows among these that choose by monitors, and fit none that
// is saved: that is hardly what was meant. What cannot be read is not reported.
func (c *Client) idle(ctx context.Context, changed []wire.Setting) (warnings []string) {
	var asked []wire.Setting
	for _, x := range changed {
		if m := matchOf(x); m != nil && len(m.Agents) == 0 && len(m.Monitors)+len(m.Groups)+len(m.Tags)+len(m.Kinds) > 0 {
			asked = append(asked, x)
		}
	}
	if len(asked) == 0 {
		return nil
	}
	store, err := c.Monitors(ctx)
	if err != nil {
		return nil
	}
	saved, err := store.List(ctx)
	if err != nil {
		return nil
	}
	settings, err := c.ListSettings(ctx, wire.SortGroup)
	if err != nil {
		return nil
	}
	var groups []wire.Group
	for _, s := range settings {
		if g, ok := s.(*wire.Group); ok {
			groups = append(groups, *g)
		}
	}
	var subjects []incident.Subject
	for i := range saved {
		subjects = append(subjects, incident.MonitorSubject(&saved[i], groups))
	}
	for _, x := range asked {
		if m := matchOf(x); !fitsAny(m, subjects) {
			warnings = append(warnings, SettingTitle(x)+": no saved monitor matches "+MatchText(*m))
		}
	}
	return warnings
}

func fitsAny(m *wire.Match, subjects []incident.Subject) bool {
	for i := range subjects {
		if incident.Fits(m, &subjects[i]) {
			return true
		}
	}
	return false
}

// matchOf is the match of a rule or a window, nil for other settings.
func matchOf(x wire.Setting) *wire.Match {
	switch x := x.(type) {
	case *wire.NoticeRule:
		return &x.Match
	case *wire.Window:
		return &x.Match
	}
	return nil
}
