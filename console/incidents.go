package console

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"netmon/console/view"
	"netmon/wire"
)

// IncidentFilter chooses incidents. The zero value chooses those that are open.
type IncidentFilter struct {
	All      bool              // also those that are over
	From     time.Time         // of these only those that were still open then
	Monitors []string          // with one of these among its members: monitors, groups or agents, or globs of their names
	Tags     map[string]string // with a monitor among its members that has all of these; * and ? in values
}

// Fits says whether an incident is among those that are wanted. tagged are the saved
// monitors, by name; they are needed for tags alone.
func (f IncidentFilter) Fits(x *wire.Incident, tagged map[string]wire.Saved) bool {
	switch {
	case x.State != wire.IncidentOpen && !f.All:
		return false
	case x.State != wire.IncidentOpen && !f.From.IsZero() && x.At.Before(f.From):
		return false
	case len(f.Monitors) > 0 && !slices.ContainsFunc(x.Members, func(m wire.IncidentMember) bool { return f.names(m.Name) }):
		return false
	}
	return len(f.Tags) == 0 || slices.ContainsFunc(x.Members, func(m wire.IncidentMember) bool {
		saved, ok := tagged[m.Name]
		return ok && (m.About == wire.AboutMonitor || m.About == wire.AboutCertificate || m.About == wire.AboutSLO) && len(Tagged([]wire.Saved{saved}, f.Tags)) > 0
	})
}

// names says whether a member of this name is wanted.
func (f IncidentFilter) names(name string) bool {
	return slices.ContainsFunc(f.Monitors, func(word string) bool {
		fits, err := path.Match(word, name)
		return word == name || err == nil && fits
	})
}

// Incidents are those of the filter, in the order of [view.CompareIncidents], and short
// forms of the ids of all that are stored.
func (c *Client) Incidents(ctx context.Context, f IncidentFilter) (list []wire.Incident, short map[string]string, err error) {
	tagged := map[string]wire.Saved{}
	if len(f.Tags) > 0 {
		if tagged, err = c.savedByName(ctx); err != nil {
			return nil, nil, err
		}
	}
	var ids []string
	err = c.eachIncident(ctx, []string{wire.AllIncidents}, func(x *wire.Incident) {
		ids = append(ids, x.ID)
		if f.Fits(x, tagged) {
			list = append(list, *x)
		}
	})
	slices.SortFunc(list, func(a, b wire.Incident) int { return view.CompareIncidents(&a, &b) })
	return list, view.ShortIDs(ids), err
}

// PastIncidents are all that were open at some time since from, the one that opened last
// first, and short forms of the ids of all that are stored.
func (c *Client) PastIncidents(ctx context.Context, from time.Time) (list []wire.Incident, short map[string]string, err error) {
	list, short, err = c.Incidents(ctx, IncidentFilter{All: true, From: from})
	slices.SortStableFunc(list, func(a, b wire.Incident) int { return b.Opened.Compare(a.Opened) })
	return list, short, err
}

func (c *Client) savedByName(ctx context.Context) (map[string]wire.Saved, error) {
	store, err := c.Monitors(ctx)
	if err != nil {
		return nil, err
	}
	list, err := store.List(ctx)
	byName := make(map[string]wire.Saved, len(list))
	for _, m := range list {
		byName[m.Name] = m
	}
	return byName, err
}

// eachIncident calls handle with each incident that is stored, as it is now.
func (c *Client) eachIncident(ctx context.Context, subjects []string, handle func(*wire.Incident)) error {
	t, err := c.openIncidents(ctx, subjects, 0)
	if err != nil {
		return err
	}
	defer t.Stop()
	for left := t.Left(); left > 0; left-- {
		m, meta, err := t.Next()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return noMesh("read the incidents", err)
		}
		if x, err := wire.DecodeIncident(m.Subject, m.Data); err == nil {
			handle(&x)
		}
		if meta.NumPending == 0 {
			break
		}
	}
	return nil
}

