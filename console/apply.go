package console

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"netmon/wire"
)

// Plan says what making the saved monitors and settings as wanted would do. With prune
// those that are not wanted are deleted, of what it speaks of. Wrong ones are an
// [InvalidError].
func (o *Ops) Plan(ctx context.Context, wanted Wanted, prune bool) (Plan, error) {
	if err := wanted.check(o.check); err != nil {
		return Plan{}, err
	}
	return o.plan(ctx, wanted, planning{prune: prune, why: fromFile})
}

// PlanUse says what making the monitors and settings as a saved configuration has them
// would do. With keep those that it does not have are left alone.
func (o *Ops) PlanUse(ctx context.Context, name string, keep bool) (Plan, error) {
	sets, err := o.c.Sets(ctx)
	if err != nil {
		return Plan{}, err
	}
	_, wanted, err := sets.Get(ctx, name)
	if err != nil {
		return Plan{}, err
	}
	if err := wanted.check(o.check); err != nil {
		return Plan{}, fmt.Errorf("configuration %q: %w", name, err)
	}
	return o.plan(ctx, wanted, planning{prune: !keep, why: "from configuration " + name})
}

// PlanOwned is [Ops.Plan] for who keeps what is saved as files have it, and saves in a name
// that nobody else has. Beside what the files want, it deletes at most what that name
// saved last, of every list: what other people saved, or changed since, is theirs.
func (o *Ops) PlanOwned(ctx context.Context, wanted Wanted, prune bool, owner string) (Plan, error) {
	if err := wanted.check(o.check); err != nil {
		return Plan{}, err
	}
	if prune {
		wanted.NoMonitors, wanted.Sorts = false, FileSorts
	}
	return o.plan(ctx, wanted, planning{prune: prune, why: fromFile, owner: owner})
}

// fromFile is what history says of what comes from a file. Where the file is known, it is
// named in place of "a file".
const fromFile = "applied from a file"

// planning is what a plan is for.
type planning struct {
	prune  bool
	why    string
	chosen []string // the monitors that it changes; nil is all
	owner  string   // the author of all that it may delete; "" is anybody
}

// keeps says that what somebody saved last is left alone, although nobody wants it.
func (p planning) keeps(author string) bool { return p.owner != "" && author != p.owner }

// plan compares what is saved with what is wanted.
func (o *Ops) plan(ctx context.Context, wanted Wanted, by planning) (Plan, error) {
	store, err := o.c.Monitors(ctx)
	if err != nil {
		return Plan{}, err
	}
	have, err := store.List(ctx)
	if err != nil {
		return Plan{}, err
	}
	settings, err := o.c.ListSettings(ctx, FileSorts...)
	if err != nil && len(wanted.Sorts) > 0 { // else none of them is changed
		return Plan{}, err
	}
	p := PlanOf(have, wanted.Monitors, by.prune && !wanted.NoMonitors)
	p.Prune, p.Why, p.From = by.prune, by.why, wanted.From
	p.Changes = slices.DeleteFunc(p.Changes, func(c Change) bool {
		return by.chosen != nil && !slices.Contains(by.chosen, c.Name()) || c.Did() == Deleted && by.keeps(c.Was.Author)
	})
	p.planSettings(settings, wanted)
	p.Settings = slices.DeleteFunc(p.Settings, func(c SettingChange) bool {
		return c.Did() == Deleted && by.keeps(c.Was.About().Author)
	})
	if p.Warnings, err = o.c.tooFew(ctx, p.Changes); err != nil {
		return p, err
	}
	if err := p.checkParents(have, wanted.Monitors); err != nil {
		return p, err
	}
	return p, p.checkSettings(have, settings, wanted)
}

// ApplyOptions are how a plan is carried out.
type ApplyOptions struct {
	// Progress, when not nil, is called with each change that was saved, one at a time.
	Progress func(Change)
	Setting  func(SettingChange) // the same of settings
	Quiet    bool                // leave it to the controller to tell the agents
}

// savesAtOnce is how many monitors are saved at the same time.
const savesAtOnce = 16

// Apply carries out a plan. What was changed since the plan was made is an
// ErrConflict, and stays as it is. After an error the Outcome holds what was saved
// before; agents hear of that from the controller.
func (o *Ops) Apply(ctx context.Context, p Plan, opt ApplyOptions) (Outcome, error) {
	out := Outcome{Verb: Apply, Same: p.Same, Pruned: p.Prune}
	if p.Empty() {
		return out, nil
	}
	store, err := o.c.Monitors(ctx)
	if err != nil {
		return out, err
	}
	done := func(c Change) {
		out.Changes = append(out.Changes, c)
		if opt.Progress != nil {
			opt.Progress(c)
		}
	}
	settings := settingsToApply{o: o, p: p, done: func(c SettingChange) {
		out.Settings = append(out.Settings, c)
		if opt.Setting != nil {
			opt.Setting(c)
		}
	}}
	// What others name is there before them, and goes behind them; only channels come behind
	// the rules, and go before them: while no rule is saved, a channel is notified of everything.
	if err := saveAll(ctx, store, p, done); err != nil {
		return out, err
	}
	for _, channels := range []bool{false, true} {
		if err := settings.save(ctx, func(sort wire.Sort) bool { return (sort == wire.SortChannel) == channels }); err != nil {
			return out, err
		}
	}
	if err := settings.remove(ctx); err != nil {
		return out, err
	}
	for _, c := range p.Changes {
		if c.Did() != Deleted {
			continue
		}
		if c.Revision, err = store.Delete(ctx, c.Was.Name, c.Was.Revision); err != nil {
			return out, err
		}
		done(c)
	}
	if !opt.Quiet && len(out.Changes) > 0 {
		o.notifyAgents(ctx, store, &out, out.Changes...)
	}
	var saved []wire.Setting
	for _, c := range out.Settings {
		if c.Is != nil {
			saved = append(saved, c.Is)
		}
	}
	out.Warnings = append(out.Warnings, o.c.idle(ctx, saved)...)
	return out, nil
}

// saveAll saves what is added or changed, several at a time, and returns the first error when all have ended.
func saveAll(ctx context.Context, store *Store, p Plan, done func(Change)) (first error) {
	var mu sync.Mutex // guards first, and who calls done
	var wg sync.WaitGroup
	slots := make(chan struct{}, savesAtOnce)
	for _, c := range p.Changes {
		if c.Did() == Deleted {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			revision, err := store.Save(ctx, *c.Is, p.why(c.Name()))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				c.Revision = revision
				done(c)
			case first == nil:
				first = err
			}
		})
	}
	wg.Wait()
	return first
}
