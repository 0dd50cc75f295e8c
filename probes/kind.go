package probes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

// Kind is one kind of probe, made by [NewKind].
type Kind struct {
	Name    string
	Target  string // the form of its targets, such as HOST:PORT
	Example string // a target, for help and documentation
	Doc     string // what it does, to go after its name
	// MinEvery is the shortest interval that this kind allows. It protects
	// public servers; 0 means that there is no bound of its own.
	MinEvery time.Duration

	// Main are the paths of the options that matter to most people, for who
	// shows a few first.
	Main []string

	// Usual marks the kind that people mostly want, for who proposes one.
	Usual bool

	// Without are the options of every kind that this one has no use for, and refuses.
	Without []string

	// Propose is a target that most likely answers where a NATS server is at this host and
	// port, for who proposes one; nil is none.
	Propose func(host, port string) string

	// Limits are the kind's own bounds, on its options and on what it reads.
	Limits []wire.Limit

	// Modules are names of blackbox_exporter for measurements of this kind.
	Modules []Module

	// Metrics are the figures that Prometheus and its like get, by what name.
	Metrics []Metric

	Options []Field // its options, in the order of its file; set by NewKind
	// Defaults is a probe of this kind with every option at its default, for who
	// describes the form of its options; set by NewKind.
	Defaults any
	Figures  []Field // its figures; set by NewKind

	build  func(target string, options []byte) (prepared, error)
	report func(details []byte, w io.Writer) error
	ready  func(*Env) error
	wrong  error // why its probe's type is of no use
}

// Ready says whether this process can run the kind at all, and if not what to do.
func (k Kind) Ready(env *Env) (err error) {
	defer k.recoverPanic(&err)
	return k.ready(env)
}

// Report writes details, as they came in a result, for people.
func (k Kind) Report(details json.RawMessage, w io.Writer) (err error) {
	defer k.recoverPanic(&err)
	return k.report(details, w)
}

// recoverPanic turns a panic of the kind's code, which may be somebody else's, into an
// error: neither an agent nor a command ends by it.
func (k Kind) recoverPanic(err *error) {
	if p := recover(); p != nil {
		*err = &wire.FieldError{Path: "kind", Err: panicked(k.Name, p)}
	}
}

type measureFunc func(ctx context.Context, run *Run) (Details, error)

// prepared is a probe without its type. Its parts are one struct on the heap,
// seen from several sides: ten thousand monitors have one each.
type prepared struct {
	measure measureFunc
	starter Starter // nil for a kind that is none
	asked   asked
}

// asked is a pointer to a probe's struct, for what it says of itself.
type asked interface {
	common() Common
	Footprint(target string) Footprint
}

// NewKind completes k, which has a name, a target, an example and a doc, with
// what the probe's type shows. defaults returns a probe with every option at its
// default: a struct, or a pointer to a new one each time. A probe that cannot run everywhere also has the method
// Ready(*Env) error; one that needs no goroutine while it waits is a [Starter].
func NewKind[P Probe[D], D Details](k Kind, defaults func() P) Kind {
	first := defaults()
	_, k.wrong = pointerTo(&first)
	k.Defaults = first
	k.Options = slices.DeleteFunc(fieldsOf(first), func(f Field) bool { return slices.Contains(k.Without, f.Path) })
	k.Figures = append(fieldsOf(*new(D)), fieldsOf(Shared{})...)
	k.build = func(target string, options []byte) (prepared, error) {
		p := defaults()
		pointer, err := pointerTo(&p)
		if err != nil {
			return prepared{}, err
		}
		var problems wire.Problems
		if len(bytes.TrimSpace(options)) > 0 {
			problems.Add("", wire.DecodeStrict(options, pointer))
		}
		if err := checkLists("", reflect.ValueOf(p)); err != nil {
			return prepared{}, err
		}
		problems.Add("", p.common().validate())
		problems.Add("", p.common().lacks(k.Name, k.Without))
		problems.Add("", p.Validate(target))
		if err := problems.Err(); err != nil {
			return prepared{}, err
		}
		problems.Add("", p.common().sameFamily(p.Footprint(target)))
		problems.Add("", p.common().eachPossible(p.Footprint(target)))
		if err := problems.Err(); err != nil {
			return prepared{}, err
		}
		run := prepared{measure: func(ctx context.Context, run *Run) (Details, error) { return p.Measure(ctx, run) }}
		run.asked = pointer
		run.starter, _ = pointer.(Starter)
		return run, nil
	}
	k.report = func(details []byte, w io.Writer) error {
		d := *new(D)
		if err := json.Unmarshal(details, &d); err != nil {
			return fmt.Errorf("decode %s details: %w", k.Name, err)
		}
		if !isNil(d) {
			d.Report(w)
		}
		var shared Shared
		if err := json.Unmarshal(details, &shared); err != nil {
			return fmt.Errorf("decode %s details: %w", k.Name, err)
		}
		shared.report(w)
		return nil
	}
	k.ready = func(env *Env) error {
		if r, ok := any(defaults()).(interface{ Ready(*Env) error }); ok {
			return r.Ready(env)
		}
		return nil
	}
	return k
}

// pointerTo returns a pointer to the struct of a probe, which p points to, or which
// p's own pointer does.
func pointerTo[P any](p *P) (asked, error) {
	v := reflect.ValueOf(p)
	if v.Elem().Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if a, ok := v.Interface().(asked); ok && v.Elem().Kind() == reflect.Struct {
		return a, nil
	}
	return nil, errors.New("its probe must be a struct or a pointer to one")
}

// isNil says whether d is none: nil, or a pointer that is.
func isNil(d Details) bool {
	v := reflect.ValueOf(d)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

// New builds a probe of this kind. The error holds every mistake in target and
// options, by field.
func (k Kind) New(env *Env, target string, options json.RawMessage) (c *Check, err error) {
	defer k.recoverPanic(&err)
	if k.build == nil {
		return nil, &wire.FieldError{Path: "kind", Err: fmt.Errorf("kind %q was not made by NewKind", k.Name)}
	}
	if k.wrong != nil {
		return nil, &wire.FieldError{Path: "kind", Err: fmt.Errorf("kind %q: %w", k.Name, k.wrong)}
	}
	p, err := k.build(target, options)
	if err != nil {
		var problems wire.Problems
		for _, e := range wire.FieldErrors(wire.AsWrittenIn(err, options)) {
			path := "options"
			if e.Path == "target" {
				path = ""
			}
			problems.Add(path, e)
		}
		return nil, problems.Err()
	}
	made := &Check{kind: k.Name, target: target, env: env, prepared: p}
	made.named = len(made.secretsNamed()) > 0
	made.each = made.measuresEach()
	if host := targetHost(made.asked.Footprint(target)); !isASCII(target) && strings.Contains(host, "xn--") {
		made.name = host
	}
	return made, nil
}
