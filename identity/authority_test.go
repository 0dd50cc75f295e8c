package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/url"
	"testing"
	"time"

	"github.com/nats-io/nkeys"

	"netmon/wire"
)

// testAuthority is a mesh's authority, and what signs credentials in its name.
func testAuthority(t testing.TB) (authority string, sign func(c wire.Credential, key string) wire.Credential) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &caKey.PublicKey, caKey)
	must(err)
	ca, err := x509.ParseCertificate(der)
	must(err)
	operator, err := nkeys.CreateOperator()
	must(err)
	public, err := operator.PublicKey()
	must(err)
	raw, err := OperatorKey(public)
	must(err)
	uri, err := url.Parse(OperatorURI)
	must(err)
	leaf, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, URIs: []*url.URL{uri}}, ca, raw, caKey)
	must(err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), func(c wire.Credential, key string) wire.Credential {
		text, err := c.Text(key)
		must(err)
		sum, err := operator.Sign(text)
		must(err)
		c.Operator, c.Signature = base64.StdEncoding.EncodeToString(leaf), base64.RawURLEncoding.EncodeToString(sum)
		return c
	}
}

// TestCredential_IsOfTheAuthority: nobody else makes one, and not for another key.
func TestCredential_IsOfTheAuthority(t *testing.T) {
	authority, sign := testAuthority(t)
	_, other := testAuthority(t)
	c := wire.Credential{Name: "paris", Role: wire.RoleAgent, JWT: "eyJ0", Labels: map[string]string{"region": "eu"}}
	good := sign(c, "UKEY")
	if got, err := credentialOf(wire.AccessReply{OK: true, Credential: &good}, authority, "UKEY"); err != nil || got.Name != "paris" {
		t.Errorf("%+v %v", got, err)
	}
	changed := func(change func(*wire.Credential)) wire.Credential {
		c := good
		change(&c)
		return c
	}
	for what, bad := range map[string]wire.Credential{
		"of another mesh": other(c, "UKEY"), "for another key": sign(c, "UOTHER"), "unsigned": c,
		"another role":   changed(func(c *wire.Credential) { c.Role = wire.RoleAdmin }),
		"another name":   changed(func(c *wire.Credential) { c.Name = "oslo" }),
		"another JWT":    changed(func(c *wire.Credential) { c.JWT = "eyJ1" }),
		"another labels": changed(func(c *wire.Credential) { c.Labels = nil }),
	} {
		if got, err := credentialOf(wire.AccessReply{OK: true, Credential: &bad}, authority, "UKEY"); err == nil {
			t.Errorf("%s: %+v", what, got)
		}
	}
}
