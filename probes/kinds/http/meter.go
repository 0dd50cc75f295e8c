package http

import (
	"bytes"
	"io"
	"net"
	"sync"
	"time"

	"netmon/probes"
	"netmon/probes/internal/figures"
	"netmon/wire"
)

// headerMeter counts the bytes of a response's status line and headers in
// HTTP/1.1, those of interim responses (1xx) included.
type headerMeter struct {
	net.Conn
	mu    sync.Mutex
	n     int64
	block []byte // beginning of the present block of headers
	tail  []byte // its last bytes
	over  bool
	err   error // of the first Read that failed

	ended chan struct{} // closed with it
	wrote time.Time     // end of the last Write
	alone bool          // nobody reads while it writes
	idle  bool          // nothing is asked until the next Write
}

func newHeaderMeter(conn net.Conn) *headerMeter {
	return &headerMeter{Conn: conn, ended: make(chan struct{})}
}

func (m *headerMeter) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.n, m.block, m.tail, m.over = 0, m.block[:0], m.tail[:0], false
}

// rest says that nothing is asked until the next Write. What the server says
// until then, over HTTP/1.1, ends the connection.
func (m *headerMeter) rest() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.idle = true
}

// count returns the bytes so far, 0 when the headers have not ended.
func (m *headerMeter) count() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.over {
		return 0
	}
	return m.n
}

// lastWrite returns when the last Write ended.
func (m *headerMeter) lastWrite() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.wrote
}

// broke returns why the connection can no longer be read, nil when it can.
func (m *headerMeter) broke() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

// Write fails with the reason that the other side gave, where it gave one: a
// TLS alert is in what is yet to be read when it has closed the connection.
func (m *headerMeter) Write(p []byte) (int, error) {
	m.mu.Lock()
	m.idle = false
	m.mu.Unlock()
	n, err := m.Conn.Write(p)
	if err == nil {
		m.mu.Lock()
		m.wrote = time.Now()
		m.mu.Unlock()
		return n, nil
	}
	if f, _ := probes.Reason(err); f != wire.FailReset {
		return n, err
	}
	if m.alone {
		m.Read(make([]byte, 1))
	}
	select {
	case <-m.ended: // net/http reads all the time, unless it has given up
	case <-time.After(50 * time.Millisecond):
	}
	if why := m.broke(); why != nil && why != io.EOF {
		err = why
	}
	return n, err
}

func (m *headerMeter) Read(p []byte) (int, error) {
	n, err := m.Conn.Read(p)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.idle && n > 0 {
		n, err = 0, probes.Fail(wire.FailBadAnswer, "the server sent %s without a request", figures.Counted(n, "byte"))
	}
	if m.err == nil && err != nil {
		m.err = err
		close(m.ended)
	}
	for i := 0; i < n && !m.over; i++ {
		m.n++
		if len(m.block) < len("HTTP/1.1 1") {
			m.block = append(m.block, p[i])
		}
		if p[i] == '\r' {
			continue
		}
		if len(m.tail) == 2 {
			m.tail = append(m.tail[:0], m.tail[1])
		}
		m.tail = append(m.tail, p[i])
		if string(m.tail) == "\n\n" {
			m.over = !bytes.HasSuffix(m.block, []byte(" 1"))
			m.block, m.tail = m.block[:0], m.tail[:0]
		}
	}
	return n, err
}
