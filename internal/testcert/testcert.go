// Package testcert makes certificates for tests: authorities, the servers that
// they sign for, and the chains that these send.
package testcert

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Cert is a certificate, an authority's or a server's, with its key.
type Cert struct {
	*x509.Certificate
	Key crypto.Signer
}

// New makes a certificate with this common name, valid from and to so many days
// from now (an hour more on both sides, so that a day that has begun counts). It
// is signed by parent, or by itself. change, where not nil, has the template, and
// may set the key; without one it is ECDSA, P-256.
func New(t testing.TB, name string, from, to int, parent *Cert, change func(*Cert)) *Cert {
	t.Helper()
	c := &Cert{Certificate: &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, BasicConstraintsValid: true,
		NotBefore: time.Now().AddDate(0, 0, from).Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, to).Add(time.Hour)}}
	if change != nil {
		change(c)
	}
	if c.Key == nil {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c.Key = key
	}
	signer := parent
	if signer == nil {
		signer = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c.Certificate, signer.Certificate, c.Key.Public(), signer.Key)
	if err != nil {
		t.Fatal(err)
	}
	if c.Certificate, err = x509.ParseCertificate(der); err != nil { // for a test of what cannot be read
		c.Certificate = &x509.Certificate{Raw: der}
	}
	return c
}

// CA makes an authority of a certificate.
func CA(c *Cert) {
	c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature
}

// KeyOf makes an authority with the key of another one: its cross-sign.
func KeyOf(other *Cert) func(*Cert) {
	return func(c *Cert) {
		CA(c)
		c.Key = other.Key
	}
}

// Server makes a certificate for localhost and 127.0.0.1.
func Server(c *Cert) {
	c.DNSNames, c.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
}

// Chain is what a server sends: its own certificate, then these.
func Chain(server *Cert, sent ...*Cert) *tls.Config {
	pair := tls.Certificate{PrivateKey: server.Key, Certificate: [][]byte{server.Raw}}
	for _, c := range sent {
		pair.Certificate = append(pair.Certificate, c.Raw)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}}
}

// Trust is the option ca, within tls, of a monitor that trusts these roots.
func Trust(t testing.TB, roots ...*Cert) string {
	t.Helper()
	var file []byte
	for _, r := range roots {
		file = append(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Raw})...)
	}
	path := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return `"ca":"${file:` + path + `}"`
}
