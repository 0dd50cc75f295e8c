package console

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"netmon/internal/tail"
	"netmon/judge/replay"
	"netmon/wire"
)

// BacktestOptions are what a back-test is about.
type BacktestOptions struct {
	From, To time.Time
	Monitors []string // that are reported; none is all
	// Settings are those that are saved, TriedSettings those that are tried: where one of
	// them has a channel, it is counted what would have been notified.
	Settings, TriedSettings []wire.Setting
	// Progress, when not nil, is called with how many of how many stored results were read.
	Progress func(read, of uint64)
	// Odd, when not nil, is called with messages on the results' subjects that are not results.
	Odd func(error)
}

// Backtest is what rules would have made of what was measured.
type Backtest struct {
	From     time.Time           `json:"from"`            // UTC
	To       time.Time           `json:"to"`              // UTC
	First    *time.Time          `json:"first,omitempty"` // when the first result in it was stored, UTC; absent where there is none
	Results  int                 `json:"results"`         // that were judged, those of shortly before From too
	Asked    BacktestAsked       `json:"asked"`
	Saved    replay.Figures      `json:"saved"` // of all that are reported
	Tried    replay.Figures      `json:"tried"`
	Monitors []replay.Comparison `json:"monitors"`          // by name
	Budgets  []BacktestBudget    `json:"budgets,omitempty"` // of the monitors that have an objective, by name
	Notices  []BacktestNotices   `json:"notices,omitempty"` // by channel; absent where there is none
	Notes    []string            `json:"notes,omitempty"`   // what is missing
}

// BacktestAsked is how many runs were wanted to make sure. A back-test cannot have them
// measured: those count that were, since somebody asked for them then.
type BacktestAsked struct {
	Saved    int `json:"saved"`    // the saved rules would have asked for
	Tried    int `json:"tried"`    // those that are tried would have asked for
	Measured int `json:"measured"` // were asked for and measured
}

// How long before the time that is reported results are judged, so that how things
// were at its beginning is known.
const (
	leadLeast = 5 * time.Minute
	leadMost  = 24 * time.Hour
)

// Backtest judges stored results twice: under the rules of saved, which are all saved
// monitors, and under those of tried, which are the same but for their rules. What
// cannot be saved so is an [InvalidError]. Results are read once, and none is kept.
func (c *Client) Backtest(ctx context.Context, saved, tried []wire.Saved, o BacktestOptions) (Backtest, error) {
	names := map[string]bool{} // whether it is reported
	for _, m := range saved {
		names[m.Name] = len(o.Monitors) == 0
	}
	for _, name := range o.Monitors {
		if _, ok := names[name]; !ok {
			return Backtest{}, notFound(name)
		}
		names[name] = true
	}
	if err := checkTried(saved, tried); err != nil {
		return Backtest{}, err
	}
	if err := checkTriedSettings(tried, o.Settings, o.TriedSettings); err != nil {
		return Backtest{}, err
	}
	b, before, after, err := c.rejudge(ctx, saved, tried, o, names)
	if err != nil {
		return Backtest{}, err
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !names[name] {
			continue
		}
		one := replay.Compare(name, before[name], after[name])
		b.Saved, b.Tried = b.Saved.Add(one.Saved), b.Tried.Add(one.Tried)
		b.Monitors = append(b.Monitors, one)
	}
	return b, nil
}

// rejudge judges under both rules, and returns what became of each monitor.
func (c *Client) rejudge(ctx context.Context, saved, tried []wire.Saved, o BacktestOptions, reported map[string]bool) (b Backtest, before, after map[string]*replay.Timeline, err error) {
	agents, err := c.Agents(ctx)
	if err != nil {
		return b, nil, nil, err
	}
	store, err := c.Monitors(ctx)
	if err != nil {
		return b, nil, nil, err
	}
	lead := leadLeast
	for _, m := range saved {
		lead = max(lead, 3*m.Every.Std())
	}
	begin := o.From.Add(-min(lead, leadMost))
	past, err := store.past(ctx, saved, begin)
	if err != nil {
		return b, nil, nil, err
	}
	if past, err = c.withPlacements(ctx, past, begin); err != nil {
		return b, nil, nil, err
	}
	t, err := tail.Open(ctx, c.js, wire.ResultsStream, tail.From{Since: begin})
	if err != nil {
		return b, nil, nil, noMesh("read the results", err)
	}
	defer t.Stop()
	if now := t.Stream().TimeStamp; o.To.After(now) {
		o.To = now // as far as it is known what was measured
	}
	past = slices.DeleteFunc(past, func(f replay.Fact) bool { return f.At.After(o.To) })
	opt := replay.Options{From: o.From.UTC(), To: o.To.UTC(), Labels: map[string]replay.Labels{}, Keep: o.notifies()}
	for _, a := range agents {
		opt.Labels[a.Agent] = a.Labels
	}
	b = Backtest{From: opt.From, To: opt.To, Monitors: []replay.Comparison{}}
	r := newRejudging(opt, past, saved, tried)
	if err := r.read(ctx, t, o, &b); err != nil {
		return b, nil, nil, err
	}
	before, after = r.end()
	was, err := c.budgetsBefore(ctx, &b, saved, tried)
	if err != nil {
		return b, nil, nil, err
	}
	savedTold, triedTold := budgetTroubles(saved, o.Settings, was, before, opt), budgetTroubles(tried, o.TriedSettings, was, after, opt)
	b.Budgets = compareBudgets(saved, tried, countBudgets(savedTold, opt.From), countBudgets(triedTold, opt.From), reported)
	if o.notifies() {
		b.Notices = compareNotices(countNotices(o.Settings, saved, r.saved, savedTold, opt), countNotices(o.TriedSettings, tried, r.tried, triedTold, opt))
	}
	b.Results, b.Asked.Saved, b.Asked.Tried = r.tried.Results, r.saved.Asked, r.tried.Asked
	return b, before, after, nil
}

