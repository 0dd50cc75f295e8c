package console

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"netmon/internal/plural"
	"netmon/internal/timetext"
)

// SetOutcome is a configuration that is saved.
type SetOutcome struct {
	Set
	Same bool // it was so already
}

// SetExistsError says that a configuration of the name holds something else than
// what is saved now.
type SetExistsError struct {
	Old Set
	Now int // monitors that are saved now
}

func (e *SetExistsError) Error() string {
	return fmt.Sprintf("configuration %s of %s by %s has %s: replace it with the %d that are saved now",
		e.Old.Name, timetext.Minute(e.Old.Saved), AuthorText(e.Old.Author), plural.Count(e.Old.Monitors, "monitor", "monitors"), e.Now)
}

// SaveSet keeps all monitors and settings as they are now under a name, in place of the
// configuration that over is; the zero value is none. Where there is one that
// nobody spoke of, that is a [SetExistsError], with which to ask, and to call again.
// ErrSetChanged says that over is not the one that is saved now.
func (o *Ops) SaveSet(ctx context.Context, name string, over Set) (SetOutcome, error) {
	sets, err := o.c.Sets(ctx)
	if err != nil {
		return SetOutcome{}, err
	}
	now, err := o.now(ctx)
	if err != nil {
		return SetOutcome{}, err
	}
	if len(now.Monitors)+len(now.Settings) == 0 {
		return SetOutcome{}, fmt.Errorf("no monitor is saved: there is nothing to save as %q", name)
	}
	digest, err := DigestWanted(now)
	if err != nil {
		return SetOutcome{}, err
	}
	switch old, err := sets.Find(ctx, name); {
	case err == nil && old.Digest == digest:
		return SetOutcome{old, true}, nil
	case err == nil && over.Name == "":
		return SetOutcome{}, &SetExistsError{old, len(now.Monitors)}
	case err != nil && !errors.Is(err, ErrNoSet):
		return SetOutcome{}, err
	}
	set, err := sets.Save(ctx, name, now, over)
	return SetOutcome{set, false}, err
}

// DeleteSet removes a saved configuration; the monitors stay as they are.
func (o *Ops) DeleteSet(ctx context.Context, name string) error {
	sets, err := o.c.Sets(ctx)
	if err != nil {
		return err
	}
	return sets.Delete(ctx, name)
}

// ListedSet is a saved configuration, and whether it is the one in use.
type ListedSet struct {
	Set
	InUse bool `json:"in_use"` // all is now as it says
}

// ListSets lists the saved configurations by name.
func (o *Ops) ListSets(ctx context.Context) ([]ListedSet, error) {
	sets, err := o.c.Sets(ctx)
	if err != nil {
		return nil, err
	}
	list, err := sets.List(ctx)
	if err != nil {
		return nil, err
	}
	now, err := o.now(ctx)
	if err != nil {
		return nil, err
	}
	var digests []string
	for _, w := range []Wanted{now, {Monitors: now.Monitors}} { // one from before there were settings says nothing of them
		digest, err := DigestWanted(w)
		if err != nil {
			return nil, err
		}
		digests = append(digests, digest)
	}
	out := make([]ListedSet, len(list))
	for i, s := range list {
		out[i] = ListedSet{s, slices.Contains(digests, s.Digest)}
	}
	return out, nil
}

// now is what all monitors and settings are now.
func (o *Ops) now(ctx context.Context) (w Wanted, err error) {
	store, err := o.c.Monitors(ctx)
	if err != nil {
		return w, err
	}
	if w.Monitors, err = store.List(ctx); err != nil {
		return w, err
	}
	w.Sorts = FileSorts
	w.Settings, err = o.c.ListSettings(ctx, FileSorts...)
	return w, err
}
