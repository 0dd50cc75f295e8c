package console

import (
	"context"
	"errors"
	"fmt"

	"netmon/wire"
)

// EditSetting saves a setting over the revision that it was read at; 0 makes a new one.
func (o *Ops) EditSetting(ctx context.Context, x wire.Setting) (SettingOutcome, error) {
	return o.saveSetting(ctx, Edit, x, "edited")
}

func (o *Ops) saveSetting(ctx context.Context, v Verb, x wire.Setting, change string) (SettingOutcome, error) {
	out := SettingOutcome{Verb: v, SettingChange: SettingChange{Is: x}}
	if err := o.check.Setting(x); err != nil {
		return out, &InvalidError{err}
	}
	store, err := o.c.Settings(ctx)
	if err != nil {
		return out, err
	}
	switch was, err := store.Get(ctx, x.Sort(), x.SettingName()); {
	case err == nil && SameSetting(was, x):
		out.Was, out.Same = was, true
		return out, nil
	case err == nil && was.About().Revision != x.About().Revision:
		return out, settingConflict(x.Sort(), x.SettingName())
	case err == nil:
		out.Was = was
	case !errors.Is(err, ErrNoSetting):
		return out, err
	case x.About().Revision != 0:
		return out, settingConflict(x.Sort(), x.SettingName())
	}
	if err := o.checkAmong(ctx, store, x); err != nil {
		return out, err
	}
	if err := x.Validate(); err != nil {
		return out, &InvalidError{err}
	}
	made, err := store.write(ctx, x, change)
	if out.Revision, out.Edition = made.Revision, made.Edition; err == nil {
		out.Warnings = o.c.idle(ctx, []wire.Setting{x})
	}
	return out, err
}

// RollbackSetting makes a setting as it was at an earlier revision; a deleted one comes
// back. The error may be a [RevisionError].
func (o *Ops) RollbackSetting(ctx context.Context, sort wire.Sort, name string, to uint64) (SettingOutcome, error) {
	out := SettingOutcome{Verb: Rollback, To: to}
	store, err := o.c.Settings(ctx)
	if err != nil {
		return out, err
	}
	revisions, err := store.History(ctx, sort, name)
	if err != nil {
		return out, err
	}
	missing := &RevisionError{Monitor: name, Sort: sort, Revision: to}
	for _, r := range revisions {
		switch {
		case r.Edition != to:
		case r.Setting != nil:
			is := r.Setting
			is.About().Revision, is.About().Edition = 0, 0
			if revisions[0].Setting != nil || revisions[0].Problem != nil {
				is.About().Revision, is.About().Edition = revisions[0].Revision, revisions[0].Edition
			}
			out, err := o.saveSetting(ctx, Rollback, is, fmt.Sprintf("rolled back to revision %d", to))
			out.To = to
			return out, err
		default:
			missing.Deleted, missing.Unreadable = r.Problem == nil, r.Problem
		}
	}
	return out, missing
}

// checkAmong looks at one setting that is to be saved among all that are.
func (o *Ops) checkAmong(ctx context.Context, store *Settings, x wire.Setting) error {
	all, err := store.List(ctx, FileSorts...)
	if errors.Is(err, ErrUnreachable) { // one that cannot be read is nobody's mistake here
		return err
	}
	among := newKnown(all)
	among.put(x)
	if x.Sort() == wire.SortGroup {
		monitors, err := o.c.Monitors(ctx)
		if err != nil {
			return err
		}
		names, err := monitors.Names(ctx)
		if err != nil {
			return err
		}
		among.monitors = map[string]bool{}
		for _, name := range names {
			among.monitors[name] = true
		}
	}
	if err := among.check(x); err != nil {
		return &InvalidError{err}
	}
	return nil
}

// checkName refuses the name of a group for a new monitor.
func (o *Ops) checkName(ctx context.Context, monitor string) error {
	settings, err := o.c.Settings(ctx)
	if absent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	switch _, err := settings.Revision(ctx, wire.SortGroup, monitor); {
	case err == nil:
		var p wire.Problems
		p.Add("name", groupHasName(monitor))
		return &InvalidError{p.Err()}
	case errors.Is(err, ErrUnreachable):
		return err
	}
	return nil
}

// groupsOf are the groups that name a monitor, as titles.
func (o *Ops) groupsOf(ctx context.Context, monitor string) ([]string, error) {
	list, err := o.c.ListSettings(ctx, wire.SortGroup)
	if errors.Is(err, ErrUnreachable) {
		return nil, err
	}
	return newKnown(list).users(groups(monitor)), nil // what cannot be read names nobody
}

// RemoveSetting deletes a setting, also one that cannot be read. One that others name
// stays, by a [UsedError].
func (o *Ops) RemoveSetting(ctx context.Context, sort wire.Sort, name string, opt DeleteOptions) (SettingOutcome, error) {
	out := SettingOutcome{Verb: Delete}
	if sort == wire.SortAck {
		out.Verb = Unacknowledge
	}
	store, err := o.c.Settings(ctx)
	if err != nil {
		return out, err
	}
	revision, err := store.Revision(ctx, sort, name)
	if err != nil {
		return out, err
	}
	if out.Was, err = store.Get(ctx, sort, name); err != nil {
		if errors.Is(err, ErrUnreachable) {
			return out, err
		}
		if out.Was, err = named(sort, name); err != nil {
			return out, err
		}
	}
	if !opt.Anyway && (sort == wire.SortChannel || sort == wire.SortGroup) {
		all, err := store.List(ctx, FileSorts...)
		if errors.Is(err, ErrUnreachable) {
			return out, err
		}
		if by := newKnown(all).usersOf(sort, name); len(by) > 0 {
			return out, &UsedError{titleOf(sort, name), by}
		}
	}
	out.Revision, err = store.Delete(ctx, sort, name, revision)
	return out, err
}

// named is a setting of which nothing but the name is known.
func named(sort wire.Sort, name string) (wire.Setting, error) {
	x, err := wire.NewSetting(sort)
	switch x := x.(type) {
	case *wire.Channel:
		x.Name = name
	case *wire.NoticeRule:
		x.Name = name
	case *wire.Window:
		x.Name = name
	case *wire.Group:
		x.Name = name
	case *wire.Silence:
		x.ID = name
	case *wire.Acknowledgement:
		x.Incident = name
	}
	return x, err
}
