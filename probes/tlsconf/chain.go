package tlsconf

import (
	"bytes"
	"crypto/x509"
	"errors"
	"slices"
	"time"
)

// tlsPath is the way from the server's certificate to an authority, the
// server's own first. What the server sent beside it plays no part.
type tlsPath struct {
	certs  []*x509.Certificate
	rooted bool // the last one is trusted here
}

// verifiedPath is the chain that holds longest of those that verified: until
// it ends the verification keeps succeeding.
func verifiedPath(chains [][]*x509.Certificate) tlsPath {
	best := tlsPath{rooted: true}
	for _, c := range chains {
		if best.certs == nil || firstToExpire(c).NotAfter.After(firstToExpire(best.certs).NotAfter) {
			best.certs = c
		}
	}
	return best
}

// firstToExpire is the certificate that ends first, nil of none. Of several
// that end together it is the one nearest to the server.
func firstToExpire(certs []*x509.Certificate) *x509.Certificate {
	var first *x509.Certificate
	for _, c := range certs {
		if first == nil || c.NotAfter.Before(first.NotAfter) {
			first = c
		}
	}
	return first
}

// counted are the certificates whose end is the end of the path. A trusted root
// counts: once it has expired, crypto/x509 and OpenSSL refuse what it signed. Where
// no trusted root is known, the last issuer does not count when it signed itself,
// or is not the one that signed the server's own: a client may trust its key as a
// root, and then has no use for the certificate that was sent for it.
func (p tlsPath) counted() []*x509.Certificate {
	n := len(p.certs)
	if p.rooted || n < 2 {
		return p.certs
	}
	if top := p.certs[n-1]; n > 2 || selfIssued(top) {
		return p.certs[:n-1]
	}
	return p.certs
}

func selfIssued(c *x509.Certificate) bool { return bytes.Equal(c.RawSubject, c.RawIssuer) }

// unverifiedPath is the path of certificates that do not verify now: the chain
// that verifies when nothing but time, name or use stands against it, or else
// what the server sent, from issuer to issuer, and the root of err if that has expired.
func unverifiedPath(sent []*x509.Certificate, o x509.VerifyOptions, err error) tlsPath {
	walk := issuersOf(sent, o.CurrentTime)
	o.DNSName, o.KeyUsages = "", []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
	o.Intermediates = x509.NewCertPool() // these alone: a server may send hundreds, and each try costs signatures
	for _, c := range walk[1:] {
		o.Intermediates.AddCert(c)
	}
	tried := map[time.Time]bool{}
	for _, part := range [][]*x509.Certificate{walk[:1], walk[:min(2, len(walk))], walk} {
		at, ok := validTogether(part, o.CurrentTime)
		if !ok || tried[at] {
			continue
		}
		tried[at] = true
		then := o
		then.CurrentTime = at
		if chains, err := sent[0].Verify(then); err == nil {
			return verifiedPath(chains)
		}
	}
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason == x509.Expired && !slices.ContainsFunc(sent, invalid.Cert.Equal) &&
		bytes.Equal(walk[len(walk)-1].RawIssuer, invalid.Cert.RawSubject) {
		return tlsPath{certs: append(walk, invalid.Cert), rooted: true}
	}
	return tlsPath{certs: walk}
}

// validTogether is a moment at which all of these are valid: now, if that is one.
func validTogether(certs []*x509.Certificate, now time.Time) (time.Time, bool) {
	begin, end := certs[0].NotBefore, certs[0].NotAfter
	for _, c := range certs {
		if c.NotBefore.After(begin) {
			begin = c.NotBefore
		}
		if c.NotAfter.Before(end) {
			end = c.NotAfter
		}
	}
	switch {
	case begin.After(end):
		return time.Time{}, false
	case now.Before(begin):
		return begin, true
	case now.After(end):
		return end, true
	}
	return now, true
}

// maxIssuerChecks bounds the signatures that are checked to find the issuers of
// a chain that does not verify.
const maxIssuerChecks = 20

// issuersOf is the server's own certificate and, from each to the one that signed
// it, what was sent with it. Of two certificates of one issuer it is the one that
// is valid now, or else the one that ends later.
func issuersOf(sent []*x509.Certificate, now time.Time) []*x509.Certificate {
	path := []*x509.Certificate{sent[0]}
	checks := 0
	for len(path) < MaxChain {
		child := path[len(path)-1]
		if selfIssued(child) {
			break
		}
		var issuer *x509.Certificate
		for _, c := range sent[1:] {
			if !bytes.Equal(c.RawSubject, child.RawIssuer) || checks == maxIssuerChecks || slices.ContainsFunc(path, c.Equal) {
				continue
			}
			checks++
			if signed(c, child) && (issuer == nil || better(c, issuer, now)) {
				issuer = c
			}
		}
		if issuer == nil {
			break
		}
		path = append(path, issuer)
	}
	return path
}

// signed says whether the key of issuer signed child. Of a signature that is too
// weak to be taken the names decide.
func signed(issuer, child *x509.Certificate) bool {
	err := issuer.CheckSignature(child.SignatureAlgorithm, child.RawTBSCertificate, child.Signature)
	var weak x509.InsecureAlgorithmError
	return err == nil || errors.As(err, &weak)
}

func better(a, b *x509.Certificate, now time.Time) bool {
	if va, vb := validAt(a, now), validAt(b, now); va != vb {
		return va
	}
	return a.NotAfter.After(b.NotAfter)
}

func validAt(c *x509.Certificate, now time.Time) bool {
	return !now.Before(c.NotBefore) && !now.After(c.NotAfter)
}
