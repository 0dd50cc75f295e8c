package console

import (
	"fmt"
	"io"
	"time"

	"netmon/internal/timetext"
	"netmon/wire"
)

// SettingChange is one setting before and after; nil means that there is none.
type SettingChange struct {
	Was, Is  wire.Setting
	Revision uint64 // of the change itself; 0 as long as it is only planned
}

// Setting is the one that there is, after rather than before.
func (c SettingChange) Setting() wire.Setting {
	if c.Is != nil {
		return c.Is
	}
	return c.Was
}

// Title is what the setting is called, such as channel hook.
func (c SettingChange) Title() string { return SettingTitle(c.Setting()) }

// Did says what the change does.
func (c SettingChange) Did() Did {
	switch {
	case c.Was == nil:
		return Added
	case c.Is == nil:
		return Deleted
	}
	return Changed
}

// Verbs that are of settings alone.
const (
	SilenceFor    Verb = "silence"
	EndOfSilence  Verb = "end"
	Acknowledge   Verb = "ack"
	Unacknowledge Verb = "unack"
)

// SettingOutcome is what came of the change of one setting.
type SettingOutcome struct {
	Verb Verb
	SettingChange
	Edition  uint64 // that it has now; 0 where nothing was saved
	To       uint64 // of Rollback: the edition
	Same     bool   // it was so already
	Warnings []string
}

// Lines writes what was done, and what people should know of it.
func (o SettingOutcome) Lines(w io.Writer) {
	fmt.Fprintln(w, Printable(o.Head()))
	for _, text := range o.Warnings {
		fmt.Fprintf(w, "  WARNING: %s\n", Printable(text))
	}
}

// Head says in a few words what was done.
func (o SettingOutcome) Head() string {
	title, same := o.Title(), o.Same
	switch o.Verb {
	case SilenceFor:
		s, ok := o.Is.(*wire.Silence)
		if !ok {
			return title
		}
		when := "until " + timetext.Zoned(s.Until)
		if s.From.After(time.Now()) {
			when = "from " + timetext.Zoned(s.From) + " " + when
		}
		return fmt.Sprintf("%s mutes %s %s", title, MatchText(s.Match), when)
	case EndOfSilence:
		if same {
			return title + " is already over"
		}
		return title + " ended"
	case Acknowledge:
		if same {
			return "incident " + o.Setting().SettingName() + " is acknowledged already, with the same text"
		}
		return "incident " + o.Setting().SettingName() + " acknowledged"
	case Unacknowledge:
		return "incident " + o.Setting().SettingName() + " is no longer acknowledged"
	case Delete:
		return title + " deleted"
	}
	switch {
	case o.Verb == Rollback && same:
		return fmt.Sprintf("%s is the same as revision %d already", title, o.To)
	case o.Verb == Rollback:
		return fmt.Sprintf("%s is restored from revision %d: this is revision %d", title, o.To, o.Edition)
	case same:
		return title + " is unchanged"
	case o.Was == nil:
		return title + " saved"
	}
	return title + " changed"
}
