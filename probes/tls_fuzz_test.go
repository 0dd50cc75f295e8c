package probes

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"net/url"
	"strings"
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
		figures := tlsFigures(s, errors.New("not trusted"))
		if _, err := json.Marshal(figures); err != nil {
			t.Error(err)
		}
		figures.report(io.Discard)
		figures.daysLeft(time.Now())
	})
}

// scripted is a connection whose other side says one thing.
type scripted struct {
	net.Conn
	says *bytes.Reader
}

func (s scripted) Read(p []byte) (int, error)  { return s.says.Read(p) }
func (s scripted) Write(p []byte) (int, error) { return len(p), nil }

// FuzzConnectReply gives an HTTP proxy's answer to CONNECT.
func FuzzConnectReply(f *testing.F) {
	for _, s := range []string{"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 407 \x1b[2J\r\nProxy-Authenticate: Basic\r\n\r\n", "HTTP/1.0 504 x\r\nContent-Length: 9999999999999\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", strings.Repeat("x", 5000), ""} {
		f.Add([]byte(s))
	}
	proxy := &url.URL{Scheme: "http", Host: "127.0.0.1:3128", User: url.UserPassword("a", "b")}
	f.Fuzz(func(t *testing.T, data []byte) {
		x := &httpRun{run: &Run{}}
		_ = x.connectTunnel(scripted{says: bytes.NewReader(data)}, proxy, "h:443")
	})
}
