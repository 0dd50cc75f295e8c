package targets

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"sync"
	"time"
)

// TCP is a server for connections. Close it when done.
type TCP struct {
	Addr string // HOST:PORT that it listens on

	conns *conns
	mu    sync.Mutex
	heard []byte // guarded by mu
}

// TCPTurn is one thing that a server does with a connection: it waits, starts
// TLS, hears, says something, in this order, each when the field is set.
type TCPTurn struct {
	After time.Duration // pause before the turn
	TLS   *tls.Config   // make a handshake
	Hear  string        // text to wait for; what comes before it is taken, too
	Say   string        // text to send
	Drip  time.Duration // pause after each byte of Say
	Again bool          // repeat Say until the client is gone
	Reset bool          // end the connection with a reset
	Hold  bool          // take what comes and say nothing until the client is gone
}

// ServeTCP goes through the turns with every connection to addr ("127.0.0.1:0"
// for any port), and closes it after the last.
func ServeTCP(addr string, turns ...TCPTurn) (*TCP, error) {
	s := &TCP{}
	var err error
	if s.conns, err = acceptOn(addr, func(c net.Conn) { s.serve(c, turns) }); err != nil {
		return nil, err
	}
	s.Addr = s.conns.listener.Addr().String()
	return s, nil
}

func (s *TCP) serve(raw net.Conn, turns []TCPTurn) {
	c := raw
	var buf []byte
	for _, turn := range turns {
		if turn.After > 0 {
			raw.SetReadDeadline(time.Now().Add(turn.After)) // ends early with the client
			b := make([]byte, 512)
			n, err := c.Read(b)
			buf = append(buf, s.hear(b[:n])...)
			if e, ok := err.(net.Error); err != nil && (!ok || !e.Timeout()) {
				return
			}
			raw.SetReadDeadline(time.Time{})
		}
		if turn.TLS != nil {
			c = tls.Server(c, turn.TLS)
		}
		for turn.Hear != "" {
			if i := bytes.Index(buf, []byte(turn.Hear)); i >= 0 {
				buf = buf[i+len(turn.Hear):]
				break
			}
			b := make([]byte, 4096)
			n, err := c.Read(b)
			if err != nil {
				return
			}
			buf = append(buf, s.hear(b[:n])...)
		}
		for range sayings(turn) {
			if say(c, turn) != nil {
				return
			}
		}
		if turn.Reset {
			if t, ok := raw.(*net.TCPConn); ok {
				t.SetLinger(0)
			}
			raw.Close()
			return
		}
		for turn.Hold {
			b := make([]byte, 4096)
			n, err := c.Read(b)
			s.hear(b[:n])
			if err != nil {
				return
			}
		}
	}
	if c != raw {
		c.Close() // with TLS's alert
	}
}

func sayings(t TCPTurn) int {
	switch {
	case t.Again:
		return 1 << 30
	case t.Say == "":
		return 0
	}
	return 1
}

func say(c net.Conn, t TCPTurn) error {
	if t.Drip == 0 {
		_, err := c.Write([]byte(t.Say))
		return err
	}
	for i := range len(t.Say) {
		if _, err := c.Write([]byte{t.Say[i]}); err != nil {
			return err
		}
		time.Sleep(t.Drip)
	}
	return nil
}

func (s *TCP) hear(b []byte) []byte {
	s.mu.Lock()
	s.heard = append(s.heard, b...)
	s.mu.Unlock()
	return b
}

// Heard returns all that clients have said so far, inside TLS and outside.
func (s *TCP) Heard() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.heard)
}

// Close ends the server and its connections.
func (s *TCP) Close() error { return s.conns.close() }

// TCPCertificate is a certificate for localhost and 127.0.0.1 that vouches for
// itself, valid until then, with what a server and its clients need of it.
func TCPCertificate(until time.Time) (config *tls.Config, certPEM, keyPEM []byte, err error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		return nil, nil, nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return nil, nil, nil, err
	}
	certPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, nil, nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}}, certPEM, keyPEM, nil
}
