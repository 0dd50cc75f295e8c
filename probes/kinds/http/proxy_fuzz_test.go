package http

import (
	"bytes"
	"net"
	"net/url"
	"strings"
	"testing"

	"netmon/probes"
)

// scripted is a connection whose other side says one thing.
type scripted struct {
	net.Conn
	says *bytes.Reader
}

func (s scripted) Read(p []byte) (int, error) { return s.says.Read(p) }

func (s scripted) Write(p []byte) (int, error) { return len(p), nil }

// FuzzConnectReply gives an HTTP proxy's answer to CONNECT.
func FuzzConnectReply(f *testing.F) {
	for _, s := range []string{"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 407 \x1b[2J\r\nProxy-Authenticate: Basic\r\n\r\n", "HTTP/1.0 504 x\r\nContent-Length: 9999999999999\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", strings.Repeat("x", 5000), ""} {
		f.Add([]byte(s))
	}
	proxy := &url.URL{Scheme: "http", Host: "127.0.0.1:3128", User: url.UserPassword("a", "b")}
	f.Fuzz(func(t *testing.T, data []byte) {
		x := &httpRun{run: &probes.Run{}}
		_ = x.connectTunnel(scripted{says: bytes.NewReader(data)}, proxy, "h:443")
	})
}
