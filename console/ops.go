package console

import (
	"context"
	"errors"
	"fmt"

	"netmon/wire"
)

// Ops are the changes that people make to what the mesh measures, and to who is notified
// what of it, in one place for all front ends. Each reads what is saved, compares, saves over the revision that
// it read, asks the agents to do it at once, and says what came of it.
//
// An error means that nothing was saved, but for Apply, which makes many changes, and
// for ErrUnreachable, where nobody knows. What was saved and is not so on every agent
// yet is an Outcome with an Err: it stays saved, and the controller brings it to the
// agents.
//
// ErrConflict is returned where another console was faster, ErrNotFound and
// ErrNoSet for names that are not there, ErrDenied to whom the mesh does not let.
// Ops may be used by several goroutines.
type Ops struct {
	c     *Client
	check Checks
}

// Ops makes changes over this connection. check says what is wrong with a monitor or a
// channel by its kind's own rules; such a one is not saved (an [InvalidError]).
func (c *Client) Ops(check Checks) *Ops {
	return &Ops{c, check}
}

// InvalidError says what is wrong with monitors or settings that were to be saved, field by
// field ([wire.FieldErrors]).
type InvalidError struct{ Err error }

func (e *InvalidError) Error() string { return e.Err.Error() }
func (e *InvalidError) Unwrap() error { return e.Err }

// ExistsError says that another monitor has the name.
type ExistsError struct{ Monitor wire.Saved }

func (e *ExistsError) Error() string {
	m := e.Monitor
	return fmt.Sprintf("monitor %q exists already (%s %s): choose another name, or change it with `netmon set` or `netmon apply`", m.Name, m.Kind, m.Target)
}

// Add saves a new monitor. Where there is another one of its name, it is left alone:
// an [ExistsError].
func (o *Ops) Add(ctx context.Context, m wire.Saved) (Outcome, error) {
	return o.addAs(ctx, m, "added")
}

// addAs is Add with what its history is to say.
func (o *Ops) addAs(ctx context.Context, m wire.Saved, change string) (Outcome, error) {
	out := Outcome{Verb: Add, Monitor: m.Name}
	if err := o.prepare(&m); err != nil {
		return out, err
	}
	store, err := o.c.Monitors(ctx)
	if err != nil {
		return out, err
	}
	switch old, err := store.Get(ctx, m.Name); {
	case err == nil && Same(old, m):
		out.Same = 1
		return out, nil
	case err == nil:
		return out, &ExistsError{old}
	case !errors.Is(err, ErrNotFound):
		return out, err
	}
	m.Revision, m.Edition = 0, 0
	if err := o.checkName(ctx, m.Name); err != nil {
		return out, err
	}
	if err := store.checkParents(ctx, m); err != nil {
		return out, err
	}
	return out, o.save(ctx, store, &out, nil, m, change)
}

// Edit saves a monitor over the revision that it was read at.
func (o *Ops) Edit(ctx context.Context, m wire.Saved) (Outcome, error) {
	return o.EditAs(ctx, m, "edited")
}

// EditAs is Edit with what its history is to say of the change.
func (o *Ops) EditAs(ctx context.Context, m wire.Saved, change string) (Outcome, error) {
	out := Outcome{Verb: Edit, Monitor: m.Name}
	if err := o.prepare(&m); err != nil {
		return out, err
	}
	store, was, err := o.get(ctx, m.Name)
	switch {
	case err != nil:
		return out, err
	case Same(was, m):
		out.Same = 1
		return out, nil
	case was.Revision != m.Revision:
		return out, conflict(m.Name)
	}
	m.Edition = was.Edition
	if err := store.checkParents(ctx, m); err != nil {
		return out, err
	}
	return out, o.save(ctx, store, &out, &was, m, change)
}

// Start runs a monitor where [AddPlacement] says.
func (o *Ops) Start(ctx context.Context, name string, on wire.Selectors) (Outcome, error) {
	return o.changePlacement(ctx, Start, name, on, AddPlacement)
}

// Stop ends a monitor where [RemovePlacement] says.
func (o *Ops) Stop(ctx context.Context, name string, on wire.Selectors) (Outcome, error) {
	return o.changePlacement(ctx, Stop, name, on, func(m wire.Saved, on wire.Selectors) (wire.Saved, error) { return RemovePlacement(m, on), nil })
}

