package dns

import (
	"crypto/tls"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/wire"
)

// serveTLS is a server over TLS that speaks one application protocol, and
// whatever serve says in it.
func serveTLS(t *testing.T, alpn string, serve func(c net.Conn)) string {
	t.Helper()
	any := httptest.NewTLSServer(nil) // for its certificate
	any.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: any.TLS.Certificates, NextProtos: []string{alpn}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if c.(*tls.Conn).Handshake() == nil {
					serve(c)
				}
			}()
		}
	}()
	return l.Addr().String()
}

// TestDNS_HTTPSServerMisbehaves: HTTP/2 frames without end are found out after
// few, and a server that hangs up at once has closed the connection.
func TestDNS_HTTPSServerMisbehaves(t *testing.T) {
	flood := serveTLS(t, "h2", func(c net.Conn) {
		if _, stream := targets.BeginH2(c); stream > 0 {
			targets.FloodH2(c, targets.H2Floods()["PING"])
		}
	})
	closes := serveTLS(t, "http/1.1", func(net.Conn) {})
	hangsUp := serveTLS(t, "http/1.1", func(c net.Conn) { c.Read(make([]byte, 1<<10)) })
	for _, c := range []struct {
		name, server string
		want         wire.Failure
		says         string
	}{
		{"a flood of PING", flood, wire.FailBadAnswer, "the server sent 101 HTTP/2 frames that belong to no answer, the last of them PING"},
		{"closed at once", closes, wire.FailClosed, ""},
		{"closed when it is asked", hangsUp, wire.FailClosed, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := measureWithin(t, time.Minute, "dns", "www.example@"+c.server, `{"transport":"https","attempts":1,"tls":{"insecure":true}}`)
			probetest.WantFailure(t, r, wire.Failed, c.want)
			if !strings.Contains(r.Error, c.says) {
				t.Errorf("error %q", r.Error)
			}
		})
	}
}
