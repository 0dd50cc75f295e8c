package console

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"netmon/console/view"
	"netmon/incident"
	"netmon/internal/tail"
	"netmon/internal/timetext"
	"netmon/wire"
)

// NextNotice is what channels are sent about an incident, if it stays as it is.
type NextNotice struct {
	At       time.Time   `json:"at"` // UTC
	Reason   wire.Reason `json:"reason"`
	Channels []string    `json:"channels"`
	Rule     string      `json:"rule,omitempty"` // that says so
}

func (n NextNotice) text(now time.Time) string {
	text := fmt.Sprintf("%s at %s to %s", Printable(string(n.Reason)), timetext.Clock(n.At, now), Printable(ShortList(n.Channels, 8)))
	if n.Rule != "" {
		text += " (rule " + Printable(n.Rule) + ")"
	}
	return text
}

// nextHorizon is how far ahead it is said what follows, and nextMost how many notices at most.
const (
	nextHorizon = 7 * 24 * time.Hour
	nextMost    = 20
)

// nextNotices asks the same rules as the controller what follows, if nothing happens:
// of each channel the next notice for each reason.
func (c *Client) nextNotices(ctx context.Context, s *IncidentStory, now time.Time) error {
	if s.Incident.State != wire.IncidentOpen {
		return nil
	}
	settings, err := c.ListSettings(ctx)
	if err != nil {
		s.Rules = append(s.Rules, "it is not known what comes next: "+err.Error())
		return ctx.Err()
	}
	saved, err := c.savedByName(ctx)
	if err != nil && len(saved) == 0 {
		return err
	}
	verdicts, err := c.lastVerdicts(ctx)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	s.Next = nextOf(&s.Incident, settings, saved, verdicts, now)
	return nil
}

// lastVerdicts are the newest verdicts on everything.
func (c *Client) lastVerdicts(ctx context.Context) (all view.Verdicts, err error) {
	t, err := c.openVerdicts(ctx, VerdictFilter{}, tail.From{Last: true})
	if err != nil {
		return all, err
	}
	defer t.Stop()
	for left := t.Left(); left > 0; left-- {
		m, meta, err := t.Next()
		if err != nil {
			return all, noMesh("read the verdicts", err)
		}
		gather(&all, m)
		if meta.NumPending == 0 {
			break
		}
	}
	return all, nil
}

func nextOf(x *wire.Incident, settings []wire.Setting, saved map[string]wire.Saved, verdicts view.Verdicts, now time.Time) []NextNotice {
	k := incident.New()
	k.Restore(*x)
	for _, v := range verdicts.Groups {
		k.RestoreGroup(v)
	}
	for _, set := range settings {
		k.Setting(set)
	}
	of := map[string]bool{} // monitors that matter: its members, and those of groups
	for _, m := range x.Members {
		of[m.Name] = true
	}
	for _, set := range settings {
		if g, ok := set.(*wire.Group); ok {
			for _, name := range g.Of {
				of[name] = true
			}
		}
	}
	for name := range of {
		if m, ok := saved[name]; ok {
			k.Monitor(m)
		}
	}
	for _, v := range verdicts.Monitors {
		if of[v.Monitor] {
			k.Verdict(v)
		}
	}
	out := []NextNotice{}
	told := map[string]uint64{} // notices that are decided already
	for _, ch := range x.Channels {
		told[ch.Channel] = ch.N
	}
	said := map[[2]string]bool{}
	at := now
	for range 2 * nextMost {
		k.Advance(at)
		k.Changes()
		for _, n := range k.Notices() {
			if n.Incident != x.ID || n.N <= told[n.Channel] || said[[2]string{n.Channel, string(n.Reason)}] || !foreseen(n.Reason) && !(n.Reason == wire.ReasonChanged && at.After(now)) {
				continue
			}
			said[[2]string{n.Channel, string(n.Reason)}] = true
			i := slices.IndexFunc(out, func(o NextNotice) bool { return o.At.Equal(at) && o.Reason == n.Reason && o.Rule == n.Rule })
			if i < 0 {
				i = len(out)
				out = append(out, NextNotice{At: at.UTC(), Reason: n.Reason, Rule: n.Rule})
			}
			out[i].Channels = append(out[i].Channels, n.Channel)
		}
		next := k.Next()
		if next.IsZero() || next.Sub(now) > nextHorizon || len(out) >= nextMost {
			break
		}
		at = next
	}
	return out
}

// foreseen says whether time alone makes a notice of this reason.
func foreseen(r wire.Reason) bool {
	switch r {
	case wire.ReasonOpened, wire.ReasonRepeated, wire.ReasonEscalated, wire.ReasonUnmuted:
		return true
	}
	return false
}
