package probes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"time"

	"netmon/wire"
)

// Kind is one entry of [Kinds].
type Kind struct {
	Name    string
	Target  string // the form of its targets, such as HOST:PORT
	Example string // a target, for help and documentation
	Doc     string // what it does, to stand after its name
	// MinEvery is the shortest interval that this kind allows. It protects
	// public servers; 0 means that there is no bound of its own.
	MinEvery time.Duration

	// Main are the paths of the options that matter to most people, for who
	// shows a few first.
	Main []string

	Options []Field // its options, in the order of its file
	Figures []Field // its figures

	build  func(target string, options []byte) (prepared, error)
	report func(details []byte, w io.Writer) error
	ready  func(*Env) error
}

// atLeast sets MinEvery.
func (k Kind) atLeast(d time.Duration) Kind {
	k.MinEvery = d
	return k
}

// mainly sets Main.
func (k Kind) mainly(paths ...string) Kind {
	k.Main = paths
	return k
}

// Ready says whether this process can run the kind at all, and if not what to do.
func (k Kind) Ready(env *Env) error { return k.ready(env) }

// Report writes details, as they came in a result, for people.
func (k Kind) Report(details json.RawMessage, w io.Writer) error { return k.report(details, w) }

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
	footprint(target string) Footprint
}

// kind makes an entry of the list. defaults returns a probe with every option
// at its default. A probe that cannot run everywhere also has the method
// Ready(*Env) error.
func kind[P interface {
	Probe[D]
	asked
}, D Details](name, target, example, doc string, defaults func() P) Kind {
	return Kind{
		Name: name, Target: target, Example: example, Doc: doc,
		Options: fieldsOf(defaults()),
		Figures: fieldsOf(*new(D)),
		build: func(target string, options []byte) (prepared, error) {
			p := defaults()
			var problems wire.Problems
			if len(bytes.TrimSpace(options)) > 0 {
				problems.Add("", wire.DecodeStrict(options, &p))
			}
			if err := checkLists("", reflect.ValueOf(p)); err != nil {
				return prepared{}, err
			}
			problems.Add("", p.common().validate())
			problems.Add("", p.Validate(target))
			if err := problems.Err(); err != nil {
				return prepared{}, err
			}
			if err := p.common().sameFamily(p.footprint(target)); err != nil {
				return prepared{}, err
			}
			run := prepared{measure: func(ctx context.Context, run *Run) (Details, error) { return p.Measure(ctx, run) }}
			run.asked = any(&p).(asked)
			run.starter, _ = any(&p).(Starter)
			return run, nil
		},
		report: func(details []byte, w io.Writer) error {
			d := *new(D)
			if err := json.Unmarshal(details, &d); err != nil {
				return fmt.Errorf("decode %s details: %w", name, err)
			}
			d.Report(w)
			return nil
		},
		ready: func(env *Env) error {
			if r, ok := any(defaults()).(interface{ Ready(*Env) error }); ok {
				return r.Ready(env)
			}
			return nil
		},
	}
}

// Check is a monitor's probe: decoded, validated, ready to run again and again.
// Runs of one Check must not overlap.
type Check struct {
	// Timeout, when it is set, is when the caller of Begin calls Stop: targets of
	// several addresses share it among them.
	Timeout time.Duration

	kind, target string
	env          *Env
	named        bool // it names secrets
	prepared
	prev any
}

// New builds the probe of a monitor. The error holds every mistake in target
// and options, by field.
func New(env *Env, kindName, target string, options json.RawMessage) (*Check, error) {
	k, ok := Find(kindName)
	if !ok {
		return nil, &wire.FieldError{Path: "kind", Err: fmt.Errorf("unknown kind %q: one of %s", kindName, Names())}
	}
	p, err := k.build(target, options)
	if err != nil {
		var problems wire.Problems
		for _, e := range wire.FieldErrors(err) {
			path := "options"
			if e.Path == "target" {
				path = ""
			}
			problems.Add(path, e)
		}
		return nil, problems.Err()
	}
	c := &Check{kind: k.Name, target: target, env: env, prepared: p}
	c.named = len(c.secretsNamed()) > 0
	return c, nil
}

