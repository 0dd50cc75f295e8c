package probes

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/crypto/ocsp"
)

// maxChain bounds the certificates, and the names of each, that a result tells of.
const maxChain, maxSANs = 10, 50

// TLSFigures is what a handshake tells.
type TLSFigures struct {
	Version     string        `json:"version,omitempty" help:"TLS version that was negotiated"`
	Cipher      string        `json:"cipher,omitempty" help:"cipher suite, by its IANA name"`
	ALPN        string        `json:"alpn,omitempty" help:"application protocol that was negotiated (RFC 7301)"`
	Resumed     bool          `json:"resumed,omitempty" help:"the session was resumed"`
	Chain       []Certificate `json:"chain,omitempty" help:"certificates that the server sent, its own first, at most 10"`
	Expires     time.Time     `json:"expires,omitzero" help:"earliest end of these certificates, UTC"`
	VerifyError string        `json:"verify_error,omitempty" help:"why the certificates do not verify"`
	OCSP        string        `json:"ocsp,omitempty" help:"stapled OCSP response (RFC 6066 section 8): good, revoked, unknown, expired or unreadable; absent without staple"`
}

// Certificate is one certificate of a chain.
type Certificate struct {
	Subject   string    `json:"subject,omitempty" help:"subject (RFC 4514)"`
	Issuer    string    `json:"issuer,omitempty" help:"issuer (RFC 4514)"`
	SANs      []string  `json:"sans,omitempty" help:"subject alternative names, DNS names and addresses, at most 50"`
	NotBefore time.Time `json:"not_before,omitzero" help:"beginning of its validity, UTC"`
	NotAfter  time.Time `json:"not_after,omitzero" help:"end of its validity, UTC"`
	SHA256    string    `json:"sha256,omitempty" help:"fingerprint: SHA-256 of the certificate, in hex"`
	Key       string    `json:"key,omitempty" help:"algorithm of its public key"`
}

func tlsFigures(s tls.ConnectionState, verifyErr error) TLSFigures {
	f := TLSFigures{Version: tls.VersionName(s.Version), Cipher: tls.CipherSuiteName(s.CipherSuite), ALPN: s.NegotiatedProtocol, Resumed: s.DidResume}
	for i, c := range s.PeerCertificates {
		if f.Expires.IsZero() || c.NotAfter.Before(f.Expires) {
			f.Expires = c.NotAfter.UTC()
		}
		if i < maxChain {
			f.Chain = append(f.Chain, certificate(c))
		}
	}
	if verifyErr != nil {
		f.VerifyError = clip(verifyErr.Error())
	}
	if len(s.OCSPResponse) > 0 {
		f.OCSP = stapled(s.OCSPResponse, s.PeerCertificates)
	}
	return f
}

func certificate(c *x509.Certificate) Certificate {
	sum := sha256.Sum256(c.Raw)
	out := Certificate{Subject: clip(c.Subject.String()), Issuer: clip(c.Issuer.String()),
		NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(), SHA256: hex.EncodeToString(sum[:]), Key: c.PublicKeyAlgorithm.String()}
	for _, n := range c.DNSNames {
		out.SANs = append(out.SANs, clip(n))
	}
	for _, ip := range c.IPAddresses {
		out.SANs = append(out.SANs, ip.String())
	}
	out.SANs = out.SANs[:min(len(out.SANs), maxSANs)]
	return out
}

// stapled is the state that a stapled OCSP response gives the server's certificate (RFC 6960).
func stapled(response []byte, chain []*x509.Certificate) string {
	var issuer *x509.Certificate
	if len(chain) > 1 {
		issuer = chain[1]
	}
	var leaf *x509.Certificate
	if len(chain) > 0 {
		leaf = chain[0]
	}
	r, err := ocsp.ParseResponseForCert(response, leaf, issuer)
	switch {
	case err != nil:
		return "unreadable"
	case r.Status == ocsp.Revoked:
		return "revoked"
	case r.Status != ocsp.Good:
		return "unknown"
	case !r.NextUpdate.IsZero() && time.Now().After(r.NextUpdate):
		return "expired"
	}
	return "good"
}

// daysLeft is how many whole days the first certificate to expire has left;
// negative when it has expired.
func (f TLSFigures) daysLeft(now time.Time) int {
	left := f.Expires.Sub(now)
	days := int(left / (24 * time.Hour))
	if left < 0 {
		days--
	}
	return days
}

// report writes the handshake for people, in the manner of openssl s_client.
func (f TLSFigures) report(w io.Writer) {
	if f.Version == "" {
		return
	}
	fmt.Fprintf(w, "%s, %s%s", f.Version, f.Cipher, alpnNote(f.ALPN))
	if f.Resumed {
		fmt.Fprint(w, ", resumed")
	}
	if f.OCSP != "" {
		fmt.Fprintf(w, ", OCSP staple %s", f.OCSP)
	}
	fmt.Fprintln(w)
	for i, c := range f.Chain {
		fmt.Fprintf(w, " %d s:%s\n   i:%s\n   v:%s to %s, %s, SHA-256 %s\n", i, c.Subject, c.Issuer,
			c.NotBefore.Format(time.DateTime), c.NotAfter.Format(time.DateTime), c.Key, c.SHA256)
		if len(c.SANs) > 0 {
			fmt.Fprintf(w, "   n:%s\n", strings.Join(c.SANs, ", "))
		}
	}
	if f.VerifyError != "" {
		fmt.Fprintf(w, "NOT verified: %s\n", f.VerifyError)
	} else if len(f.Chain) > 0 {
		fmt.Fprintln(w, "verified")
	}
}
