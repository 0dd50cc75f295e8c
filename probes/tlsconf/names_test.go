package tlsconf

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"netmon/internal/testcert"
)

// TestTLS_ManyCertificates: a server that sends hundreds of certificates of one
// name costs a bounded number of signatures.
func TestTLS_ManyCertificates(t *testing.T) {
	slow := func(c *testcert.Cert) {
		key, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		testcert.CA(c)
		c.Key = key
	}
	signer := testcert.New(t, "Inter", -100, 1000, nil, slow)
	namesake, above := testcert.New(t, "Inter", -100, 1000, nil, slow), testcert.New(t, "Above", -100, 1000, nil, testcert.CA)
	var sent []*testcert.Cert
	for range 120 {
		sent = append(sent, testcert.New(t, "Inter", -100, 1000, above, testcert.KeyOf(namesake))) // not the key that signed
	}
	leaf := testcert.New(t, "leaf", -10, 80, signer, testcert.Server)
	chain := []*x509.Certificate{leaf.Certificate}
	for _, a := range sent {
		chain = append(chain, a.Certificate)
	}
	begin := time.Now()
	path, err := verify(chain, "localhost", x509.NewCertPool(), time.Now())
	took := time.Since(begin)
	if err == nil || len(path.certs) != 1 || !strings.Contains(err.Error(), "signature check attempts limit") {
		t.Errorf("%d certificates of the path, %v", len(path.certs), err)
	}
	o := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool()}
	for _, c := range chain[1:] {
		o.Intermediates.AddCert(c)
	}
	begin = time.Now()
	leaf.Verify(o)
	t.Logf("%v, of which the library alone %v", took, time.Since(begin))
}

func TestTLSNamesInSentences(t *testing.T) {
	for in, want := range map[string]string{
		"CN=a":      "'CN=a'",
		"CN=\u202e": `'CN=\u202e'`,
		"CN=é":      "'CN=é'",
	} {
		if got := quoteName(in); got != want {
			t.Errorf("quoteName(%q) = %s, want %s", in, got, want)
		}
	}
}
