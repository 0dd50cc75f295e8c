package console

import (
	"context"
	"errors"
	"slices"

	"netmon/internal/tail"
	"netmon/judge"
	"netmon/wire"
)

// GroupVerdicts are the newest verdicts on groups, by the group's name. A mesh that
// keeps no verdicts has none.
func (c *Client) GroupVerdicts(ctx context.Context) (map[string]wire.GroupVerdict, error) {
	subject, err := wire.GroupVerdictSubject("any")
	if err != nil {
		return nil, err
	}
	out := map[string]wire.GroupVerdict{}
	return out, c.readGroups(ctx, subject[:len(subject)-len("any")]+"*", func(v wire.GroupVerdict) { out[v.Group] = v })
}

func (c *Client) readGroups(ctx context.Context, subject string, handle func(wire.GroupVerdict)) error {
	if _, err := c.open(ctx, wire.VerdictsStream); err != nil {
		if err = noMesh("read the verdicts on groups", err); errors.Is(err, ErrUnreachable) && c.Connected() {
			return nil // there are no verdicts
		}
		return err
	}
	t, err := tail.Open(ctx, c.js, wire.VerdictsStream, tail.From{Subjects: []string{subject}, Last: true})
	if err != nil {
		return noMesh("read the verdicts on groups", err)
	}
	defer t.Stop()
	for left := t.Left(); left > 0; left-- {
		m, meta, err := t.Next()
		if err != nil {
			return noMesh("read the verdicts on groups", err)
		}
		if v, err := wire.DecodeGroupVerdict(m.Subject, m.Data); err == nil {
			handle(v)
		}
		if meta.NumPending == 0 {
			break
		}
	}
	return nil
}

// GroupStatus is the verdict on a group as the state of what it is on.
func GroupStatus(v wire.GroupVerdict) Status {
	s := Status{Monitor: v.Group, Since: v.Since, Why: v.Why, Agents: []AgentStatus{}, State: judge.Unknown, Group: &v}
	_ = s.State.UnmarshalText([]byte(v.State)) // from a newer judge it is unknown
	return s
}

// SavedGroups are the names of the groups that are saved.
func (c *Client) SavedGroups(ctx context.Context) ([]string, error) {
	list, err := c.ListSettings(ctx, wire.SortGroup)
	names := make([]string, len(list))
	for i, g := range list {
		names[i] = g.SettingName()
	}
	return names, err
}

// StatusOf is the state of a monitor, or, where none of that name is saved, of a group.
func (c *Client) StatusOf(ctx context.Context, name string) (Status, error) {
	s, err := c.Status(ctx, name)
	if !errors.Is(err, ErrNotFound) {
		return s, err
	}
	groups, failed := c.SavedGroups(ctx)
	if failed != nil {
		return s, failed
	}
	if !slices.Contains(groups, name) {
		return s, err
	}
	s = Status{Monitor: name, State: judge.Unknown, Why: "it was not judged yet", Agents: []AgentStatus{}, Group: &wire.GroupVerdict{Group: name}}
	verdicts, err := c.GroupVerdicts(ctx)
	if err != nil {
		return s, err
	}
	if v, ok := verdicts[name]; ok {
		s = GroupStatus(v)
	}
	if leads, err := c.Leads(ctx); err == nil && !leads {
		s.State, s.Why = judge.Unknown, "no controller leads: nobody judges groups"
	}
	return s, nil
}
