package tlsconf

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ocsp"

	"netmon/probes/internal/figures"
	"netmon/probes/internal/words"
)

// MaxChain bounds the certificates, and the names of each, that a result lists.
const MaxChain, maxSANs = 10, 50

// Figures is what a handshake shows.
type Figures struct {
	Version     string        `json:"version,omitempty" help:"TLS version that was negotiated"`
	Cipher      string        `json:"cipher,omitempty" help:"cipher suite, by its IANA name"`
	ALPN        string        `json:"alpn,omitempty" help:"application protocol that was negotiated (RFC 7301)"`
	Resumed     bool          `json:"resumed,omitempty" help:"the session was resumed"`
	Chain       []Certificate `json:"chain,omitempty" help:"certificates that the server sent, its own first, at most 10"`
	Expires     time.Time     `json:"expires,omitzero" help:"end of the chain that verifies, UTC: of its certificate that ends first, root included; of several such chains the one that lasts longest; without one, of the server's certificate and the issuers that it needs"`
	ExpiresOf   string        `json:"expires_of,omitempty" help:"subject (RFC 4514) of the certificate that ends first; absent when it is the server's own"`
	ExpiresRole string        `json:"expires_role,omitempty" help:"what that one is: issuer or root; absent when it is the server's own"`
	VerifyError string        `json:"verify_error,omitempty" help:"why the certificates do not verify, and which one"`
	VerifyFault string        `json:"verify_fault,omitempty" help:"the same in a word: expired, not_yet_valid, self_signed, unknown_authority, missing_issuer, name, weak_signature, not_allowed, or other"`
	Notes       []string      `json:"notes,omitempty" help:"oddities of the certificates that fail nothing, at most 10"`

	Age time.Duration `json:"-"` // of the handshake when the run began, where an earlier run made it

	server string // name of the server's own certificate, also where its chain is not listed
	OCSP   string `json:"ocsp,omitempty" help:"stapled OCSP response (RFC 6066 section 8): good, revoked, unknown, expired or unreadable; absent without staple"`
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
	KeyBits   int       `json:"key_bits,omitempty" help:"size of its public key, bits: of the modulus (RSA), or of the curve"`
	Signature string    `json:"signature,omitempty" help:"algorithm that it is signed with, such as ECDSA-SHA256"`
	Unused    bool      `json:"unused,omitempty" help:"it was sent, but the chain does not need it: it decides nothing"`
}

// tlsFigures are the figures of a handshake whose certificates form this path
// and, with an error, do not verify.
func tlsFigures(s tls.ConnectionState, path tlsPath, verifyErr error) Figures {
	f := Figures{Version: tls.VersionName(s.Version), Cipher: tls.CipherSuiteName(s.CipherSuite), ALPN: s.NegotiatedProtocol, Resumed: s.DidResume}
	counted := path.counted()
	if first := firstToExpire(counted); first != nil {
		f.Expires = first.NotAfter.UTC()
		switch {
		case first == path.certs[0]:
		case path.rooted && first == path.certs[len(path.certs)-1]:
			f.ExpiresOf, f.ExpiresRole = figures.Clip(first.Subject.String()), "root"
		default:
			f.ExpiresOf, f.ExpiresRole = figures.Clip(first.Subject.String()), "issuer"
		}
	}
	for i, c := range s.PeerCertificates[:min(len(s.PeerCertificates), MaxChain)] {
		told := certificate(c)
		told.Unused = !slices.ContainsFunc(path.certs, c.Equal) || slices.ContainsFunc(s.PeerCertificates[:i], c.Equal)
		f.Chain = append(f.Chain, told)
		f.note(c, told, slices.ContainsFunc(counted, c.Equal))
		if i == 0 {
			f.server = told.name()
		}
	}
	if verifyErr != nil {
		f.VerifyError = figures.Clip(words.GoWords(verifyErr.Error()))
		var e *certError
		if errors.As(verifyErr, &e) {
			f.VerifyFault = e.fault
		}
	}
	if len(s.OCSPResponse) > 0 {
		f.OCSP = stapled(s.OCSPResponse, path.certs)
	}
	return f
}

