package access

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"time"

	"netmon/identity"
	"netmon/internal/atomicfile"
)

// Lives of certificates. The authority's is what others pin: it outlives the
// installation. The broker's is recreated at a start when it is near its end.
const (
	authorityLife = 20 * 365 * 24 * time.Hour
	serverLife    = 397 * 24 * time.Hour
	renewBefore   = 60 * 24 * time.Hour
	backdated     = time.Hour // for clocks that are behind
)

// Files of the authority's certificate.
const (
	caName    = "ca.pem"
	caKeyName = "ca-key.pem"

	serverName    = "broker.pem"
	serverKeyName = "broker-key.pem"
)

// certificates are the mesh's own authority and the broker's certificate.
type certificates struct {
	authority []byte // PEM, of the authority alone: what is pinned
	ca        tls.Certificate
	server    tls.Certificate
	certFile  string
	keyFile   string
}

// openCertificates reads or makes the authority of a folder, and a certificate
// for these host names and addresses.
func openCertificates(dir string, hosts []string, now time.Time) (*certificates, error) {
	caCert, caKey := filepath.Join(dir, caName), filepath.Join(dir, caKeyName)
	c := &certificates{}
	c.in(dir)
	ca, err := tls.LoadX509KeyPair(caCert, caKey)
	if errors.Is(err, fs.ErrNotExist) {
		template := &x509.Certificate{Subject: pkix.Name{CommonName: "netmon mesh"}, NotBefore: now.Add(-backdated), NotAfter: now.Add(authorityLife),
			IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
		ca, err = makeCertificate(caCert, caKey, template, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("certificate authority of the mesh: %w", err)
	}
	c.ca = ca
	c.authority = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Certificate[0]})

	hosts = append([]string{identity.BrokerName, "localhost", "127.0.0.1", "::1"}, hosts...)
	slices.Sort(hosts)
	hosts = slices.Compact(hosts)
	c.server, err = tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err == nil && c.server.Leaf.NotAfter.Sub(now) > renewBefore && covers(c.server.Leaf, hosts) {
		return c, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("certificate of the broker: %w", err)
	}
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "netmon broker"}, NotBefore: now.Add(-backdated), NotAfter: now.Add(serverLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, h)
		}
	}
	c.server, err = makeCertificate(c.certFile, c.keyFile, template, &ca)
	if err != nil {
		return nil, fmt.Errorf("certificate of the broker: %w", err)
	}
	return c, nil
}

// in says in which folder its files are.
func (c *certificates) in(dir string) {
	c.certFile, c.keyFile = filepath.Join(dir, serverName), filepath.Join(dir, serverKeyName)
}

// hosts are the names and addresses that the broker's certificate is for.
func (c *certificates) hosts() []string {
	out := slices.Clone(c.server.Leaf.DNSNames)
	for _, ip := range c.server.Leaf.IPAddresses {
		out = append(out, ip.String())
	}
	return out
}

func covers(cert *x509.Certificate, hosts []string) bool {
	return !slices.ContainsFunc(hosts, func(h string) bool { return cert.VerifyHostname(h) != nil })
}

// makeCertificate signs with the parent, or with its own key where there is none.
func makeCertificate(certFile, keyFile string, template *x509.Certificate, parent *tls.Certificate) (tls.Certificate, error) {
	var none tls.Certificate
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return none, err
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return none, err
	}
	signer, by := any(key), template
	if parent != nil {
		signer, by = parent.PrivateKey, parent.Leaf
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by, &key.PublicKey, signer)
	if err != nil {
		return none, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return none, err
	}
	// The key first: a certificate without one is recreated, and so is what it signed.
	if err := atomicfile.Write(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})); err != nil {
		return none, err
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if parent != nil { // the authority goes along, so that who joins can compare its fingerprint
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: parent.Certificate[0]})...)
	}
	if err := atomicfile.Write(certFile, chain); err != nil {
		return none, err
	}
	return tls.LoadX509KeyPair(certFile, keyFile)
}

// operator certifies the key of the mesh's operator, as DER in base64: who
// pinned the authority trusts what that key signs. It is valid as long as the
// authority, whose dates are the only ones.
func (c *certificates) operator(public string) (string, error) {
	key, err := identity.OperatorKey(public)
	if err != nil {
		return "", err
	}
	uri, err := url.Parse(identity.OperatorURI)
	if err != nil {
		return "", err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return "", err
	}
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "netmon operator"}, URIs: []*url.URL{uri},
		NotBefore: c.ca.Leaf.NotBefore, NotAfter: c.ca.Leaf.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, c.ca.Leaf, key, c.ca.PrivateKey)
	if err != nil {
		return "", fmt.Errorf("certify the operator: %w", err)
	}
	return base64.StdEncoding.EncodeToString(der), nil
}

// config is what the server speaks TLS with.
func (c *certificates) config() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{c.server}, MinVersion: tls.VersionTLS13}
}
