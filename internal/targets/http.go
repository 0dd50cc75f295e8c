package targets

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// HTTP is a server that says on each connection what it likes, also what no
// HTTP server may say. Close it when done.
type HTTP struct {
	Addr string // HOST:PORT that it listens on

	conns  *conns
	closed chan struct{}
	mu     sync.Mutex
	heard  []string // guarded by mu
}

// ServeHTTP reads the head of one request from each connection to addr
// ("127.0.0.1:0" for any port) and leaves the rest to speak, which returns when
// it has said all. closed ends with the server. The connection is then closed.
func ServeHTTP(addr string, speak func(c net.Conn, head string, closed <-chan struct{})) (*HTTP, error) {
	return serveRaw(addr, func(s *HTTP, c net.Conn) {
		head, err := readHead(bufio.NewReader(c))
		if err != nil {
			return
		}
		s.mu.Lock()
		s.heard = append(s.heard, head)
		s.mu.Unlock()
		speak(c, head, s.closed)
	})
}

func serveRaw(addr string, serve func(s *HTTP, c net.Conn)) (*HTTP, error) {
	s := &HTTP{closed: make(chan struct{})}
	var err error
	if s.conns, err = acceptOn(addr, func(c net.Conn) { serve(s, c) }); err != nil {
		return nil, err
	}
	s.Addr = s.conns.listener.Addr().String()
	return s, nil
}

// readHead reads a request's or response's first line and headers.
func readHead(r *bufio.Reader) (string, error) {
	var head strings.Builder
	for {
		line, err := r.ReadString('\n')
		head.WriteString(line)
		if err != nil || line == "\r\n" || line == "\n" {
			return head.String(), err
		}
	}
}

// Heard returns the heads of the requests that came so far.
func (s *HTTP) Heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.heard...)
}

// Open returns how many connections are open.
func (s *HTTP) Open() int { return s.conns.count() }

// Close ends the server and its connections.
func (s *HTTP) Close() error {
	close(s.closed)
	return s.conns.close()
}

// HTTPSays answers each request with the same bytes, whatever they are, and
// closes the connection.
func HTTPSays(addr, answer string) (*HTTP, error) {
	return ServeHTTP(addr, func(c net.Conn, _ string, _ <-chan struct{}) { io.WriteString(c, answer) })
}

// HTTPDrips says begin at once and then piece again and again, without end.
func HTTPDrips(addr, begin, piece string, every time.Duration) (*HTTP, error) {
	return ServeHTTP(addr, func(c net.Conn, _ string, closed <-chan struct{}) {
		_, err := io.WriteString(c, begin)
		for err == nil {
			select {
			case <-closed:
				return
			case <-time.After(every):
				_, err = io.WriteString(c, piece)
			}
		}
	})
}

// HTTPFloods says begin and then piece again and again, as fast as it is read.
func HTTPFloods(addr, begin, piece string) (*HTTP, error) {
	return ServeHTTP(addr, func(c net.Conn, _ string, _ <-chan struct{}) {
		_, err := io.WriteString(c, begin)
		for err == nil {
			_, err = io.WriteString(c, piece)
		}
	})
}

// HTTPSilent takes requests and says nothing.
func HTTPSilent(addr string) (*HTTP, error) {
	return ServeHTTP(addr, func(c net.Conn, _ string, _ <-chan struct{}) { io.Copy(io.Discard, c) })
}

// HTTPResets takes a request and resets the connection.
func HTTPResets(addr string) (*HTTP, error) {
	return ServeHTTP(addr, func(c net.Conn, _ string, _ <-chan struct{}) { c.(*net.TCPConn).SetLinger(0) })
}

// HTTPBomb answers with a small body that decompresses to so many zeros.
func HTTPBomb(addr string, size int64) (*HTTP, error) {
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	if _, err := io.CopyN(z, zeros{}, size); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return HTTPSays(addr, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", body.Len(), body.String()))
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// HTTPOnce answers the first request of a connection as if more were welcome,
// and closes the connection at the second.
func HTTPOnce(addr string) (*HTTP, error) {
	return ServeHTTP(addr, func(c net.Conn, _ string, _ <-chan struct{}) {
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		readHead(bufio.NewReader(c))
	})
}
