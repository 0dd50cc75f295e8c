package tlsconf

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"netmon/probes"
	"netmon/probes/internal/figures"
	"netmon/wire"
)

// certError says which certificate is at fault, and why.
type certError struct {
	fault string // one of those below
	text  string
	err   error // the library's
}

func (e *certError) Error() string { return e.text }

func (e *certError) Unwrap() error { return e.err }

// What is wrong with certificates, in a result's verify_fault.
const (
	FaultExpired     = "expired"
	FaultNotYet      = "not_yet_valid"
	FaultSelfSigned  = "self_signed"
	FaultUnknown     = "unknown_authority"
	FaultMissing     = "missing_issuer"
	FaultName        = "name"
	FaultWeak        = "weak_signature"
	FaultNotAllowed  = "not_allowed"
	faultOtherReason = "other"
)

// certificateFault makes a sentence of why the certificates that were sent do
// not verify at now, from the library's error and from what is at hand.
func certificateFault(sent []*x509.Certificate, path tlsPath, o x509.VerifyOptions, name string, err error) error {
	leaf := sent[0]
	e := &certError{fault: faultOtherReason, err: err}
	var (
		invalid  x509.CertificateInvalidError
		host     x509.HostnameError
		unknown  x509.UnknownAuthorityError
		critical x509.UnhandledCriticalExtension
	)
	switch {
	case errors.As(err, &host):
		e.fault, e.text = FaultName, fmt.Sprintf("%s is not for %s: %s", whose(leaf, path), name, namesOf(leaf))
	case errors.As(err, &critical):
		e.fault, e.text = FaultNotAllowed, fmt.Sprintf("%s has a critical extension that is not known here: %v", whose(leaf, path), leaf.UnhandledCriticalExtensions)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		// The library names the first that it met, which may be one that
		// nobody needs.
		if e.fault, e.text = badTimes(path.counted(), path, o.CurrentTime); e.text == "" {
			e.fault, e.text = untrusted(sent, path, err)
		}
	case errors.As(err, &invalid):
		e.fault, e.text = FaultNotAllowed, notAllowed(invalid, path)
	case errors.As(err, &unknown):
		if e.fault, e.text = badTimes(path.counted(), path, o.CurrentTime); e.text == "" || !path.rooted {
			e.fault, e.text = untrusted(sent, path, err)
		}
		if o.Roots == nil && (e.fault == FaultUnknown || e.fault == FaultMissing) && NoSystemRoots() {
			return probes.Broken(wire.BrokenLocal, "this host trusts no authority: install its package of CA certificates, or give tls.ca (%w)", e)
		}
	default:
		e.text = fmt.Sprintf("%s does not verify: %s", whose(leaf, path), libraryWords(err))
	}
	return probes.Fail(wire.FailCertificate, "%w", e)
}

// badTimes names those that are not valid now, "" when all are.
func badTimes(certs []*x509.Certificate, path tlsPath, now time.Time) (fault, text string) {
	var all []string
	for _, c := range certs {
		switch {
		case now.After(c.NotAfter):
			all = append(all, fmt.Sprintf("%s expired on %s", whose(c, path), CertTime(c.NotAfter)))
			if fault == "" {
				fault = FaultExpired
			}
		case now.Before(c.NotBefore):
			all = append(all, fmt.Sprintf("%s is not valid before %s", whose(c, path), CertTime(c.NotBefore)))
			if fault == "" {
				fault = FaultNotYet
			}
		}
	}
	return fault, strings.Join(all, "; ")
}

// untrusted says why the path leads to no authority that is trusted.
func untrusted(sent []*x509.Certificate, path tlsPath, err error) (fault, text string) {
	leaf, top := path.certs[0], path.certs[len(path.certs)-1]
	for i, c := range path.certs {
		switch c.SignatureAlgorithm {
		case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
			if !selfIssued(c) {
				return FaultWeak, fmt.Sprintf("%s is signed with %s, which is no longer accepted", whose(c, path), c.SignatureAlgorithm)
			}
		}
		if i > 0 && !maySign(c) {
			return FaultNotAllowed, whose(c, path) + notAnAuthority
		}
	}
	issuer := quoteName(top.Issuer.String())
	sentForIt := func(c *x509.Certificate) bool {
		return bytes.Equal(c.RawSubject, top.RawIssuer) && !slices.ContainsFunc(path.certs, c.Equal)
	}
	switch {
	case selfIssued(top) && top == leaf && signed(leaf, leaf):
		return FaultSelfSigned, fmt.Sprintf("%s is self-signed, and not among the trusted ones", whose(leaf, path))
	case selfIssued(top) && top != leaf:
		return FaultUnknown, fmt.Sprintf("unknown authority: the root %s, which the server sends, is not among the trusted ones", subjectOf(top))
	case slices.ContainsFunc(sent[1:], sentForIt):
		return FaultUnknown, fmt.Sprintf("unknown authority: the certificate that the server sends for the issuer %s does not have the key that signed %s", issuer, subjectOf(top))
	case strings.Contains(err.Error(), "verification failure"), strings.Contains(err.Error(), "verification error"):
		return FaultUnknown, fmt.Sprintf("unknown authority: the issuer of %s is %s, and the trusted certificate of that name has another key", subjectOf(top), issuer)
	case strings.Contains(err.Error(), "possibly because of"):
		return FaultUnknown, fmt.Sprintf("unknown authority: the issuer of %s is %s, and the trusted certificate of that name does not fit it (%s)", subjectOf(top), issuer, libraryWords(err))
	case top == leaf:
		return FaultMissing, fmt.Sprintf("the server does not send the certificate of its issuer %s, which is not among the trusted ones: an intermediate certificate is missing, or the authority is unknown", issuer)
	}
	return FaultUnknown, fmt.Sprintf("unknown authority: %s, the issuer of %s, is not among the trusted ones, and the server does not send its certificate", issuer, subjectOf(top))
}

