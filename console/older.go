package console

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/history"
	"netmon/internal/tail"
	"netmon/internal/timetext"
	"netmon/wire"
)

// ResultRollup stands for the results of one monitor on one agent in a part of the time
// of which the results themselves are no longer stored.
type ResultRollup struct {
	Rollup  bool          `json:"rollup"` // always true: it is not one result
	Monitor string        `json:"monitor"`
	Agent   string        `json:"agent"`
	Kind    string        `json:"kind,omitempty"`
	At      time.Time     `json:"at"`  // its beginning, UTC
	For     wire.Duration `json:"for"` // how long it is
	OK      uint64        `json:"ok"`
	Figures
}

// Has says whether it stands for a result with one of these outcomes; none is any.
func (r *ResultRollup) Has(outcomes []wire.Outcome) bool {
	if len(outcomes) == 0 {
		return true
	}
	return slices.ContainsFunc(outcomes, func(o wire.Outcome) bool {
		return o == wire.OK && r.OK > 0 || o == wire.Failed && r.Failed > 0 || o == wire.Broken && r.Broken > 0
	})
}

// Older is what is known of the part of a time of which results are no longer stored.
type Older struct {
	Rollups []ResultRollup // by time
	Before  time.Time      // the latest time before which results of some series are gone; zero: none are

	begin map[seriesOf]time.Time // results are from here on
	all   time.Time              // and those of all others
}

type seriesOf struct{ monitor, agent string }

// Covers says that rollups stand for a result that was measured at this time.
func (o *Older) Covers(r *wire.Result, at time.Time) bool {
	if begin, ok := o.begin[seriesOf{r.Monitor, r.Agent}]; ok {
		return at.Before(begin)
	}
	return at.Before(o.all)
}

// fullMost is of how many monitors it is looked up whether they have so many results that
// older ones had to go before their time.
const fullMost = 20

// Older finds which results of the filter since a time are no longer stored, and what
// history has in their place. Where all are stored it asks history for nothing.
func (c *Client) Older(ctx context.Context, f Filter, from, to time.Time) (o Older, err error) {
	stream, err := c.open(ctx, wire.ResultsStream)
	if err != nil {
		return o, noMesh("read the results", err)
	}
	info, err := c.info(ctx, stream)
	if err != nil {
		return o, noMesh("read the results", err)
	}
	if info.State.FirstSeq <= 1 && info.State.NumDeleted == 0 {
		return o, nil // nothing was ever removed
	}
	o.begin = map[seriesOf]time.Time{}
	if info.State.FirstTime.After(from) {
		o.all = info.State.FirstTime
	}
	if err := c.full(ctx, f, stream, info.Config.MaxMsgsPerSubject, from, &o); err != nil {
		return o, err
	}
	for _, t := range append(slices.Collect(maps.Values(o.begin)), o.all) {
		if t.After(o.Before) {
			o.Before = t
		}
	}
	if o.Before.IsZero() {
		return o, nil
	}
	if to.Before(o.Before) {
		o.Before = to
	}
	if err = c.older(ctx, f, from, to, &o); len(o.Rollups) == 0 {
		o.begin, o.all = nil, time.Time{} // they stand for nothing
	}
	slices.SortFunc(o.Rollups, func(a, b ResultRollup) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Monitor, b.Monitor), cmp.Compare(a.Agent, b.Agent))
	})
	return o, err
}

// full finds the series of which as many results are stored as may be: their older ones
// went before their time.
func (c *Client) full(ctx context.Context, f Filter, stream jetstream.Stream, most int64, from time.Time, o *Older) error {
	if most <= 0 || len(f.Monitors) == 0 || len(f.Monitors) > fullMost {
		return nil
	}
	for _, name := range f.Monitors {
		subjects, err := Filter{Monitors: []string{name}}.subjects()
		if err != nil {
			return err
		}
		info, err := c.info(ctx, stream, jetstream.WithSubjectFilter(subjects[0]))
		if err != nil {
			return noMesh("count the results", err)
		}
		for subject, n := range info.State.Subjects {
			agent := strings.Split(subject, ".")[1]
			if n < uint64(most) || len(f.Agents) > 0 && !slices.Contains(f.Agents, agent) {
				continue
			}
			first, err := c.firstOf(ctx, subject)
			if err != nil {
				return err
			}
			if first.After(from) {
				o.begin[seriesOf{name, agent}] = first
			}
		}
	}
	return nil
}

