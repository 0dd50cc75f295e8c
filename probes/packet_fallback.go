package probes

import (
	"context"
	"errors"
	"net/netip"

	"netmon/wire"
)

// firstThatAnswers calls try with one address after the other until one
// answers: over UDP only an exchange tells whether an address works. Each gets
// its part of the time that is left. An error that says more of the target than
// silence does, such as a wrong answer, ends the search.
// When none answers the error is that of [verdictOf].
func firstThatAnswers(ctx context.Context, run *Run, addrs []netip.Addr, try func(ctx context.Context, a netip.Addr) error) error {
	var kept verdictOf
	for i, a := range addrs {
		if i > 0 {
			run.Stepf("falling back to %s", a)
		}
		attempt, cancel := share(ctx, len(addrs)-i)
		err := try(attempt, a)
		cancel()
		if err == nil || !silent(err) {
			return err
		}
		kept.note(a, err)
		if ctx.Err() != nil {
			break
		}
	}
	return kept.conclude(run)
}

// verdictOf is the error of a run in which no address answered: the last one,
// except that an address which could not even be sent to does not hide what was
// found out about another.
type verdictOf struct {
	err  error
	addr netip.Addr // that it is about
}

func (v *verdictOf) note(a netip.Addr, err error) {
	if v.err == nil || !unsent(err) || unsent(v.err) {
		v.err, v.addr = err, a
	}
}

// conclude returns the error, and notes the address that it is about.
func (v *verdictOf) conclude(run *Run) error {
	if v.addr.IsValid() {
		run.Reached(v.addr.String())
	}
	return v.err
}

// silent says whether err means that the address did not answer at all.
func silent(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Failure {
	case wire.FailNoAnswer, wire.FailTimeout, wire.FailRefused, wire.FailUnreachable, wire.BrokenLocal, wire.BrokenNoRoute, wire.BrokenPermission:
		return true
	}
	return false
}

// unsent says whether err means that nothing reached the address.
func unsent(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Broken || e.Failure == wire.FailUnreachable)
}