// ResolveIncident is the incident that a person means: by its id, by the beginning of
// it or of its last part, or by the name of a monitor, group or agent that is a member:
// the one that is open, else the newest.
func (c *Client) ResolveIncident(ctx context.Context, text string) (wire.Incident, error) {
	all := map[string]wire.Incident{}
	var ids []string
	var of *wire.Incident // that text names a member of
	err := c.eachIncident(ctx, []string{wire.AllIncidents}, func(x *wire.Incident) {
		all[x.ID] = *x
		ids = append(ids, x.ID)
		if x.State != wire.IncidentMerged && slices.ContainsFunc(x.Members, func(m wire.IncidentMember) bool { return m.Name == text }) {
			if of == nil || view.CompareIncidents(x, of) < 0 {
				of = x
			}
		}
	})
	if err != nil {
		return wire.Incident{}, err
	}
	if x, ok := all[text]; ok {
		return x, nil
	}
	if of != nil {
		return *of, nil
	}
	switch found := view.MatchIDs(ids, text); len(found) {
	case 1:
		return all[found[0]], nil
	case 0:
		return wire.Incident{}, &notThere{fmt.Sprintf("no incident %s is known, and none of a monitor of that name: netmon get incidents --all lists them", quoted(text))}
	default:
		slices.Sort(found)
		return wire.Incident{}, &notThere{fmt.Sprintf("%s may be %s: type more of it", quoted(text), ShortList(found, 8))}
	}
}

func quoted(text string) string { return fmt.Sprintf("%q", wire.Clip(text, wire.MaxToken)) }

// IncidentStory is all that is known of one incident.
type IncidentStory struct {
	Incident   wire.Incident            `json:"incident"`
	Deliveries []wire.Delivery          `json:"deliveries"` // what became of the newest notice of each channel
	Verdicts   map[string]*wire.Verdict `json:"verdicts"`   // on its monitors, those that made them members; of many the first
	Next       []NextNotice             `json:"next"`       // what happens if nothing changes
	Rules      []string                 `json:"-"`          // what of the rules cannot be read
}

// storyVerdicts is of how many members the verdicts are looked up.
const storyVerdicts = 5

// IncidentStory reads what is known about an incident.
func (c *Client) IncidentStory(ctx context.Context, x wire.Incident) (IncidentStory, error) {
	s := IncidentStory{Incident: x, Deliveries: []wire.Delivery{}, Verdicts: map[string]*wire.Verdict{}, Next: []NextNotice{}}
	subject, err := wire.DeliverySubject("any", x.ID)
	if err != nil {
		return s, err
	}
	t, err := c.openIncidents(ctx, []string{strings.Replace(subject, ".any.", ".*.", 1)}, 0)
	if err != nil {
		return s, err
	}
	defer t.Stop()
	for left := t.Left(); left > 0; left-- {
		m, _, err := t.Next()
		if err != nil {
			return s, noMesh("read what became of the notices", err)
		}
		if d, err := wire.DecodeDelivery(m.Subject, m.Data); err == nil {
			s.Deliveries = append(s.Deliveries, d)
		}
	}
	slices.SortFunc(s.Deliveries, func(a, b wire.Delivery) int { return strings.Compare(a.Channel, b.Channel) })
	for _, m := range x.Members {
		if m.About != wire.AboutMonitor || len(s.Verdicts) == storyVerdicts {
			continue
		}
		v, err := c.verdictOf(ctx, m)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return s, err
		}
		if v != nil {
			s.Verdicts[m.Name] = v
		}
	}
	return s, c.nextNotices(ctx, &s, time.Now())
}

// verdictOf is the verdict that says why a monitor is, or was, wrong; nil where it is
// not kept any more.
func (c *Client) verdictOf(ctx context.Context, m wire.IncidentMember) (*wire.Verdict, error) {
	var of *wire.Verdict
	err := c.eachVerdict(ctx, m.Name, func(v wire.Verdict) {
		wrong := v.State != wire.VerdictUp && v.State != wire.VerdictPaused
		if wrong && v.N <= m.N && !v.Since.Before(m.Since.Add(-time.Second)) && (m.Wrong() || v.At.Before(m.Until)) {
			of = &v
		}
	})
	return of, err
}