// Prepare builds the probe of a monitor with its defaults set. The error holds
// every mistake in it: in what all kinds share, in its target, in its options.
func Prepare(env *Env, m wire.Monitor) (*Check, error) {
	var p wire.Problems
	p.Add("", m.Validate())
	if k, ok := Find(m.Kind); ok && m.Every != 0 && m.Every.Std() < k.MinEvery {
		p.Addf("every", "kind %s allows at least %v, got %q", k.Name, k.MinEvery, m.Every)
	}
	var c *Check
	if m.Kind != "" {
		var err error
		c, err = New(env, m.Kind, m.Target, m.Options)
		for _, e := range wire.FieldErrors(err) {
			if e.Path != "target" || m.Target != "" { // it is missing, which was said
				p.Add("", e)
			}
		}
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	full := m.WithDefaults()
	if err := c.FitsIn(full.Timeout.Std(), full.Every.Std()); err != nil {
		return nil, err
	}
	c.Timeout = m.Timeout.Std()
	return c, nil
}

// CheckMonitor reports every mistake in a monitor: see [Prepare].
func CheckMonitor(m wire.Monitor) error {
	_, err := Prepare(nil, m)
	return err
}

// Run measures once, within timeout, and returns the result with everything
// filled in that a probe can know. onStep, when not nil, is told what happens
// as it happens, from any goroutine. A panic becomes a broken result.
func (c *Check) Run(ctx context.Context, timeout time.Duration, onStep func(Step)) wire.Result {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	run := &Run{Target: c.target, Env: c.env, Prev: c.prev, named: c.named, onStep: onStep, Started: time.Now()}
	details, err := c.contain(ctx, run)
	return c.conclude(run, time.Since(run.Started), details, err, ctx.Err() != nil)
}

// conclude makes the result of a run that took elapsed and ended with details
// and err; late says that its time was over.
func (c *Check) conclude(run *Run, elapsed time.Duration, details Details, err error, late bool) wire.Result {
	c.prev = run.kept
	r := wire.Result{
		Kind: c.kind, Target: c.target,
		Started: run.Started.UTC(), ElapsedNS: int64(elapsed),
		Address: run.address, Unmet: run.unmet,
	}
	latency := elapsed
	if details != nil {
		h := details.Headline()
		r.Clock, r.Loss, r.Summary = h.Clock, h.Loss, h.Summary
		if h.Latency > 0 {
			latency = h.Latency
			ns := int64(latency)
			r.LatencyNS = &ns
		}
		if !h.Expires.IsZero() {
			t := h.Expires.UTC()
			r.CertExpires = &t
		}
		data, jerr := json.Marshal(details)
		if jerr != nil && err == nil {
			err = broken(wire.BrokenInternal, "encode details: %w", jerr)
		}
		r.Details = data
	}
	err = c.judge(run, latency, err)
	r.Outcome, r.Failure, r.Error = classify(late, err)
	r.Unmet = run.unmet
	if run.inverted != "" {
		r.Summary = "does not answer, as wanted: " + string(run.inverted)
	}
	run.concealResult(&r)
	if run.onStep != nil {
		run.Stepf("%s", verdict(r))
	}
	return r
}

// judge applies the options that all kinds share to what Measure returned.
func (c *Check) judge(run *Run, latency time.Duration, err error) error {
	common := c.asked.common()
	if err == nil {
		if within := common.Within.Std(); within > 0 {
			run.Expect(latency <= within, "within", within.String(), latency.String())
			if latency > within && len(run.unmet) == 1 {
				err = fail(wire.FailSlow, "took %v, want at most %v", latency, within)
			}
		}
	}
	if err == nil && len(run.unmet) > 0 {
		u := run.unmet[0]
		err = fail(wire.FailMismatch, "%s: want %s, got %s", u.Expect, u.Want, u.Got)
		if n := len(run.unmet) - 1; n > 0 {
			err = fail(wire.FailMismatch, "%w (and %d more)", err, n)
		}
	}
	if !common.Invert {
		return err
	}
	if err == nil {
		return fail(wire.FailAnswered, "the target answered, and invert wants it not to")
	}
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Failure {
	case wire.FailTimeout, wire.FailRefused, wire.FailReset, wire.FailUnreachable, wire.FailNoAnswer, wire.FailTTLExceeded:
		run.Stepf("inverted: %v", err)
		run.inverted = e.Failure
		return nil
	case wire.FailMismatch, wire.FailSlow, wire.FailBadAnswer:
		return fail(wire.FailAnswered, "the target answered, and invert wants it not to: %w", err)
	}
	return err
}

// contain turns a panic of the probe into a broken result.
func (c *Check) contain(ctx context.Context, run *Run) (d Details, err error) {
	defer func() {
		if p := recover(); p != nil {
			d, err = nil, panicked(c.kind, p)
		}
	}()
	return c.measure(ctx, run)
}

func verdict(r wire.Result) string {
	if r.Outcome == wire.OK {
		return "ok"
	}
	return fmt.Sprintf("%s: %s: %s", r.Outcome, r.Failure, r.Error)
}
