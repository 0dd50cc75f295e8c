package console

import (
	"context"
	"time"

	"netmon/incident"
	"netmon/wire"
)

// mutesOf are the silences and windows by which nobody is notified of a monitor now,
// whether something is wrong with it or not.
func mutesOf(m *wire.Saved, settings []wire.Setting, now time.Time) (names []string) {
	var groups []wire.Group
	for _, s := range settings {
		if g, ok := s.(*wire.Group); ok {
			groups = append(groups, *g)
		}
	}
	of := incident.MonitorSubject(m, groups)
	for _, s := range settings {
		switch s := s.(type) {
		case *wire.Silence:
			if !now.Before(s.From) && now.Before(s.Until) && incident.Fits(&s.Match, &of) && len(s.Match.Severity)+len(s.Match.Blame) == 0 {
				names = append(names, s.ID)
			}
		case *wire.Window:
			if open, _ := s.Next(now); open && incident.Fits(&s.Match, &of) && len(s.Match.Severity)+len(s.Match.Blame) == 0 {
				names = append(names, s.Name)
			}
		}
	}
	return names
}

// mute adds to states what mutes them now beside what their incident says.
func (c *Client) mute(ctx context.Context, monitors []wire.Saved, states []Status) error {
	settings, err := c.ListSettings(ctx, wire.SortGroup, wire.SortSilence, wire.SortWindow)
	if err != nil && len(settings) == 0 {
		return err
	}
	now := time.Now()
	for i := range states {
		if len(states[i].Muted) == 0 {
			states[i].Muted = mutesOf(&monitors[i], settings, now)
		}
	}
	return nil
}
