package probes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"netmon/wire"
)

// Check is a monitor's probe: decoded, validated, ready to run again and again.
// Runs of one Check must not overlap.
type Check struct {
	// Timeout, when it is set, is when the caller of Begin calls Stop: targets of
	// several addresses share it among them.
	Timeout time.Duration

	kind, target string
	env          *Env
	named        bool   // it names secrets
	each         bool   // every address of the target's name is measured
	name         string // the target's in ASCII, where it has another form
	prepared
	prev any
}

// Run measures once, within timeout, and returns the result with everything
// filled in that a probe can know. onStep, when not nil, is called with what happens
// as it happens, from any goroutine. A panic becomes a broken result.
func (c *Check) Run(ctx context.Context, timeout time.Duration, onStep func(Step)) wire.Result {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if c.each {
		return c.runEach(ctx, onStep)
	}
	run := &Run{Target: c.target, Env: c.env, Prev: c.prev, named: c.named, onStep: onStep, Started: time.Now()}
	details, err := c.recoverPanic(ctx, run)
	c.prev = run.kept
	return c.buildResult(run, time.Since(run.Started), details, err, ctx.Err() != nil)
}

// Close ends what the last run left for the next one, such as a connection that
// is kept open. No run may be under way, and none follows.
func (c *Check) Close() error {
	left := c.prev
	c.prev = nil
	return closeKept(left)
}

// closeKept closes what a run kept, where that can be closed. A panic of it, which is
// the kind's code, becomes an error.
func closeKept(kept any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("close what the last run kept open: panic: %v", p)
		}
	}()
	if c, ok := kept.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// buildResult makes the result of a run that took elapsed and ended with details
// and err; late says that its time was over. A panic of what the kind returned, which
// is asked here, becomes a broken result.
func (c *Check) buildResult(run *Run, elapsed time.Duration, details Details, err error, late bool) (r wire.Result) {
	defer func() {
		if p := recover(); p != nil {
			r = c.resultOf(run, elapsed, nil, panicked(c.kind, p), false)
		}
	}()
	return c.resultOf(run, elapsed, details, err, late)
}

func (c *Check) resultOf(run *Run, elapsed time.Duration, details Details, err error, late bool) wire.Result {
	r := wire.Result{
		Kind: c.kind, Target: c.target,
		Started: run.Started.UTC(), ElapsedNS: int64(elapsed),
		Address: run.address, Unmet: run.unmet,
	}
	waited := elapsed
	if !isNil(details) {
		h := details.Headline()
		r.Clock, r.Loss, r.Summary = h.Clock, h.Loss, h.Summary
		if h.Latency > 0 {
			waited = h.Latency
			ns := int64(waited)
			r.LatencyNS = &ns
			if !h.Whole {
				waited += run.lostOnOthers()
			}
		}
		if after := run.afterOthers(); after != "" && r.Summary != "" {
			r.Summary += ", " + after
		}
		if !h.Expires.IsZero() {
			t := h.Expires.UTC()
			r.CertExpires = &t
		}
		data, jerr := json.Marshal(details)
		if jerr != nil && err == nil {
			err = Broken(wire.BrokenInternal, "encode details: %w", jerr)
		}
		r.Details = data
	}
	if run.only == nil { // else the result of all lists them
		run.addresses.Name, run.addresses.Note = c.name, run.NoteText()
		if data, jerr := run.addresses.with(r.Details); jerr == nil {
			r.Details = data
		}
	}
	r.Summary = run.noted(r.Summary)
	err = c.applyExpectations(run, waited, err)
	r.Outcome, r.Failure, r.Error = classify(late, err)
	if r.Outcome != wire.OK {
		r.Error += run.othersToo()
	}
	r.Unmet = run.unmet
	if run.inverted != "" {
		r.Summary = "does not answer, as expected: " + string(run.inverted)
	}
	run.concealResult(&r)
	if run.onStep != nil {
		run.Stepf("%s", verdict(r))
	}
	return r
}

// applyExpectations applies the options that all kinds share to what Measure returned. waited
// is the latency and what went by before it with addresses that did not work:
// whoever uses the target waits for both.
func (c *Check) applyExpectations(run *Run, waited time.Duration, err error) error {
	common := c.asked.common()
	if err == nil {
		if within := common.Within.Std(); within > 0 {
			after := run.afterOthers()
			if after != "" {
				after = ", " + after
			}
			run.Expect(waited <= within, "within", within.String(), waited.String()+after)
			if waited > within && len(run.unmet) == 1 {
				err = Fail(wire.FailSlow, "took %v%s, want at most %v", waited, after, within)
			}
		}
	}
	if err == nil && len(run.unmet) > 0 {
		u := run.unmet[0]
		err = Fail(wire.FailMismatch, "%s: want %s, got %s", u.Expect, u.Want, u.Got)
		if n := len(run.unmet) - 1; n > 0 {
			err = Fail(wire.FailMismatch, "%w (and %d more)", err, n)
		}
	}
	if !common.Invert {
		return err
	}
	if err == nil {
		return Fail(wire.FailAnswered, "the target answered, but invert expects no answer")
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
		return Fail(wire.FailAnswered, "the target answered, but invert expects no answer: %w", err)
	}
	return err
}

// recoverPanic turns a panic of the probe into a broken result.
func (c *Check) recoverPanic(ctx context.Context, run *Run) (d Details, err error) {
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
