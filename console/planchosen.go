package console

import (
	"context"
	"fmt"
	"slices"

	"netmon/wire"
)

// PlanChosen is [Ops.Plan] for some monitors alone: those of these names and globs, and of
// them those with all of the tags. It changes no settings. With prune it deletes those of
// the chosen that are saved and not wanted. Without words and tags it is Plan.
func (o *Ops) PlanChosen(ctx context.Context, wanted Wanted, prune bool, words []string, tags map[string]string) (Plan, error) {
	if len(words)+len(tags) == 0 {
		return o.Plan(ctx, wanted, prune)
	}
	if err := wanted.check(o.check); err != nil {
		return Plan{}, err
	}
	store, err := o.c.Monitors(ctx)
	if err != nil {
		return Plan{}, err
	}
	saved, err := store.List(ctx)
	if err != nil {
		return Plan{}, err
	}
	among := slices.Clone(wanted.Monitors)
	for _, m := range saved { // an earlier tag chooses a monitor, too
		if prune || wanted.has(m.Name) {
			among = append(among, m)
		}
	}
	chosen, err := Pick(among, words, tags)
	if err != nil {
		return Plan{}, err
	}
	if err := checkNamed(among, chosen, "no file has a monitor %q"); err != nil {
		return Plan{}, err
	}
	return o.plan(ctx, wanted.only(chosen), planning{prune: prune, why: fromFile, chosen: chosen})
}

// Chosen are the monitors of a saved configuration that these names and globs, and of them
// the tags, choose; then without its settings. Without words and tags it is all of it.
func (w Wanted) Chosen(configuration string, words []string, tags map[string]string) (Wanted, error) {
	if len(words)+len(tags) == 0 {
		return w, nil
	}
	chosen, err := Pick(w.Monitors, words, tags)
	if err == nil {
		err = checkNamed(w.Monitors, chosen, "configuration "+configuration+" has no monitor %q")
	}
	return w.only(chosen), err
}

// only are the monitors of these names alone.
func (w Wanted) only(names []string) Wanted {
	list := slices.DeleteFunc(slices.Clone(w.Monitors), func(m wire.Saved) bool { return !slices.Contains(names, m.Name) })
	return Wanted{Monitors: list, NoMonitors: w.NoMonitors, From: w.From}
}

func (w Wanted) has(name string) bool {
	return slices.ContainsFunc(w.Monitors, func(m wire.Saved) bool { return m.Name == name })
}

// checkNamed refuses a name that none of the monitors has.
func checkNamed(list []wire.Saved, names []string, format string) error {
	for _, name := range names {
		if !slices.ContainsFunc(list, func(m wire.Saved) bool { return m.Name == name }) {
			var all []string
			for _, m := range list {
				all = append(all, m.Name)
			}
			return fmt.Errorf(format+"%s", wire.Clip(name, wire.MaxToken), wire.DidYouMean(name, all))
		}
	}
	return nil
}
