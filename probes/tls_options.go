package probes

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

// TLSOptions say how to speak TLS (RFC 8446). Kinds that do hold one under "tls".
type TLSOptions struct {
	ServerName string `json:"server_name,omitempty" help:"name to ask for (SNI, RFC 6066 section 3) and to verify; default: the target's host"`
	CA         Secret `json:"ca,omitempty" help:"PEM certificates to trust instead of the system's, as ${file:PATH} or ${env:NAME}" secret:"public"`
	Cert       Secret `json:"cert,omitempty" help:"PEM certificate chain of the client, as ${file:PATH} or ${env:NAME}"`
	Key        Secret `json:"key,omitempty" help:"PEM key of the client, as ${file:PATH} or ${env:NAME}"`
	Insecure   bool   `json:"insecure,omitempty" help:"do not fail when the certificate does not verify; the result still says why it does not"`
	MinVersion string `json:"min_version,omitempty" help:"lowest version that is offered: 1.0, 1.1, 1.2 or 1.3; default 1.2"`
}

// tlsVersions are the versions by the names that people write, lowest first.
var tlsVersions = []struct {
	name    string
	version uint16
}{{"1.0", tls.VersionTLS10}, {"1.1", tls.VersionTLS11}, {"1.2", tls.VersionTLS12}, {"1.3", tls.VersionTLS13}}

func tlsVersion(name string) (uint16, bool) {
	for _, v := range tlsVersions {
		if v.name == name {
			return v.version, true
		}
	}
	return 0, false
}

func (o TLSOptions) validate() error {
	var p wire.Problems
	if o.ServerName != "" {
		if err := checkHost(o.ServerName); err != nil {
			p.Addf("server_name", "want a host name, got %q: %w", o.ServerName, err)
		}
	}
	if (o.Cert == "") != (o.Key == "") {
		p.Addf("key", "cert and key go together: give both or neither")
	}
	if _, ok := tlsVersion(o.MinVersion); !ok && o.MinVersion != "" {
		p.Addf("min_version", "want 1.0, 1.1, 1.2 or 1.3, got %q", o.MinVersion)
	}
	return p.Err()
}

// config is the client's side of a handshake with host. seen, which may be
// called from another goroutine, is told of the connection's state and of why
// its certificates do not verify, also when the handshake fails for that.
func (o TLSOptions) config(env *Env, host string, alpn []string, seen func(tls.ConnectionState, error)) (*tls.Config, error) {
	name := host
	if o.ServerName != "" {
		name = o.ServerName
	}
	minimum, ok := tlsVersion(o.MinVersion)
	if !ok {
		minimum = tls.VersionTLS12
	}
	// The verification is ours, so that its error is known when it is not to
	// fail the run, and the certificates when it is.
	c := &tls.Config{ServerName: name, NextProtos: alpn, MinVersion: minimum, InsecureSkipVerify: true} // #nosec G402 -- see VerifyConnection
	var roots *x509.CertPool                                                                            // nil: the system's
	if o.CA == "" {
		x509.SystemCertPool() // has them read, once in a process, before the handshake is timed
	} else {
		pem, err := o.CA.read(env)
		if err != nil {
			return nil, err
		}
		roots = x509.NewCertPool()
		if !roots.AppendCertsFromPEM([]byte(pem)) {
			return nil, broken(wire.BrokenSecret, "read %s: no PEM certificate in it", string(o.CA))
		}
	}
	if o.Cert != "" {
		pair, err := o.clientPair(env)
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{pair}
	}
	c.VerifyConnection = func(s tls.ConnectionState) error {
		err := verifyByClocks(env, s.PeerCertificates, name, roots)
		seen(s, err)
		if o.Insecure {
			return nil
		}
		return err
	}
	return c, nil
}

func (o TLSOptions) clientPair(env *Env) (tls.Certificate, error) {
	cert, err := o.Cert.read(env)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := o.Key.read(env)
	if err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		return tls.Certificate{}, broken(wire.BrokenSecret, "read the client's certificate %s and key %s: %w", string(o.Cert), string(o.Key), err)
	}
	return pair, nil
}

// verify is what crypto/tls does unless told not to (RFC 5280 section 6), at now.
func verify(chain []*x509.Certificate, name string, roots *x509.CertPool, now time.Time) error {
	if len(chain) == 0 {
		return errors.New("the server sent no certificate")
	}
	o := x509.VerifyOptions{Roots: roots, DNSName: verifyName(name), CurrentTime: now, Intermediates: x509.NewCertPool()}
	for _, c := range chain[1:] {
		o.Intermediates.AddCert(c)
	}
	_, err := chain[0].Verify(o)
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
	}
	return nil
}

// verifyName is a name as x509 wants it: an IPv6 address in brackets, without zone.
func verifyName(name string) string {
	if a, err := netip.ParseAddr(name); err == nil {
		return "[" + a.WithZone("").String() + "]"
	}
	return strings.TrimSuffix(name, ".")
}

// handshake makes TLS of conn, as its own timed phase. What was learned comes
// with the error, too, which is classified. It closes conn when it fails.
func (o TLSOptions) handshake(ctx context.Context, run *Run, conn net.Conn, host string, alpn ...string) (c *tls.Conn, f TLSFigures, took time.Duration, err error) {
	config, err := o.config(run.Env, host, alpn, func(s tls.ConnectionState, verr error) { f = tlsFigures(s, verr) })
	if err != nil {
		conn.Close()
		return nil, f, 0, err
	}
	c = tls.Client(conn, config)
	start := time.Now()
	err = c.HandshakeContext(ctx)
	took = time.Since(start)
	if err != nil {
		conn.Close()
		run.Stepf("TLS handshake: %v", err)
		return nil, f, took, tlsFail(err)
	}
	// Known only once the handshake is over.
	f.Version, f.ALPN = tls.VersionName(c.ConnectionState().Version), c.ConnectionState().NegotiatedProtocol
	run.Stepf("TLS handshake in %v: %s, %s%s", took, f.Version, f.Cipher, alpnNote(f.ALPN))
	for _, cert := range f.Chain {
		run.Stepf("certificate: %s, issued by %s, valid to %s", cert.Subject, cert.Issuer, cert.NotAfter.Format(time.DateTime))
	}
	if f.VerifyError != "" {
		run.Stepf("the certificate does not verify: %s", f.VerifyError)
	}
	return c, f, took, nil
}

func alpnNote(alpn string) string {
	if alpn == "" {
		return ""
	}
	return ", ALPN " + alpn
}

// tlsFail classifies an error of a handshake. One that says nothing of its own
// is about TLS: the server may not speak it.
func tlsFail(err error) error {
	var ours *Error
	if errors.As(err, &ours) {
		return netFail("TLS handshake", err)
	}
	f, isBroken := reason(err)
	if !isBroken && slices.Contains([]wire.Failure{wire.FailBadAnswer, wire.FailTLS}, f) {
		return fail(wire.FailTLS, "TLS handshake: %w", err)
	}
	return netFail("TLS handshake", err)
}
