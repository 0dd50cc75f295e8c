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
//
// When none answers the error is the last one, except that an address which
// could not even be sent to does not hide what was found out about another.
func firstThatAnswers(ctx context.Context, run *Run, addrs []netip.Addr, try func(ctx context.Context, a netip.Addr) error) error {
	var kept error
	var keptAddr netip.Addr
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
		if kept == nil || !unsent(err) || unsent(kept) {
			kept, keptAddr = err, a
		}
		if ctx.Err() != nil {
			break
		}
	}
	if keptAddr.IsValid() {
		run.Reached(keptAddr.String())
	}
	return kept
}

// silent says whether err means that the address did not answer at all.
func silent(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Failure {
	case wire.FailNoAnswer, wire.FailTimeout, wire.FailRefused, wire.FailUnreachable, wire.BrokenLocal, wire.BrokenPermission:
		return true
	}
	return false
}

// unsent says whether err means that nothing reached the address.
func unsent(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Broken || e.Failure == wire.FailUnreachable)
}
