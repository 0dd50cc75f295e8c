package controller

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"

	"netmon/internal/tail"
	"netmon/wire"
)

// keepIncidents keeps incidents until ctx ends or somebody else does.
func (c *Controller) keepIncidents(ctx context.Context) error {
	g, err := newKeeping(c.nc, c.feed.now, c.log)
	if err != nil {
		return err
	}
	if err := g.begin(ctx, c); err != nil {
		return err
	}
	return g.run(ctx)
}

// begin continues from what is stored: the last message of each incident, all that is
// saved, and what came since the last one decided.
func (g *keeping) begin(ctx context.Context, c *Controller) error {
	if err := g.store.begin(ctx); err != nil {
		return err
	}
	g.at, g.moved = g.store.at, true
	decided, err := g.restore(ctx)
	if err != nil {
		return fmt.Errorf("read stream %s: %w", wire.IncidentsStream, err)
	}
	if err := g.restoreGroups(ctx, decided); err != nil {
		return fmt.Errorf("read the verdicts on groups: %w", err)
	}
	for _, source := range []struct {
		what string
		open func(context.Context, *Controller) (func() error, error)
	}{{"bucket " + wire.AlertingBucket, g.openSettings}, {"", g.openMonitors}, {"stream " + wire.VerdictsStream, g.openVerdicts},
		{"stream " + wire.IncidentsStream, g.openIncidents}, {"stream " + wire.AuditStream, g.openAudit}} {
		follow, err := source.open(ctx, c)
		if err != nil {
			return fmt.Errorf("read %s: %w", source.what, err)
		}
		if follow == nil {
			continue
		}
		c.wg.Go(func() {
			if err := follow(); err != nil && ctx.Err() == nil {
				g.failed <- fmt.Errorf("follow %s: %w", source.what, err)
			}
		})
	}
	g.catchUp()
	return g.notices.load(ctx)
}

// catchUp applies what came since incidents were decided last, in the order of its time,
// as if it had been applied then: what began and ended while nobody led is included.
func (g *keeping) catchUp() {
	slices.SortStableFunc(g.behind, func(a, b input) int { return a.at.Compare(b.at) })
	if !g.at.At.IsZero() {
		g.k.Advance(g.at.At)
	}
	g.apply(g.behind)
	g.behind = nil
}

// restore reads the incidents that are stored, and what was decided about groups.
func (g *keeping) restore(ctx context.Context) (decided map[string]wire.GroupVerdict, err error) {
	t, err := tail.Open(ctx, g.js, wire.IncidentsStream, tail.From{Subjects: []string{wire.AllIncidents, keptGroups + "*", wire.AllTroubles}, Last: true})
	if err != nil {
		return nil, err
	}
	defer t.Stop()
	info := t.Stream()
	g.old.begin(&info)
	decided = map[string]wire.GroupVerdict{}
	_, err = read(t, func(m *nats.Msg, meta *nats.MsgMetadata) input {
		var err error
		switch what, _, _ := strings.Cut(m.Subject, "."); what {
		case "incidents":
			var i wire.Incident
			if i, err = wire.DecodeIncident(m.Subject, m.Data); err == nil {
				g.k.Restore(i)
			}
		case "troubles":
			var t wire.Trouble
			if t, err = wire.DecodeTrouble(m.Subject, m.Data); err == nil {
				g.old.trouble(t, m.Subject, meta.Sequence.Stream, m.Data, 0)
			}
		default:
			var v wire.GroupVerdict
			name := strings.TrimPrefix(m.Subject, keptGroups)
			if v, err = wire.DecodeGroupVerdict("verdicts.group."+name, m.Data); err == nil {
				decided[name] = v
			}
		}
		if err != nil {
			g.log.Error("cannot read a stored incident", "subject", m.Subject, "error", err)
		}
		return input{}
	})
	return decided, err
}

