package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http/httptest"
	"testing"
	"time"
)

// FuzzCertificate shows a certificate and a stapled OCSP response that are anything.
func FuzzCertificate(f *testing.F) {
	srv := httptest.NewTLSServer(nil)
	f.Add(srv.Certificate().Raw, []byte("\x30\x03\x0a\x01\x06"))
	srv.Close()
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, der, ocsp []byte) {
		s := tls.ConnectionState{OCSPResponse: ocsp}
		if c, err := x509.ParseCertificate(der); err == nil {
			s.PeerCertificates = []*x509.Certificate{c, c}
		}
		figures := tlsFigures(s, tlsPath{certs: s.PeerCertificates}, errors.New("not trusted"))
		if _, err := json.Marshal(figures); err != nil {
			t.Error(err)
		}
		figures.Report(io.Discard)
		figures.DaysLeft(time.Now())
		if path, err := verify(s.PeerCertificates, "a.example", x509.NewCertPool(), time.Now()); err == nil {
			t.Error("verified by nobody")
		} else if _, err := json.Marshal(tlsFigures(s, path, err)); err != nil {
			t.Error(err)
		}
	})
}
