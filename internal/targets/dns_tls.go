package targets

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"time"

	"github.com/miekg/dns"
)

// serveTLS starts the servers over TLS (RFC 7858) and HTTPS (RFC 8484).
func (s *DNS) serveTLS() error {
	host, _, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return err
	}
	cert, err := selfSigned(net.ParseIP(host))
	if err != nil {
		return err
	}
	s.CA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
	l, err := tls.Listen("tcp", net.JoinHostPort(host, "0"), &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"dot"}})
	if err != nil {
		return err
	}
	s.TLSAddr = l.Addr().String()
	s.accept(l)
	plain, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return err
	}
	s.HTTPSAddr = plain.Addr().String()
	h := &http.Server{Handler: http.HandlerFunc(s.https), TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}}, ErrorLog: log.New(io.Discard, "", 0)}
	s.closers = append(s.closers, func() { h.Close() })
	s.ended.Go(func() { h.ServeTLS(plain, "", "") })
	return nil
}

func (s *DNS) https(w http.ResponseWriter, r *http.Request) {
	const media = "application/dns-message"
	q, err := io.ReadAll(http.MaxBytesReader(w, r.Body, dns.MaxMsgSize))
	if err != nil || r.URL.Path != "/dns-query" || r.Method != http.MethodPost || r.Header.Get("Content-Type") != media {
		http.Error(w, "ask with POST at /dns-query", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", media)
	switch mode(q) {
	case "silent":
		<-r.Context().Done()
		return
	case "status":
		w.WriteHeader(http.StatusServiceUnavailable)
	case "media":
		w.Header().Set("Content-Type", "text/html")
	case "redirect":
		http.Redirect(w, r, "https://example.invalid/", http.StatusTemporaryRedirect)
		return
	case "endless":
		for junk := make([]byte, 4096); ; {
			if _, err := w.Write(junk); err != nil {
				return
			}
		}
	case "close":
		panic(http.ErrAbortHandler)
	case "drip":
		for {
			if _, err := w.Write([]byte{0}); err != nil {
				return
			}
			http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	for _, b := range s.replies(q, overHTTPS) {
		w.Write(b)
	}
}

// selfSigned is a certificate for one address that vouches for itself.
func selfSigned(ip net.IP) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lab"}, IPAddresses: []net.IP{ip},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(30 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
