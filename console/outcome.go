package console

import (
	"fmt"

	"netmon/internal/plural"
	"netmon/wire"
)

// Verb is what somebody asks of saved monitors.
type Verb string

// The verbs.
const (
	Add      Verb = "add"
	Apply    Verb = "apply"
	Start    Verb = "start"
	Stop     Verb = "stop"
	Edit     Verb = "edit"
	Rollback Verb = "rollback"
	Delete   Verb = "delete"
	Discard  Verb = "discard"
	Rename   Verb = "rename"
)

// Change is one saved monitor before and after; nil means that there is none.
type Change struct {
	Was, Is  *wire.Saved
	Revision uint64 // of the change itself; 0 as long as it is only planned
}

// Name is that of the monitor.
func (c Change) Name() string {
	if c.Is != nil {
		return c.Is.Name
	}
	return c.Was.Name
}

// Did is what a change does to the bucket.
type Did string

// What changes do.
const (
	Added   Did = "added"
	Changed Did = "changed"
	Deleted Did = "deleted"
)

// Did says what the change does.
func (c Change) Did() Did {
	switch {
	case c.Was == nil:
		return Added
	case c.Is == nil:
		return Deleted
	}
	return Changed
}

// Outcome is what came of an operation that was carried out.
type Outcome struct {
	Verb    Verb
	Monitor string         // "" for those that Apply is about
	On      wire.Selectors // of Start and Stop
	From    string         // of Rename: the name before
	To      uint64         // of Rollback: the edition

	Changes []Change // what was saved, in that order; none: all was so already
	Same    int      // how many monitors and settings were so already; of Discard: how many are to stop
	Pruned  bool     // of Apply: what is not wanted was deleted

	Settings []SettingChange // of Apply: the settings that were saved

	Asked    bool  // the agents were asked to do it at once
	Agents   int   // how many are known, whomever it concerns
	Acks     []Ack // what those that it concerns answered
	NotAsked error // why the agents could not be asked: the controller asks them

	Warnings []string // of what was saved, and is hardly what was meant
}

// CountSettings is how many settings were added, changed or deleted.
func (o Outcome) CountSettings(did Did) (n int) {
	for _, c := range o.Settings {
		if c.Did() == did {
			n++
		}
	}
	return n
}

// Count is how many monitors were added, changed or deleted.
func (o Outcome) Count(did Did) (n int) {
	for _, c := range o.Changes {
		if c.Did() == did {
			n++
		}
	}
	return n
}

// Refused is how many answers say that an agent that is there did not do it.
func (o Outcome) Refused() (n int) {
	for _, t := range o.Acks {
		if !t.OK && !t.Away {
			n++
		}
	}
	return n
}

// RefusedError says that what is saved does not run as it should: agents that are
// there did not do it.
type RefusedError struct{ Refused, Of int }

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%d of %s did not do it", e.Refused, plural.Count(e.Of, "agent", "agents"))
}

// Err is why what was saved is not so everywhere: NotAsked, or a [RefusedError].
func (o Outcome) Err() error {
	if o.NotAsked != nil {
		return o.NotAsked
	}
	if n := o.Refused(); n > 0 {
		return &RefusedError{n, len(o.Acks)}
	}
	return nil
}