// firstOf is when the first message of a subject that is still there was stored.
func (c *Client) firstOf(ctx context.Context, subject string) (time.Time, error) {
	t, err := tail.Open(ctx, c.js, wire.ResultsStream, tail.From{Subjects: []string{subject}})
	if err != nil {
		return time.Time{}, noMesh("read the results", err)
	}
	defer t.Stop()
	if t.Left() == 0 {
		return time.Time{}, nil
	}
	_, meta, err := t.Next()
	if err != nil {
		return time.Time{}, noMesh("read the results", err)
	}
	return meta.Timestamp, nil
}

// older reads rollups up to where the results of each series begin, and moves that to the
// end of the last rollup, so that each result is reported once.
func (c *Client) older(ctx context.Context, f Filter, from, to time.Time, o *Older) error {
	for s, begin := range o.begin {
		rows, end, err := c.rollupsUntil(ctx, []string{s.monitor}, []string{s.agent}, from, begin, to)
		if err != nil {
			return err
		}
		o.begin[s], o.Rollups = end, append(o.Rollups, rows...)
	}
	if o.all.IsZero() {
		return nil
	}
	rows, end, err := c.rollupsUntil(ctx, asked(f.Monitors), f.Agents, from, o.all, to)
	if err != nil {
		return err
	}
	o.all = end
	for _, r := range rows {
		if _, own := o.begin[seriesOf{r.Monitor, r.Agent}]; !own && (len(f.Monitors) == 0 || slices.Contains(f.Monitors, r.Monitor)) {
			o.Rollups = append(o.Rollups, r)
		}
	}
	return nil
}

// rollupsUntil are the rollups of whole hours, and one of the minutes that are left, up to
// the minute in which results begin, which it returns.
func (c *Client) rollupsUntil(ctx context.Context, monitors, agents []string, from, begin, to time.Time) (rows []ResultRollup, end time.Time, err error) {
	end = begin.Add(time.Minute - 1).Truncate(time.Minute)
	if to.Before(end) {
		end = to
	}
	hour := end.Truncate(time.Hour)
	read := func(a, b time.Time, step time.Duration) ([]wire.HistorySeries, error) {
		if !a.Before(b) {
			return nil, nil
		}
		reply, err := c.History(ctx, wire.HistoryQuery{What: wire.HistoryRollups, Monitors: monitors, Agents: agents, From: a, To: b, Step: wire.Duration(step)})
		return reply.Series, err
	}
	hours, err := read(from, hour, time.Hour)
	if err != nil {
		return nil, end, err
	}
	for _, s := range hours {
		for i := range s.Rows {
			rows = append(rows, resultRollup(s, s.Rows[i].At, time.Hour, &s.Rows[i].Rollup))
		}
	}
	rest := hour
	if from.After(rest) {
		rest = from
	}
	minutes, err := read(rest, end, time.Minute)
	if err != nil {
		return nil, end, err
	}
	rest = rest.Truncate(time.Minute)
	for _, s := range minutes {
		if slices.ContainsFunc(s.Rows, func(r wire.HistoryRow) bool { return r.For > 0 }) { // only the hour is known
			end = hour.Add(time.Hour)
		}
	}
	for _, s := range minutes {
		sum := &wire.Rollup{}
		for i := range s.Rows {
			history.Merge(sum, &s.Rows[i].Rollup)
		}
		if len(s.Rows) > 0 {
			rows = append(rows, resultRollup(s, rest, end.Sub(rest), sum))
		}
	}
	return rows, end, nil
}

func resultRollup(s wire.HistorySeries, at time.Time, long time.Duration, r *wire.Rollup) ResultRollup {
	return ResultRollup{Rollup: true, Monitor: s.Monitor, Agent: s.Agent, Kind: s.Kind, At: at.UTC(), For: wire.Duration(long), OK: r.OK, Figures: figuresOf(r)}
}

// Text says what rollups cannot tell, where results with these outcomes were asked for.
func (o *Older) Text(outcomes []wire.Outcome) string {
	text := fmt.Sprintf("results before %s are no longer stored", timetext.Minute(o.Before))
	switch {
	case len(o.Rollups) == 0:
		return text + ", and history has nothing of them"
	case len(outcomes) > 0:
		return text + ": a line for each hour with such runs says how many; which ones, when in the hour and why is not kept"
	}
	return text + ": a line for each hour sums them"
}
