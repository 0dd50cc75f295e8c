package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// serve starts the targets: a web server and a name server on 11, and what takes
// connections on 11 to 14. It returns the file of the certificates' authority.
func (c *cities) serve(folder string) (authority string) {
	c.Helper()
	good, bad, ca := c.certificates()
	authority = filepath.Join(folder, "ca.pem")
	if err := os.WriteFile(authority, ca, 0o600); err != nil {
		c.Fatal(err)
	}
	pages := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(c.status.Load())) })
	config := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		if c.expired.Load() {
			return &bad, nil
		}
		return &good, nil
	}}
	err := c.inside("hub", func() error {
		for i := 11; i <= 14; i++ {
			l, err := net.Listen("tcp", fmt.Sprintf("10.77.1.%d:80", i))
			if err != nil {
				return err
			}
			s := &http.Server{Handler: pages}
			go s.Serve(l)
			c.Cleanup(func() { s.Close() })
		}
		l, err := tls.Listen("tcp", "10.77.1.11:443", config)
		if err != nil {
			return err
		}
		s := &http.Server{Handler: pages}
		go s.Serve(l)
		c.Cleanup(func() { s.Close() })
		p, err := net.ListenPacket("udp", "10.77.1.11:53")
		if err != nil {
			return err
		}
		names := &dns.Server{PacketConn: p, Handler: dns.HandlerFunc(c.answer)}
		go names.ActivateAndServe()
		c.Cleanup(func() { names.Shutdown() })
		return nil
	})
	if err != nil {
		c.Fatal(err)
	}
	return authority
}

func (c *cities) answer(w dns.ResponseWriter, q *dns.Msg) {
	a := new(dns.Msg).SetReply(q)
	if a.Rcode = int(c.names.Load()); a.Rcode == dns.RcodeSuccess && q.Question[0].Qtype == dns.TypeA {
		a.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.ParseIP("10.77.1.11")}}
	}
	w.WriteMsg(a)
}

// certificates are one that is good for the web server, one that has expired, and
// the authority that issued them.
func (c *cities) certificates() (good, bad tls.Certificate, ca []byte) {
	c.Helper()
	now := time.Now()
	root := issueCertificate(c.T, nil, "authority", now.Add(-time.Hour), now.Add(time.Hour))
	pair := func(from, until time.Time) tls.Certificate {
		return issueCertificate(c.T, &root, "10.77.1.11", from, until)
	}
	return pair(now.Add(-time.Hour), now.Add(time.Hour)), pair(now.Add(-2*time.Hour), now.Add(-time.Hour)),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Leaf.Raw})
}

// issueCertificate makes a certificate for an address, or, without an authority, one.
func issueCertificate(t *testing.T, authority *tls.Certificate, name string, from, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(from.UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: until,
		BasicConstraintsValid: true, IsCA: authority == nil, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	}
	parent, signer := template, any(key)
	if authority != nil {
		parent, signer = authority.Leaf, authority.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
