package tlsconf

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

	"netmon/probes"
	"netmon/probes/internal/figures"
	"netmon/probes/internal/words"
	"netmon/wire"
)

// Options say how to speak TLS (RFC 8446). Kinds that do hold one under "tls".
type Options struct {
	ServerName string        `json:"server_name,omitempty" help:"name to ask for (SNI, RFC 6066 section 3) and to verify; default: the target's host"`
	CA         probes.Secret `json:"ca,omitempty" help:"PEM certificates to trust instead of the system's, as ${file:PATH} or ${env:NAME}" secret:"public"`
	Cert       probes.Secret `json:"cert,omitempty" help:"PEM certificate chain of the client, as ${file:PATH} or ${env:NAME}"`
	Key        probes.Secret `json:"key,omitempty" help:"PEM key of the client, as ${file:PATH} or ${env:NAME}"`
	Insecure   bool          `json:"insecure,omitempty" help:"do not fail when the certificate does not verify; the result still says why it does not"`
	MinVersion string        `json:"min_version,omitempty" enum:"1.0,1.1,1.2,1.3" also:"number" help:"lowest version that is offered: 1.0, 1.1, 1.2 or 1.3; default 1.2"`
}

// versions are the versions by the names that people write, lowest first.
var versions = []struct {
	name    string
	version uint16
}{{"1.0", tls.VersionTLS10}, {"1.1", tls.VersionTLS11}, {"1.2", tls.VersionTLS12}, {"1.3", tls.VersionTLS13}}

// Version is the TLS version of a name such as 1.2, false where there is none.
func Version(name string) (uint16, bool) {
	if name == "1" { // what YAML makes of the number 1.0
		name = "1.0"
	}
	for _, v := range versions {
		if v.name == name {
			return v.version, true
		}
	}
	return 0, false
}

// Validate reports every mistake, by the name of the option.
func (o Options) Validate() error {
	var p wire.Problems
	if o.ServerName != "" {
		if err := probes.CheckHost(o.ServerName); err != nil {
			p.Addf("server_name", "want a host name, got %q: %w", o.ServerName, err)
		}
	}
	if (o.Cert == "") != (o.Key == "") {
		p.Addf("key", "cert and key go together: give both or neither")
	}
	if _, ok := Version(o.MinVersion); !ok && o.MinVersion != "" {
		p.Addf("min_version", "want 1.0, 1.1, 1.2 or 1.3, got %q", o.MinVersion)
	}
	return p.Err()
}

// config is the client's side of a handshake with host. seen, which may be
// called from another goroutine, is called with the connection's state, of the path
// of its certificates and of why they do not verify, also when the handshake
// fails for that.
func (o Options) config(env *probes.Env, host string, alpn []string, seen func(tls.ConnectionState, tlsPath, error)) (*tls.Config, error) {
	name := host
	if o.ServerName != "" {
		name = probes.ASCIIName(o.ServerName)
	}
	minimum, ok := Version(o.MinVersion)
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
		pem, err := o.CA.Read(env)
		if err != nil {
			return nil, err
		}
		roots = x509.NewCertPool()
		if !roots.AppendCertsFromPEM([]byte(pem)) {
			return nil, probes.Broken(wire.BrokenSecret, "read %s: it has no PEM certificate", string(o.CA))
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
		path, err := verifyByClocks(env, s.PeerCertificates, name, roots)
		seen(s, path, err)
		if o.Insecure {
			return nil
		}
		return err
	}
	return c, nil
}

func (o Options) clientPair(env *probes.Env) (tls.Certificate, error) {
	cert, err := o.Cert.Read(env)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := o.Key.Read(env)
	if err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		return tls.Certificate{}, probes.Broken(wire.BrokenSecret, "read the client's certificate %s and key %s: %w", string(o.Cert), string(o.Key), err)
	}
	return pair, nil
}

