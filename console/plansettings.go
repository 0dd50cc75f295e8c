package console

import (
	"context"
	"fmt"

	"netmon/wire"
)

// planSettings compares the settings that are saved with those that are wanted.
func (p *Plan) planSettings(have []wire.Setting, w Wanted) {
	type key struct {
		sort wire.Sort
		name string
	}
	rest := map[key]wire.Setting{}
	for _, x := range have {
		rest[key{x.Sort(), x.SettingName()}] = x
	}
	for _, x := range w.Settings {
		k := key{x.Sort(), x.SettingName()}
		old := rest[k]
		delete(rest, k)
		if old != nil && SameSetting(old, x) {
			p.Same++
			continue
		}
		c := SettingChange{Was: old, Is: x}
		x.About().Revision, x.About().Edition = 0, 0
		if old != nil {
			x.About().Revision, x.About().Edition = old.About().Revision, old.About().Edition
		}
		p.Settings = append(p.Settings, c)
	}
	if !p.Prune {
		return
	}
	for _, x := range have {
		if w.Speaks(x.Sort()) && rest[key{x.Sort(), x.SettingName()}] != nil {
			p.Settings = append(p.Settings, SettingChange{Was: x})
		}
	}
}

// checkSettings looks at what is wanted, among all that is saved once the plan is
// carried out: what settings name has to be there, and a name is that of a monitor or
// of a group. What others name, which the plan leaves alone, is not deleted.
func (p Plan) checkSettings(have []wire.Saved, settings []wire.Setting, w Wanted) error {
	after := newKnown(settings)
	after.monitors = map[string]bool{}
	for _, m := range have {
		after.monitors[m.Name] = true
	}
	for _, m := range w.Monitors {
		after.monitors[m.Name] = true
	}
	for _, x := range w.Settings {
		after.put(x)
	}
	for _, c := range p.Settings {
		if c.Did() == Deleted {
			after.remove(c.Was.Sort(), c.Was.SettingName())
		}
	}
	for _, name := range p.Names(Deleted) {
		delete(after.monitors, name)
	}
	var wrong wire.Problems
	for _, x := range w.Settings {
		wrong.Add(pathOf(x), after.check(x))
	}
	for _, m := range w.Monitors {
		if after.has(wire.SortGroup, m.Name) && !names(w.Settings, wire.SortGroup, m.Name) { // else the group was reported
			wrong.Add(m.Name+".name", groupHasName(m.Name))
		}
	}
	for _, c := range p.Settings {
		if c.Did() != Deleted {
			continue
		}
		if by := after.usersOf(c.Was.Sort(), c.Was.SettingName()); len(by) > 0 {
			wrong.Add(pathOf(c.Was), &UsedError{"it, and would stay", by})
		}
	}
	for _, name := range p.Names(Deleted) {
		if by := unspoken(after.users(groups(name)), w); len(by) > 0 {
			wrong.Add(name, &UsedError{"it, and would stay", by})
		}
	}
	total := 0
	for _, list := range after.settings {
		total += len(list)
	}
	if total > wire.MaxSettings {
		wrong.Addf("", "there would be %d channels, rules, windows and groups: want at most %d", total, wire.MaxSettings)
	}
	if err := wrong.Err(); err != nil {
		return &InvalidError{err}
	}
	return nil
}

// unspoken are the groups of titles where w has no groups of its own: those that it has
// were reported with what they lack.
func unspoken(titles []string, w Wanted) []string {
	var out []string
	for _, t := range titles {
		spoken := false
		for _, x := range w.Of(wire.SortGroup) {
			spoken = spoken || SettingTitle(x) == t
		}
		if !spoken {
			out = append(out, t)
		}
	}
	return out
}

func names(list []wire.Setting, sort wire.Sort, name string) bool {
	for _, x := range list {
		if x.Sort() == sort && x.SettingName() == name {
			return true
		}
	}
	return false
}

func groupHasName(name string) error {
	return fmt.Errorf("a group is called %q: a monitor has a name of its own", name)
}

// settingsToApply is the part of a plan that is about settings.
type settingsToApply struct {
	o     *Ops
	p     Plan
	done  func(SettingChange)
	store *Settings // nil until it is needed
}

func (a *settingsToApply) open(ctx context.Context) (err error) {
	if a.store == nil {
		a.store, err = a.o.c.Settings(ctx)
	}
	return err
}

// save saves the settings of these sorts that are added or changed.
func (a *settingsToApply) save(ctx context.Context, of func(wire.Sort) bool) (err error) {
	for _, c := range a.p.Settings {
		if c.Did() == Deleted || !of(c.Is.Sort()) {
			continue
		}
		if err := a.open(ctx); err != nil {
			return err
		}
		if c.Revision, err = a.store.Save(ctx, c.Is, a.p.why(c.Title())); err != nil {
			return err
		}
		a.done(c)
	}
	return nil
}

// remove deletes what is not wanted: channels go first.
func (a *settingsToApply) remove(ctx context.Context) (err error) {
	for _, channels := range []bool{true, false} {
		for _, c := range a.p.Settings {
			if c.Did() != Deleted || (c.Was.Sort() == wire.SortChannel) != channels {
				continue
			}
			if err := a.open(ctx); err != nil {
				return err
			}
			if c.Revision, err = a.store.Delete(ctx, c.Was.Sort(), c.Was.SettingName(), c.Was.About().Revision); err != nil {
				return err
			}
			a.done(c)
		}
	}
	return nil
}