// note says what is odd about a certificate that was sent and does, or does
// not, decide when the path ends.
func (f *Figures) note(c *x509.Certificate, told Certificate, decides bool) {
	why := "nothing needs it"
	if !told.Unused {
		why = "a client that trusts its key as a root does not need it"
	}
	switch {
	case c.SerialNumber != nil && c.SerialNumber.Sign() < 0:
		f.Notes = append(f.Notes, fmt.Sprintf("the serial number of %s is negative, against RFC 5280 section 4.1.2.2: some clients refuse it", subjectOf(c)))
	case !decides && told.NotAfter.Before(f.Expires):
		f.Notes = append(f.Notes, fmt.Sprintf("the server sends %s, issued by %s, which ends on %s: %s", subjectOf(c), quoteName(told.Issuer), CertTime(told.NotAfter), why))
	}
}

func certificate(c *x509.Certificate) Certificate {
	sum := sha256.Sum256(c.Raw)
	out := Certificate{Subject: figures.Clip(c.Subject.String()), Issuer: figures.Clip(c.Issuer.String()),
		NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(), SHA256: hex.EncodeToString(sum[:]),
		Key: c.PublicKeyAlgorithm.String(), KeyBits: keyBits(c.PublicKey), Signature: c.SignatureAlgorithm.String()}
	for _, n := range c.DNSNames {
		out.SANs = append(out.SANs, figures.Clip(n))
	}
	for _, ip := range c.IPAddresses {
		out.SANs = append(out.SANs, ip.String())
	}
	out.SANs = out.SANs[:min(len(out.SANs), maxSANs)]
	return out
}

// keyBits is the size of a public key, 0 of a kind that is not known.
func keyBits(key crypto.PublicKey) int {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen()
	case *ecdsa.PublicKey:
		return k.Curve.Params().BitSize
	case ed25519.PublicKey:
		return 8 * len(k)
	}
	return 0
}

// stapled is the state that a stapled OCSP response gives the first certificate
// of a chain (RFC 6960), whose second one is its issuer.
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

// ends names the certificate that [Figures.Expires] is the end of.
func (f Figures) ends() string {
	switch {
	case f.ExpiresRole != "":
		return "the certificate of the " + f.ExpiresRole + " " + quoteName(f.ExpiresOf)
	case f.server != "":
		return "the server's certificate " + quoteName(f.server)
	}
	return "the server's certificate"
}

// name is the subject of a certificate, or its first name where it has none.
func (c Certificate) name() string {
	if c.Subject == "" && len(c.SANs) > 0 {
		return c.SANs[0]
	}
	return c.Subject
}

// Left says for how long the certificates are good, and by which one if that is
// not the server's own.
func (f Figures) Left(now time.Time) string {
	if f.ExpiresRole != "" {
		return f.leftBy(now)
	}
	return daysText(f.DaysLeft(now))
}

// leftBy says for how long the certificates are good, and by which one.
func (f Figures) leftBy(now time.Time) string {
	return daysText(f.DaysLeft(now)) + " by " + f.ends()
}

func daysText(n int) string {
	if n == 1 {
		return "1 day left"
	}
	return fmt.Sprintf("%d days left", n)
}

// DaysLeft is how many whole days the first certificate to expire has left;
// negative when it has expired.
func (f Figures) DaysLeft(now time.Time) int {
	left := f.Expires.Sub(now)
	days := int(left / (24 * time.Hour))
	if left < 0 {
		days--
	}
	return days
}

// Report writes the handshake for people, in the manner of openssl s_client.
func (f Figures) Report(w io.Writer) {
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
		unused := ""
		if c.Unused {
			unused = " (not used)"
		}
		fmt.Fprintf(w, " %d s:%s%s\n   i:%s\n   v:%s to %s, %s, signed with %s, SHA-256 %s\n", i, c.Subject, unused, c.Issuer,
			c.NotBefore.Format(time.DateTime), c.NotAfter.Format(time.DateTime), c.KeyText(), c.Signature, c.SHA256)
		if len(c.SANs) > 0 {
			fmt.Fprintf(w, "   n:%s\n", strings.Join(c.SANs, ", "))
		}
	}
	if f.ExpiresRole != "" {
		fmt.Fprintf(w, "ends first: %s, on %s\n", f.ends(), CertTime(f.Expires))
	}
	for _, n := range f.Notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	if f.VerifyError != "" {
		fmt.Fprintf(w, "NOT verified: %s\n", f.VerifyError)
	} else if len(f.Chain) > 0 {
		fmt.Fprintln(w, "verified")
	}
}

// KeyText is the algorithm and size of the key, as "RSA, 2048 bits".
func (c Certificate) KeyText() string {
	if c.KeyBits == 0 {
		return c.Key
	}
	return fmt.Sprintf("%s, %d bits", c.Key, c.KeyBits)
}