func (o *Ops) changePlacement(ctx context.Context, v Verb, name string, on wire.Selectors, change func(wire.Saved, wire.Selectors) (wire.Saved, error)) (Outcome, error) {
	out := Outcome{Verb: v, Monitor: name, On: on}
	store, was, err := o.get(ctx, name)
	if err != nil {
		return out, err
	}
	is, err := change(was, on)
	if err != nil {
		return out, err
	}
	if Same(was, is) {
		out.Same = 1
		o.notifyAgents(ctx, store, &out, Change{Was: &was, Is: &is, Revision: was.Revision}) // whether it is so there, too
		return out, nil
	}
	return out, o.save(ctx, store, &out, &was, is, placed(v, on))
}

// DeleteOptions are how a monitor is deleted.
type DeleteOptions struct {
	Anyway bool // although others depend on it, which are judged without it then

	Revision uint64 // that is deleted; another one is an ErrConflict. 0: whatever is saved
}

// Delete deletes a monitor. One that others depend on, or that a group names, stays, by
// a [DependentsError].
// One whose name was one once, and is none today, can be deleted too: nobody runs it,
// and no agent is asked.
func (o *Ops) Delete(ctx context.Context, name string, opt DeleteOptions) (Outcome, error) {
	out := Outcome{Verb: Delete, Monitor: name}
	store, err := o.c.Monitors(ctx)
	if err != nil {
		return out, err
	}
	was := wire.Saved{Monitor: wire.Monitor{Name: name}}
	former := wire.CheckToken(name) != nil && wire.CheckElement(name) == nil
	if former {
		was.Revision, err = store.Revision(ctx, name)
	} else {
		was, err = store.Find(ctx, name)
	}
	if err != nil {
		return out, err
	}
	if opt.Revision != 0 && opt.Revision != was.Revision {
		return out, conflict(name)
	}
	if !opt.Anyway {
		by, err := store.dependents(ctx, name)
		if err != nil {
			return out, err
		}
		groups, err := o.groupsOf(ctx, name)
		if err != nil {
			return out, err
		}
		if by = append(by, groups...); len(by) > 0 {
			return out, &DependentsError{name, by}
		}
	}
	revision, err := store.Delete(ctx, name, was.Revision)
	if err != nil {
		return out, err
	}
	out.Changes = []Change{{Was: &was, Revision: revision}}
	if !former {
		o.notifyAgents(ctx, store, &out, out.Changes...)
	}
	out.warnKept(&was)
	return out, nil
}

// prepare fills in defaults, and refuses what cannot be measured.
func (o *Ops) prepare(m *wire.Saved) error {
	m.Monitor = m.Monitor.WithDefaults()
	if err := o.check.Monitor(m.Monitor); err != nil {
		return &InvalidError{err}
	}
	return nil
}

// get reads the monitor that is to be changed.
func (o *Ops) get(ctx context.Context, name string) (*Store, wire.Saved, error) {
	store, err := o.c.Monitors(ctx)
	if err != nil {
		return nil, wire.Saved{}, err
	}
	m, err := store.Find(ctx, name)
	return store, m, err
}

// save saves one change and asks the agents to do it.
func (o *Ops) save(ctx context.Context, store *Store, out *Outcome, was *wire.Saved, is wire.Saved, change string) error {
	made, err := store.write(ctx, is, change)
	if err != nil {
		return err
	}
	is.Edition = made.Edition
	out.Changes = []Change{{Was: was, Is: &is, Revision: made.Revision}}
	o.notifyAgents(ctx, store, out, out.Changes...)
	out.warnKept(was)
	return nil
}

// notifyAgents asks the agents.
func (o *Ops) notifyAgents(ctx context.Context, store *Store, out *Outcome, changes ...Change) {
	agents, err := o.c.Agents(ctx)
	if err != nil {
		out.NotAsked = err
		return
	}
	changes, late := o.c.awaitPlaced(ctx, changes)
	out.Warnings = warnings(changes, agents)
	for _, name := range late {
		out.Warnings = append(out.Warnings, fmt.Sprintf("%s: no controller has chosen its agents within %v: netmon doctor says whether one leads", name, wire.Duration(placeWithin)))
	}
	out.Asked, out.Agents, out.Acks = true, len(agents), store.notifyAgents(ctx, agents, changes...)
}