// checkTried looks at what depends on other monitors than it does as it is saved.
func checkTried(saved, tried []wire.Saved) error {
	was, is := map[string]*wire.Saved{}, map[string]*wire.Saved{}
	for i := range saved {
		was[saved[i].Name] = &saved[i]
	}
	var names []string
	for i, m := range tried {
		is[m.Name] = &tried[i]
		if old := was[m.Name]; old == nil || !slices.Equal(old.DependsOn, m.DependsOn) {
			names = append(names, m.Name)
		}
	}
	return checkParents(names, func(name string) (*wire.Saved, error) { return is[name], nil })
}

// past is what was saved of these monitors, as facts in order: earlier ones begin as
// if they had been saved then.
func (s *Store) past(ctx context.Context, monitors []wire.Saved, begin time.Time) ([]replay.Fact, error) {
	wanted := map[string]bool{}
	for _, m := range monitors {
		wanted[m.Name] = true
	}
	before := map[string]replay.Fact{}
	var later []replay.Fact
	err := s.read(ctx, "read what was saved", tail.From{Subjects: s.subjects(nil)}, func(e entry) {
		if !wanted[e.key] {
			return
		}
		f := replay.Fact{At: e.at, Deleted: e.key}
		if !e.deleted() {
			saved, err := s.decode(e)
			if err != nil {
				return // no agent went by it
			}
			f.Saved, f.Deleted = &saved, ""
		}
		if f.At.After(begin) {
			later = append(later, f)
			return
		}
		f.At = begin
		before[e.key] = f
	})
	if err != nil {
		return nil, err
	}
	var out []replay.Fact
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if f := before[name]; f.Saved != nil {
			out = append(out, f)
		}
	}
	return append(out, later...), nil
}

// rejudging judges the same facts twice.
type rejudging struct {
	saved, tried *replay.Replay
	past         []replay.Fact // that is still to come
	facts        []replay.Fact // that come next
}

// rejudgeChunk is how many facts both are given at once: one judges while the other does.
const rejudgeChunk = 1024

func newRejudging(o replay.Options, past []replay.Fact, saved, tried []wire.Saved) *rejudging {
	under := func(list []wire.Saved) *replay.Replay {
		o := o
		o.Rules = map[string]replay.Rule{}
		for _, m := range list {
			o.Rules[m.Name] = replay.Rule{Verdict: m.Verdict, DependsOn: m.DependsOn}
		}
		return replay.New(o)
	}
	return &rejudging{saved: under(saved), tried: under(tried), past: past}
}

// read gives both what is stored until o.To.
func (r *rejudging) read(ctx context.Context, t *tail.Tail, o BacktestOptions, b *Backtest) error {
	of := t.Left()
	for read := uint64(1); read <= of; read++ {
		m, meta, err := t.Next()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return noMesh("read the results", err)
		}
		if meta.Timestamp.After(o.To) {
			break
		}
		if o.Progress != nil {
			o.Progress(read, of)
		}
		result, err := wire.DecodeResult(m.Subject, m.Data)
		if err != nil {
			if o.Odd != nil {
				o.Odd(err)
			}
			continue
		}
		if !meta.Timestamp.Before(o.From) {
			if b.First == nil {
				first := meta.Timestamp.UTC()
				b.First = &first
			}
			if result.Asked != "" {
				b.Asked.Measured++
			}
		}
		r.add(replay.Fact{At: meta.Timestamp, Result: &result})
		if meta.NumPending == 0 { // some were removed meanwhile
			break
		}
	}
	if o.Progress != nil {
		o.Progress(of, of)
	}
	return nil
}

// add passes on a fact, and of what was saved before.
func (r *rejudging) add(f replay.Fact) {
	for len(r.past) > 0 && !r.past[0].At.After(f.At) {
		r.facts = append(r.facts, r.past[0])
		r.past = r.past[1:]
	}
	if r.facts = append(r.facts, f); len(r.facts) >= rejudgeChunk {
		r.applyAll()
	}
}

func (r *rejudging) applyAll() {
	r.both(func(p *replay.Replay) {
		for _, f := range r.facts {
			p.Apply(f)
		}
	})
	clear(r.facts)
	r.facts = r.facts[:0]
}

func (r *rejudging) both(do func(*replay.Replay)) {
	var wg sync.WaitGroup
	wg.Go(func() { do(r.saved) })
	do(r.tried)
	wg.Wait()
}

// end passes on what is left, and returns what became of the monitors.
func (r *rejudging) end() (saved, tried map[string]*replay.Timeline) {
	r.facts = append(r.facts, r.past...)
	r.past = nil
	r.applyAll()
	r.both(func(p *replay.Replay) {
		lines := p.End()
		if p == r.saved {
			saved = lines
		} else {
			tried = lines
		}
	})
	return saved, tried
}

// String sums a back-test up in a line.
func (b Backtest) String() string {
	isNew, gone, same, later, sooner := 0, 0, 0, 0, 0
	for _, m := range b.Monitors {
		isNew, gone, same = isNew+len(m.New), gone+len(m.Gone), same+m.Same
		for _, moved := range m.Moved {
			switch {
			case moved.Later >= 1:
				later++
			case moved.Later <= -1:
				sooner++
			}
		}
	}
	text := fmt.Sprintf("%d new, %d gone, %d the same", isNew, gone, same)
	if later > 0 {
		text += fmt.Sprintf(", %d of these later", later)
	}
	if sooner > 0 {
		text += fmt.Sprintf(", %d of these sooner", sooner)
	}
	return text
}