// restoreGroups applies the last verdict on each group, and publishes those that were
// decided and are not published.
func (g *keeping) restoreGroups(ctx context.Context, decided map[string]wire.GroupVerdict) error {
	t, err := tail.Open(ctx, g.js, wire.VerdictsStream, tail.From{Subjects: []string{wire.AllGroupVerdicts}, Last: true})
	if err != nil {
		return err
	}
	defer t.Stop()
	if _, err := read(t, func(m *nats.Msg, meta *nats.MsgMetadata) input {
		v, err := wire.DecodeGroupVerdict(m.Subject, m.Data)
		if err != nil {
			g.log.Error("cannot read a verdict on a group: the next one replaces it", "error", err)
		}
		g.groups[strings.TrimPrefix(m.Subject, "verdicts.group.")] = groupAt{meta.Sequence.Stream, v}
		return input{}
	}); err != nil {
		return err
	}
	var behind []wire.GroupVerdict
	for _, name := range slices.Sorted(maps.Keys(decided)) {
		if v := decided[name]; v.N > g.groups[name].verdict.N {
			behind = append(behind, v)
		}
	}
	if err := g.publishGroups(ctx, behind); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(g.groups)) {
		if v := g.groups[name].verdict; v.Group != "" {
			g.k.RestoreGroup(v)
		}
	}
	return nil
}

// openSettings applies all that is saved beside the monitors.
func (g *keeping) openSettings(ctx context.Context, c *Controller) (func() error, error) {
	t, err := tail.Open(ctx, g.js, settingsStream, tail.From{Subjects: []string{settingsPrefix + ">"}, Last: true})
	if err != nil {
		return nil, err
	}
	list, err := read(t, c.settingFact)
	if err != nil {
		t.Stop()
		return nil, err
	}
	g.apply(list)
	return g.following(ctx, t, c.settingFact), nil
}

// following is what follows a stream, to its end.
func (g *keeping) following(ctx context.Context, t *tail.Tail, of func(*nats.Msg, *nats.MsgMetadata) input) func() error {
	return func() error {
		defer t.Stop()
		return g.follow(ctx, t, of)
	}
}

// openMonitors applies the monitors that are saved. What follows is applied by who
// follows them for the agents.
func (g *keeping) openMonitors(_ context.Context, c *Controller) (func() error, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(c.desired)) {
		g.k.Monitor(c.desired[name])
	}
	c.kept = g
	return nil, nil
}

// openVerdicts applies the last verdict on each monitor and agent as far as it was
// read, and of all that came since.
func (g *keeping) openVerdicts(ctx context.Context, c *Controller) (func() error, error) {
	last, err := tail.Open(ctx, g.js, wire.VerdictsStream, tail.From{Subjects: judged, Last: true})
	if err != nil {
		return nil, err
	}
	info := last.Stream()
	c.feed.heardOf(info.TimeStamp)
	known := g.at.Verdicts > 0 && g.at.VerdictsOf.Equal(info.Created) && g.at.Verdicts <= info.State.LastSeq
	read, err := read(last, g.verdictFact)
	if err != nil {
		last.Stop()
		return nil, err
	}
	g.at.VerdictsOf = info.Created
	if !known { // the first time, or the stream was recreated
		g.at.Verdicts = 0
		g.apply(read)
		return g.following(ctx, last, g.verdictFact), nil
	}
	last.Stop()
	before := slices.DeleteFunc(read, func(x input) bool { return x.number > g.at.Verdicts })
	for _, x := range before {
		if x.apply != nil {
			x.apply(g)
		}
	}
	since, err := tail.Open(ctx, g.js, wire.VerdictsStream, tail.From{Subjects: judged, After: g.at.Verdicts})
	if err != nil {
		return nil, err
	}
	return g.openBehind(ctx, since, g.verdictFact)
}

// openIncidents applies troubles and of what became of notices since they were read.
func (g *keeping) openIncidents(ctx context.Context, _ *Controller) (func() error, error) {
	for _, subject := range slices.Sorted(maps.Keys(g.old.troubles)) { // also earlier ones
		g.k.Trouble(g.old.troubles[subject].trouble)
	}
	since, err := tail.Open(ctx, g.js, wire.IncidentsStream, tail.From{After: g.at.Incidents})
	if err != nil {
		return nil, err
	}
	return g.openBehind(ctx, since, g.incidentFact)
}

// openBehind reads what is stored behind a place, and follows from there.
func (g *keeping) openBehind(ctx context.Context, t *tail.Tail, of func(*nats.Msg, *nats.MsgMetadata) input) (func() error, error) {
	list, err := read(t, of)
	if err != nil {
		t.Stop()
		return nil, err
	}
	g.behind = append(g.behind, list...)
	return g.following(ctx, t, of), nil
}
