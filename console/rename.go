package console

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"netmon/wire"
)

// Copy saves a monitor that was made of another one. Its name must be free: else it is an
// [ExistsError].
func (o *Ops) Copy(ctx context.Context, of string, m wire.Saved) (Outcome, error) {
	return o.addAs(ctx, m, "copied from "+of)
}

// RenameOutcome is what came of a new name.
type RenameOutcome struct {
	Outcome
	Names []string // what names the monitor by its new name now, such as group store
}

// Rename gives a monitor another name: it is saved under the new one, what names it names
// the new one, and the old one is deleted. These are as many changes, each signed and
// audited like any other. Where one fails, those before it stay, and Rename again continues
// from there. Results and history go by the name and stay under the old one.
func (o *Ops) Rename(ctx context.Context, old, name string) (RenameOutcome, error) {
	out := RenameOutcome{Outcome: Outcome{Verb: Rename, Monitor: name, From: old}}
	store, was, err := o.get(ctx, old)
	if err != nil {
		return out, err
	}
	is := was
	is.Name = name
	made, err := o.addAs(ctx, is, "renamed from "+old)
	if err != nil {
		return out, err
	}
	out.Changes, out.Asked, out.Agents, out.Acks, out.NotAsked = made.Changes, made.Asked, made.Agents, made.Acks, made.NotAsked
	if err := o.renameIn(ctx, store, &out, old, name); err != nil {
		return out, fmt.Errorf("%w\n%s is saved, and %s is still there: netmon rename %s %s continues", err, name, old, old, name)
	}
	gone, err := o.Delete(ctx, old, DeleteOptions{Anyway: true, Revision: was.Revision})
	for again := 0; again < renameAgain && errors.Is(err, ErrConflict); again++ {
		if was, err = o.renameLater(ctx, store, was, is); err == nil {
			is = was
			is.Name = name
			gone, err = o.Delete(ctx, old, DeleteOptions{Anyway: true, Revision: was.Revision})
		}
	}
	switch {
	case errors.Is(err, ErrNotFound):
		return out, fmt.Errorf("%w\n%s is saved, and somebody else deleted or renamed %s meanwhile: look at it with netmon history %s", err, name, old, old)
	case err != nil:
		return out, fmt.Errorf("%w\n%s is saved, and %s is still there: compare the two, and netmon delete %s", err, name, old, old)
	}
	out.Changes, out.Acks = append(out.Changes, gone.Changes...), append(out.Acks, gone.Acks...)
	return out, nil
}

// renameAgain is how often Rename takes over what others changed meanwhile.
const renameAgain = 5

// renameLater gives the new name what somebody saved under the old one after it was read,
// and returns that. made is what was saved under the new name.
func (o *Ops) renameLater(ctx context.Context, store *Store, was, made wire.Saved) (now wire.Saved, err error) {
	if now, err = store.Find(ctx, was.Name); err != nil {
		return now, err
	}
	is, err := store.Find(ctx, made.Name)
	if err != nil {
		return now, err
	}
	if !Same(is, made) {
		return now, fmt.Errorf("%s was changed meanwhile under both names: %w", was.Name, ErrConflict)
	}
	next := now
	next.Name, next.Revision, next.Edition = is.Name, is.Revision, is.Edition
	_, err = o.EditAs(ctx, next, "renamed from "+was.Name)
	return now, err
}

// renameIn has what names the old monitor name the new one.
func (o *Ops) renameIn(ctx context.Context, store *Store, out *RenameOutcome, old, name string) error {
	all, err := store.List(ctx)
	if errors.Is(err, ErrUnreachable) { // one that cannot be read names nobody
		return err
	}
	for _, m := range all {
		if m.Name == old || !renamed(&m.DependsOn, old, name) {
			continue
		}
		if _, err := o.EditAs(ctx, m, fmt.Sprintf("%s is called %s now", old, name)); err != nil {
			return err
		}
		out.Names = append(out.Names, "monitor "+m.Name)
	}
	settings, err := o.c.ListSettings(ctx, wire.SortGroup, wire.SortRule, wire.SortWindow)
	if errors.Is(err, ErrUnreachable) {
		return err
	}
	for _, x := range settings {
		changed := false
		switch x := x.(type) {
		case *wire.Group:
			changed = renamed(&x.Of, old, name)
		case *wire.NoticeRule:
			changed = renamed(&x.Match.Monitors, old, name)
		case *wire.Window:
			changed = renamed(&x.Match.Monitors, old, name)
		}
		if !changed {
			continue
		}
		if _, err := o.saveSetting(ctx, Edit, x, fmt.Sprintf("%s is called %s now", old, name)); err != nil {
			return err
		}
		out.Names = append(out.Names, SettingTitle(x))
	}
	return nil
}

// renamed puts a new name in the place of an old one, and says whether it was there.
func renamed(list *[]string, old, name string) bool {
	i := slices.Index(*list, old)
	if i < 0 {
		return false
	}
	*list = slices.Clone(*list)
	(*list)[i] = name
	return true
}