// verify is what crypto/tls does unless told not to (RFC 5280 section 6), at
// now. The path comes with an error, too.
func verify(sent []*x509.Certificate, name string, roots *x509.CertPool, now time.Time) (tlsPath, error) {
	if len(sent) == 0 {
		return tlsPath{}, probes.Fail(wire.FailCertificate, "the server sent no certificate")
	}
	o := x509.VerifyOptions{Roots: roots, DNSName: verifyName(name), CurrentTime: now, Intermediates: x509.NewCertPool()}
	for _, c := range sent[1:] {
		o.Intermediates.AddCert(c)
	}
	chains, err := sent[0].Verify(o)
	if err == nil {
		return verifiedPath(chains), nil
	}
	path := unverifiedPath(sent, o, err)
	return path, certificateFault(sent, path, o, name, err)
}

// verifyName is a name as x509 wants it: an IPv6 address in brackets, without zone.
func verifyName(name string) string {
	if a, err := netip.ParseAddr(name); err == nil {
		return "[" + a.WithZone("").String() + "]"
	}
	return strings.TrimSuffix(name, ".")
}

// Handshake makes TLS of conn, as its own timed phase. What was learned comes
// with the error, too, which is classified. It closes conn when it fails.
func (o Options) Handshake(ctx context.Context, run *probes.Run, conn net.Conn, host string, alpn ...string) (c *tls.Conn, f Figures, took time.Duration, err error) {
	config, err := o.config(run.Env, host, alpn, func(s tls.ConnectionState, path tlsPath, verr error) { f = tlsFigures(s, path, verr) })
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
		if err = fail(err, f); probes.FailureIs(err, wire.FailTimeout) {
			err = probes.Fail(wire.FailTimeout, "no answer to the TLS handshake %s", words.Within(took))
		}
		run.Stepf("%v", err)
		return nil, f, took, err
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

// fail classifies an error of a handshake of which f is known. One that says
// nothing of its own is about TLS: the server may not speak it.
func fail(err error, f Figures) error {
	var cert *certError
	var ours *probes.Error
	switch {
	case errors.As(err, &ours) && errors.As(err, &cert) && !ours.Broken:
		return ours // the handshake did its part
	case ours != nil:
		return probes.NetFail("TLS handshake", err)
	}
	if err := unusableCertificate(err, f); err != nil {
		return err
	}
	word, isBroken := probes.Reason(err)
	if !isBroken && slices.Contains([]wire.Failure{wire.FailBadAnswer, wire.FailTLS}, word) {
		return probes.Fail(wire.FailTLS, "TLS handshake: %w", words.InWords(err))
	}
	return probes.NetFail("TLS handshake", err)
}

// unusableCertificate is the error of a handshake that crypto/tls gave up for a
// certificate that it cannot use, which other clients may take; nil of another.
// The library has only words for these.
func unusableCertificate(err error, f Figures) error {
	text := err.Error()
	if _, why, ok := strings.Cut(text, "failed to parse certificate from server: "); ok {
		return probes.Fail(wire.FailCertificate, "a certificate that the server sends cannot be read: %s", figures.Clip(strings.TrimPrefix(why, "x509: ")))
	}
	if _, why, ok := strings.Cut(text, "server sent certificate containing "); ok {
		return probes.Fail(wire.FailCertificate, "a certificate that the server sends has an %s, which crypto/tls does not take", why)
	}
	if _, why, ok := strings.Cut(text, "certificate contains an unsupported type of public key: "); ok {
		return probes.Fail(wire.FailCertificate, "the server's certificate has a key of a kind that crypto/tls does not know: %s", strings.TrimPrefix(why, "*"))
	}
	tooWeak := strings.Contains(text, "keys are insecure") || strings.Contains(text, "certificate used with invalid signature algorithm")
	if tooWeak && len(f.Chain) > 0 && f.Chain[0].Key == "RSA" && f.Chain[0].KeyBits < 1024 {
		return probes.Fail(wire.FailCertificate, "the server's certificate %s has an %s key of %d bits, which is too short for crypto/tls", quoteName(f.Chain[0].Subject), f.Chain[0].Key, f.Chain[0].KeyBits)
	}
	return nil
}
