package probes

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"syscall"

	"netmon/probes/engine"
	"netmon/probes/internal/words"
	"netmon/wire"
)

// Error is why a run is not ok.
type Error struct {
	Failure wire.Failure
	Broken  bool // we could not measure; else the target failed
	Err     error
}

// Error implements error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// InWords says that its text is for people.
func (e *Error) InWords() {}

// Fail is the error of a target that failed, for a reason that only the kind knows.
func Fail(f wire.Failure, format string, args ...any) error {
	return &Error{Failure: f, Err: fmt.Errorf(format, args...)}
}

// Broken is the error of a measurement that could not be made.
func Broken(f wire.Failure, format string, args ...any) error {
	return &Error{Failure: f, Broken: true, Err: fmt.Errorf(format, args...)}
}

// NetFail is the error of a target that failed on the network: the reason is
// read from err, and its words are [words.InWords]'s. what says what was being done:
// "connect", "read the banner".
func NetFail(what string, err error) error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return &Error{Failure: e.Failure, Broken: e.Broken, Err: fmt.Errorf("%s: %w", what, err)}
	}
	f, isBroken := Reason(err)
	return &Error{Failure: f, Broken: isBroken, Err: fmt.Errorf("%s: %w", what, words.InWords(err))}
}

// Reason reads the closed set's word out of an error of the standard library.
func Reason(err error) (f wire.Failure, isBroken bool) {
	var (
		dns  *net.DNSError
		alrt tls.AlertError
		rec  tls.RecordHeaderError
		cert *tls.CertificateVerificationError
		inv  x509.CertificateInvalidError
		name x509.HostnameError
		auth x509.UnknownAuthorityError
	)
	var (
		icmp  engine.ICMPError
		route *engine.NoRouteError
	)
	switch {
	case errors.As(err, &route):
		return wire.BrokenNoRoute, true
	case errors.As(err, &icmp):
		// One that is not a plain "unreachable", such as one about the packet's size, says
		// as much: the packet did not get there.
		if f, isBroken = Reason(icmp.Err); f == wire.FailBadAnswer {
			f = wire.FailUnreachable
		}
		return f, isBroken
	case errors.As(err, &dns):
		if dns.IsNotFound {
			return wire.FailNoSuchHost, false
		}
		return wire.FailResolve, false
	case errors.As(err, &cert), errors.As(err, &inv), errors.As(err, &name), errors.As(err, &auth):
		return wire.FailCertificate, false
	case errors.As(err, &alrt), errors.As(err, &rec):
		return wire.FailTLS, false
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		return wire.FailTimeout, false
	case errors.Is(err, syscall.ECONNREFUSED):
		return wire.FailRefused, false
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNABORTED):
		return wire.FailReset, false
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTDOWN),
		errors.Is(err, syscall.ENETDOWN), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.ENOPROTOOPT):
		return wire.FailUnreachable, false // EACCES on connect: ICMP administratively prohibited, or a broadcast address
	case errors.Is(err, syscall.EPERM):
		return wire.BrokenPermission, true // the host's own firewall
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE),
		errors.Is(err, syscall.ENOBUFS), errors.Is(err, syscall.ENOMEM), errors.Is(err, syscall.ENODEV),
		errors.Is(err, syscall.EADDRINUSE), errors.Is(err, syscall.EAFNOSUPPORT):
		return wire.BrokenLocal, true
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return wire.FailClosed, false
	}
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return wire.FailTimeout, false
	}
	return wire.FailBadAnswer, false
}

// classify turns what Measure returned into the words of a result. An error
// that no kind classified is read as a network error; late says that the run's
// time was over.
func classify(late bool, err error) (wire.Outcome, wire.Failure, string) {
	if err == nil {
		return wire.OK, "", ""
	}
	var e *Error
	if !errors.As(err, &e) {
		f, isBroken := Reason(err)
		if late && !isBroken {
			f = wire.FailTimeout
		}
		e = &Error{Failure: f, Broken: isBroken}
		if err = words.InWords(err); f == wire.FailTimeout && (late || words.IsTimeout(err)) {
			err = errors.New("it did not end within the timeout")
		}
	}
	outcome := wire.Failed
	if e.Broken {
		outcome = wire.Broken
	}
	if !slices.ContainsFunc(wire.Failures, func(d wire.FailureDoc) bool { return d.Failure == e.Failure && d.Outcome == outcome }) {
		return wire.Broken, wire.BrokenInternal, fmt.Sprintf("the kind's reason %q, %s, is none of the contract's: %v", e.Failure, outcome, err)
	}
	return outcome, e.Failure, err.Error()
}

// FailureIs says whether err is a failure for this reason.
func FailureIs(err error, f wire.Failure) bool {
	var e *Error
	return errors.As(err, &e) && e.Failure == f
}
