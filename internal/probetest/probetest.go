package probetest

import (
	"context"
	"encoding/json"
	"flag"
	"testing"
	"time"

	"netmon/probes"
	"netmon/wire"
)

// Measure runs one probe of these kinds as an agent would, and fails the test when
// the configuration is refused.
func MeasureOf(t *testing.T, kinds probes.List, timeout time.Duration, kind, target, options string) wire.Result {
	t.Helper()
	env := &probes.Env{}
	t.Cleanup(func() { env.Close() })
	c, err := kinds.New(env, kind, target, json.RawMessage(options))
	if err != nil {
		t.Fatalf("New(%q, %q, %s): %v", kind, target, options, err)
	}
	r, ok := Begun(env, c, timeout)
	if !ok {
		r = c.Run(t.Context(), timeout, func(s probes.Step) { t.Logf("%8v %s", s.At.Round(time.Microsecond), s.Text) })
	}
	t.Logf("%s %s: %s", r.Outcome, r.Failure, r.Details)
	return r
}

// RefusedBy returns every mistake in a configuration, a line each.
func RefusedBy(t *testing.T, kinds probes.List, kind, target, options string) string {
	t.Helper()
	_, err := kinds.New(nil, kind, target, json.RawMessage(options))
	if err == nil {
		t.Fatalf("New(%q, %q, %s) was accepted", kind, target, options)
	}
	return err.Error()
}

// CheckOf builds a probe.
func CheckOf(t *testing.T, kinds probes.List, env *probes.Env, kind, target, options string) *probes.Check {
	t.Helper()
	c, err := kinds.New(env, kind, target, json.RawMessage(options))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var InGoroutines = flag.Bool("in-goroutines", false, "make every run by Measure, also those that need no goroutine")

// Begun measures as the agent does where that needs no goroutine.
func Begun(env *probes.Env, c *probes.Check, timeout time.Duration) (r wire.Result, ok bool) {
	if *InGoroutines {
		return r, false
	}
	done := make(chan wire.Result, 1)
	p, ok := c.Begin(func(r wire.Result) { done <- r })
	if !ok {
		return r, false
	}
	env.Launched()
	limit := time.NewTimer(timeout)
	defer limit.Stop()
	select {
	case r = <-done:
	case <-limit.C:
		p.Stop(context.DeadlineExceeded)
		r = <-done
	}
	return r, true
}

// WantFailure checks outcome and reason in one line.
func WantFailure(t *testing.T, r wire.Result, outcome wire.Outcome, failure wire.Failure) {
	t.Helper()
	if r.Outcome != outcome || r.Failure != failure {
		t.Errorf("outcome %s %q (%s), want %s %q", r.Outcome, r.Failure, r.Error, outcome, failure)
	}
}

// DetailsOf decodes a result's details.
func DetailsOf[D any](t *testing.T, r wire.Result) D {
	t.Helper()
	var d D
	if err := json.Unmarshal(r.Details, &d); err != nil {
		t.Fatalf("details %s: %v", r.Details, err)
	}
	return d
}

// UntilAnsweredBy runs a probe until the server, which is just starting, answers
// at all.
func UntilAnsweredBy(t *testing.T, kinds probes.List, kind, target, options string) wire.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	for {
		r := MeasureOf(t, kinds, 500*time.Millisecond, kind, target, options)
		if r.Failure != wire.FailRefused && r.Failure != wire.FailNoAnswer || ctx.Err() != nil {
			return r
		}
		select { // a closed port answers at once
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}
