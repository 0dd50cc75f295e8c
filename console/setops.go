package console

import (
	"context"
	"errors"
	"fmt"

	"netmon/wire"
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
	return fmt.Sprintf("configuration %s of %s by %s has %d monitors: replace it by the %d of now",
		e.Old.Name, e.Old.Saved.Local().Format("2006-01-02 15:04"), Printable(e.Old.Author), e.Old.Monitors, e.Now)
}

// SaveSet keeps all monitors as they are now under a name, in place of the
// configuration that over is; the zero value is none. Where there is one that
// nobody spoke of, that is a [SetExistsError], with which to ask, and to call again.
// ErrSetChanged says that over is not the one that is saved now.
func (o *Ops) SaveSet(ctx context.Context, name string, over Set) (SetOutcome, error) {
	sets, err := o.c.Sets(ctx)
	if err != nil {
		return SetOutcome{}, err
	}
	list, digest, err := o.now(ctx)
	if err != nil {
		return SetOutcome{}, err
	}
	if len(list) == 0 {
		return SetOutcome{}, fmt.Errorf("no monitor is saved: there is nothing to keep as %q", name)
	}
	switch old, err := sets.Find(ctx, name); {
	case err == nil && old.Digest == digest:
		return SetOutcome{old, true}, nil
	case err == nil && over.Name == "":
		return SetOutcome{}, &SetExistsError{old, len(list)}
	case err != nil && !errors.Is(err, ErrNoSet):
		return SetOutcome{}, err
	}
	set, err := sets.Save(ctx, name, list, over)
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
	InUse bool `json:"in_use"` // the monitors are now as it says
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
	_, digest, err := o.now(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]ListedSet, len(list))
	for i, s := range list {
		out[i] = ListedSet{s, s.Digest == digest}
	}
	return out, nil
}

// now is what all monitors are now, and what that is called.
func (o *Ops) now(ctx context.Context) (list []wire.Saved, digest string, err error) {
	store, err := o.c.Monitors(ctx)
	if err != nil {
		return nil, "", err
	}
	if list, err = store.List(ctx); err != nil {
		return nil, "", err
	}
	digest, err = DigestMonitors(list)
	return list, digest, err
}
