package console

import (
	"context"
	"errors"
	"fmt"

	"netmon/wire"
)

// RevisionError says why a monitor, or a setting, cannot be as it was at a revision.
type RevisionError struct {
	Monitor    string    // its name
	Sort       wire.Sort // of the setting; "" is a monitor
	Revision   uint64    // that was asked for: an edition
	Deleted    bool      // it was deleted then
	Unreadable error     // what was saved then cannot be read, or was not accepted; else there is no such revision
}

func (e *RevisionError) Error() string {
	switch {
	case e.Unreadable != nil:
		return e.Unreadable.Error()
	case e.Deleted:
		return fmt.Sprintf("at revision %d the %s %q was deleted", e.Revision, e.word(), e.Monitor)
	}
	of := e.Monitor
	if e.Sort != "" {
		of = e.word() + " " + of
	}
	return fmt.Sprintf("%s %q has no revision %d: netmon history %s lists them", e.word(), e.Monitor, e.Revision, of)
}

func (e *RevisionError) word() string {
	if e.Sort == "" {
		return "monitor"
	}
	return SortWord(e.Sort)
}

func (e *RevisionError) Unwrap() error { return e.Unreadable }

// Rollback makes a monitor as it was at an earlier revision; a deleted one comes
// back. The error may be a [RevisionError].
func (o *Ops) Rollback(ctx context.Context, name string, to uint64) (Outcome, error) {
	out := Outcome{Verb: Rollback, Monitor: name, To: to}
	store, err := o.c.Monitors(ctx)
	if err != nil {
		return out, err
	}
	revisions, err := store.History(ctx, name)
	if err != nil {
		return out, err
	}
	is, err := asOf(revisions, name, to)
	if err != nil {
		return out, err
	}
	var was *wire.Saved
	switch current, err := store.Get(ctx, name); {
	case err == nil && Same(current, is):
		out.Same = 1
		return out, nil
	case err == nil:
		was, is.Revision, is.Edition = &current, current.Revision, current.Edition
	case errors.Is(err, ErrNotFound):
		is.Revision, is.Edition = 0, 0
		if err := o.checkName(ctx, name); err != nil {
			return out, err
		}
	default:
		return out, err
	}
	if err := store.checkParents(ctx, is); err != nil {
		return out, err
	}
	return out, o.save(ctx, store, &out, was, is, fmt.Sprintf("rolled back to revision %d", to))
}

// asOf is a monitor as it was at a revision.
func asOf(revisions []Revision, name string, to uint64) (wire.Saved, error) {
	missing := &RevisionError{Monitor: name, Revision: to}
	for _, r := range revisions {
		switch {
		case r.Edition != to:
			continue
		case r.Saved != nil:
			return *r.Saved, nil
		}
		missing.Deleted, missing.Unreadable = r.Problem == nil, r.Problem
	}
	return wire.Saved{}, missing
}