const notAnAuthority = " may not sign others: it is not that of an authority (RFC 5280 sections 4.2.1.3 and 4.2.1.9)"

// maySign says whether a certificate is that of an authority, as x509 sees it.
func maySign(c *x509.Certificate) bool {
	if c.Version == 3 && !c.BasicConstraintsValid || c.BasicConstraintsValid && !c.IsCA {
		return false
	}
	return c.KeyUsage == 0 || c.KeyUsage&x509.KeyUsageCertSign != 0
}

func notAllowed(e x509.CertificateInvalidError, path tlsPath) string {
	switch of := whose(e.Cert, path); e.Reason {
	case x509.NotAuthorizedToSign:
		return of + notAnAuthority
	case x509.TooManyIntermediates:
		return of + " allows fewer issuers below it (path length, RFC 5280 section 4.2.1.9)"
	case x509.IncompatibleUsage:
		return of + ", or that of an issuer, is not for servers (extended key usage, RFC 5280 section 4.2.1.12)"
	case x509.CANotAuthorizedForThisName:
		return fmt.Sprintf("an issuer of %s may not sign for its names (name constraints, RFC 5280 section 4.2.1.10): %s", of, figures.Clip(e.Detail))
	default:
		return of + " is not valid: " + libraryWords(e)
	}
}

// whose names a certificate by its part in the path and its subject.
func whose(c *x509.Certificate, path tlsPath) string {
	switch {
	case len(path.certs) == 0 || c.Equal(path.certs[0]):
		return "the server's certificate " + subjectOf(c)
	case path.rooted && c.Equal(path.certs[len(path.certs)-1]):
		return "the certificate of the root " + subjectOf(c)
	}
	return "the certificate of the issuer " + subjectOf(c)
}

// subjectOf is the subject of a certificate for a sentence; of one without
// subject (RFC 5280 section 4.1.2.6) its first name.
func subjectOf(c *x509.Certificate) string {
	s := c.Subject.String()
	switch {
	case s != "":
	case len(c.DNSNames) > 0:
		s = c.DNSNames[0]
	case len(c.IPAddresses) > 0:
		s = c.IPAddresses[0].String()
	}
	return quoteName(s)
}

// quoteName puts a name into quotes, short and in one line: it is whatever the
// server wrote.
func quoteName(s string) string {
	const most = 80
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		s = strings.Trim(fmt.Sprintf("%q", s), `"`)
	}
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return "'" + s + "'"
}

// namesOf says which names a certificate has, the first few.
func namesOf(c *x509.Certificate) string {
	const most = 5
	names := slices.Clone(c.DNSNames[:min(len(c.DNSNames), most)])
	for _, ip := range c.IPAddresses[:min(len(c.IPAddresses), most)] {
		names = append(names, ip.String())
	}
	n := len(c.DNSNames) + len(c.IPAddresses)
	if n == 0 {
		return "it has no subject alternative name, and a common name does not count (RFC 9525)"
	}
	shown := names[:min(len(names), most)]
	for i, s := range shown {
		shown[i] = strings.Trim(quoteName(s), "'")
	}
	text := "it is for " + strings.Join(shown, ", ")
	if n > len(shown) {
		text += fmt.Sprintf(" and %d more", n-len(shown))
	}
	return text
}

// CertTime is a time as the texts about certificates write it, in UTC.
func CertTime(t time.Time) string { return t.UTC().Format(time.DateTime) + " UTC" }

func libraryWords(err error) string {
	return figures.Clip(strings.TrimPrefix(strings.TrimPrefix(err.Error(), "tls: failed to verify certificate: "), "x509: "))
}

// NoSystemRoots says that the host has no certificates to trust, as a container
// without the package for them: that is not the target's fault.
func NoSystemRoots() bool {
	pool, err := x509.SystemCertPool()
	return err == nil && pool.Equal(x509.NewCertPool())
}
