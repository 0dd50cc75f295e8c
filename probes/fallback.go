package probes

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"netmon/wire"
)

// FirstThatAnswers calls try with one address after the other until one
// answers: over UDP only an exchange shows whether an address works. Each gets
// its part of the time that is left. An error that says more of the target than
// silence does, such as a wrong answer, ends the search.
// When none answers the error is that of [addressErrors].
func FirstThatAnswers(ctx context.Context, run *Run, addrs []netip.Addr, try func(ctx context.Context, a netip.Addr) error) error {
	var kept addressErrors
	for i, a := range addrs {
		if i > 0 {
			run.Stepf("falling back to %s", a)
		}
		attempt, cancel := ShareTime(ctx, len(addrs)-i)
		begin := time.Now()
		err := try(attempt, a)
		cancel()
		if (len(addrs) > 1 || run.triedAny()) && ctx.Err() != context.Canceled {
			run.tried(a, time.Since(begin), err)
		}
		if err == nil || !IsNoAnswer(err) {
			return err
		}
		kept.note(a, err)
		if ctx.Err() != nil {
			break
		}
	}
	return kept.result(run)
}

// addressErrors is the error of a run in which no address answered: the last one,
// except that an address which could not even be sent to does not hide what was
// found out about another.
type addressErrors struct {
	err  error
	addr netip.Addr // that it is about
}

func (v *addressErrors) note(a netip.Addr, err error) {
	if v.err == nil || !IsNotSent(err) || IsNotSent(v.err) {
		v.err, v.addr = err, a
	}
}

// result returns the error, and notes the address that it is about.
func (v *addressErrors) result(run *Run) error {
	if v.addr.IsValid() {
		run.Reached(v.addr.String())
	}
	return v.err
}

// IsNotSent says whether err means that nothing reached the address.
func IsNotSent(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Broken || e.Failure == wire.FailUnreachable)
}
