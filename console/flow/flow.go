// Package flow leads a person step by step to a new monitor. It is a pure
// state machine: a Flow is a value, and each answer gives the next one. Where it
// needs something done (measure, save), it names a command line, which the
// caller executes. A terminal, piped lines and tests drive it alike.
package flow

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

// World is what a flow knows of kinds and of the mesh. It does not change
// while the flow runs.
type World struct {
	Kinds  []Kind
	Usual  string // the kind to propose
	Agents []Agent
	Tags   []string // of the saved monitors, as NAME=VALUE
	Taken  []string // names of the saved monitors
	// Check reports every mistake in a monitor by its field: target, every,
	// timeout, tags, options.expect.status.
	Check func(Draft) error
	// Name makes a monitor's name from what it measures.
	Name func(kind, target string) string
}

// Kind is a kind of probe.
type Kind struct {
	Name, Doc string
	Target    string // the form of its targets
	Example   string // a target, to show the form
	Propose   string // a target that answers here; "" for none
	MinEvery  time.Duration
	Main      []string // names of the options that are offered first; none means all
	Options   []Option
}

// Option is an option of a kind.
type Option struct {
	Name    string // as a flag, without dashes
	Path    string // as Check names it, without "options."
	Type    string // text, integer, number, yes/no, duration, list, map
	Default string
	Help    string
}

// Many says whether the option may be given several times.
func (o Option) Many() bool { return o.Type == "list" || o.Type == "map" }

// Agent is an agent that a monitor may run on.
type Agent struct {
	ID     string
	Labels map[string]string
	Online bool
}

// Set is one option with its values.
type Set struct {
	Name   string
	Values []string
	Switch bool // yes/no: one value, yes or no
}

// Draft is the monitor so far.
type Draft struct {
	Kind, Target   string
	Every, Timeout time.Duration
	Options        []Set
	On, Except     string   // as --on and --except
	Tags           []string // as NAME=VALUE
	Name           string
}

type stepID int

const (
	stepKind stepID = iota
	stepTarget
	stepEvery
	stepTimeout
	stepOptions
	stepWhere
	stepTags
	stepName
	stepConfirm
	steps
	stepKeep // a measurement was not ok: use what was measured anyway?
)

// Flow is one state of the dialogue.
type Flow struct {
	world   World
	draft   Draft
	at      stepID
	trail   []stepID // earlier steps, for going back
	keep    stepID   // the step whose measurement stepKeep asks about
	from    string   // the agents that measure the target; "" is this computer
	all     bool     // every option is listed
	fresh   bool     // the options changed since they were last measured
	command []string // to execute now
	done    bool
	left    bool
	note    string
}

// New begins a flow.
func New(w World) Flow {
	return Flow{world: w, draft: Draft{On: wire.Everywhere}}
}

// Command is the command line, without the program's name, to execute before the
// next question; Executed takes its end. It is nil when there is none.
func (f Flow) Command() []string { return f.command }

// Saves says that the command saves the monitor and is no measurement.
func (f Flow) Saves() bool { return f.command != nil && f.at == stepConfirm }

// Done says that the monitor is saved.
func (f Flow) Done() bool { return f.done }

// Left says that the person left without saving.
func (f Flow) Left() bool { return f.left }

// Leave ends the flow; nothing is saved.
func (f Flow) Leave() Flow {
	f.left, f.command = true, nil
	return f
}

// Executed says how [Flow.Command] ended.
func (f Flow) Executed(ok bool) Flow {
	f.command = nil
	f.note = ""
	switch {
	case f.at == stepConfirm && ok:
		f.done = true
	case f.at == stepConfirm:
		f.note = "not saved: go back to change something, or try again"
	case ok:
		f = f.to(f.at + 1)
	default:
		f.keep = f.at
		f = f.to(stepKeep)
	}
	return f
}

// Back returns to the question before. Answers are kept as defaults.
func (f Flow) Back() Flow {
	f.note = ""
	if len(f.trail) == 0 {
		f.note = "this is the first question; `cancel` leaves without saving"
		return f
	}
	f.at = f.trail[len(f.trail)-1]
	f.trail = f.trail[:len(f.trail)-1]
	return f
}

func (f Flow) to(next stepID) Flow {
	if f.at != stepKeep { // going back never ends at a question about a measurement
		f.trail = append(slices.Clip(f.trail), f.at)
	}
	f.at = next
	return f
}

// Answer takes what was typed. An error rejects it: the question stays, and
// the error says why. An empty text takes the default.
func (f Flow) Answer(text string) (Flow, error) {
	text = strings.TrimSpace(text)
	was := f
	f.note = ""
	switch text {
	case "back", "<":
		return f.Back(), nil
	case "cancel":
		return f.Leave(), nil
	case "":
		if text = f.Ask().Default; text == "" {
			return was, fmt.Errorf("%s: type one, %s", f.Ask().Title, f.Ask().Example)
		}
	}
	next, err := f.accept(text)
	if err != nil {
		was.note = ""
		return was, err
	}
	return next, nil
}

func (f Flow) accept(text string) (Flow, error) {
	switch f.at {
	case stepKind:
		return f.kind(text)
	case stepTarget:
		return f.target(text)
	case stepKeep:
		return f.kept(text)
	case stepEvery:
		return f.every(text)
	case stepTimeout:
		return f.timeout(text)
	case stepOptions:
		return f.options(text)
	case stepWhere:
		return f.where(text)
	case stepTags:
		return f.tags(text)
	case stepName:
		return f.name(text)
	}
	return f.confirm(text)
}

// mistake is what Check says about one field of the draft, which was typed; nil when it
// is fine.
func (f Flow) mistake(path, typed string) error {
	for _, e := range wire.FieldErrors(f.world.Check(f.draft)) {
		if e.Path == path || strings.HasPrefix(e.Path, path+".") || strings.HasPrefix(e.Path, path+"[") {
			return &wire.FieldError{Path: e.Path, Err: wire.AsWritten(e.Err, typed)}
		}
	}
	return nil
}

func (f Flow) kindOf() Kind {
	i := slices.IndexFunc(f.world.Kinds, func(k Kind) bool { return k.Name == f.draft.Kind })
	if i < 0 {
		return Kind{}
	}
	return f.world.Kinds[i]
}

func yesNo(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "y", "yes", "true":
		return true, nil
	case "n", "no", "false":
		return false, nil
	}
	return false, fmt.Errorf("want yes or no, got %q", text)
}
