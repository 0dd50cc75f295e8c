package probes

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"
)

// httpConn is one connection to one origin. It is made by us, phase by phase,
// and only then handed to net/http, which neither dials nor pools.
type httpConn struct {
	cc     *http.ClientConn
	meter  *headerMeter
	h2     bool
	remote string
	target string // address of the target, "" where it is the proxy's to know
	proxy  string
	tls    TLSFigures

	idle  *httpIdle   // where it waits between two runs
	timer *time.Timer // that ends the wait
}

// httpKeepFor is how long a connection is kept for the next run.
const httpKeepFor = 5 * time.Minute

func (c *httpConn) close() { c.cc.Close() }

func (c *httpConn) protocol() string {
	if c.h2 {
		return "HTTP/2"
	}
	return "HTTP/1.1"
}

// connection returns the connection to the origin of u: of this run, of the run
// before, or a new one.
func (x *httpRun) connection(ctx context.Context, u *url.URL) (c *httpConn, reused bool, err error) {
	origin := httpOrigin(u)
	old := x.conns[origin]
	if old == nil {
		if old = x.kept.conns[origin]; old != nil {
			delete(x.kept.conns, origin)
			if !old.take() {
				old = nil
			}
		}
	}
	if old != nil {
		if x.KeepAlive && old.cc.Err() == nil && old.cc.Available() > 0 {
			x.conns[origin] = old
			x.run.Stepf("using the kept connection to %s", old.remote)
			x.run.Reached(old.target)
			return old, true, nil
		}
		x.run.Stepf("the connection before to %s is over", old.remote)
		old.close()
		delete(x.conns, origin)
	}
	c, err = x.open(ctx, u)
	if err != nil {
		return nil, false, err
	}
	x.conns[origin] = c
	return c, false, nil
}

// open makes a connection: resolve, connect or go through the proxy, TLS.
func (x *httpRun) open(ctx context.Context, u *url.URL) (*httpConn, error) {
	conn, err := x.reach(ctx, u)
	if err != nil {
		return nil, err
	}
	c := &httpConn{remote: conn.RemoteAddr().String(), target: reached(x.run), proxy: x.d.Proxy}
	c.h2 = u.Scheme == "http" && x.HTTPVersion == "2" && !x.Proxy.forwards(u)
	x.d.Remote = c.remote
	if u.Scheme == "https" {
		tc, err := x.handshake(ctx, conn, u)
		if err != nil {
			return nil, err
		}
		conn, c.tls, c.h2 = tc, x.d.TLS, x.d.TLS.ALPN == "h2"
	}
	c.meter = &headerMeter{Conn: conn}
	if c.cc, err = x.adopt(ctx, c, u); err != nil {
		conn.Close()
		return nil, x.failed(ctx, "begin "+c.protocol(), err)
	}
	return c, nil
}

// reached is the address that is being measured.
func reached(run *Run) string {
	run.mu.Lock()
	defer run.mu.Unlock()
	return run.address
}

// reach connects to the host of u, or to the proxy and through it.
func (x *httpRun) reach(ctx context.Context, u *url.URL) (net.Conn, error) {
	if x.Proxy.URL != "" {
		return x.throughProxy(ctx, u)
	}
	host, port, err := splitTarget(httpAddress(u), "")
	if err != nil {
		return nil, err
	}
	var addrs []netip.Addr
	addrs, took, err := x.resolve(ctx, x.run, host)
	x.d.ResolveNS = int64(took)
	if err != nil {
		return nil, err
	}
	conn, took, err := x.dial(ctx, x.run, "tcp", addrs, port)
	if err != nil {
		return nil, err
	}
	x.d.ConnectNS = int64(took)
	return conn, nil
}

// handshake makes TLS of conn. To other origins than the target's it takes
// neither the name nor the client's certificate, which are the target's.
func (x *httpRun) handshake(ctx context.Context, conn net.Conn, u *url.URL) (net.Conn, error) {
	o := x.TLS
	if !x.ours(u) {
		o.ServerName, o.Cert, o.Key = "", "", ""
	}
	alpn := []string{"h2", "http/1.1"}
	switch x.HTTPVersion {
	case "1.1":
		alpn = alpn[1:]
	case "2":
		alpn = alpn[:1]
	}
	c, figures, took, err := o.handshake(ctx, x.run, conn, u.Hostname(), alpn...)
	x.d.TLS = figures
	if err == nil || figures.Version != "" {
		x.d.TLSNS = int64(took)
	}
	// RFC 7301 section 3.2 has an alert for it, which crypto/tls gives no type.
	declined := err != nil && strings.Contains(err.Error(), "no application protocol")
	if x.HTTPVersion == "2" && (declined || err == nil && figures.ALPN != "h2") {
		if err == nil {
			c.Close()
		}
		x.run.Expect(false, "http_version", "2", "a server that does not take h2 by ALPN")
		return nil, errHTTPUnmet
	}
	if err != nil {
		if ctx.Err() == context.Canceled {
			return nil, ctx.Err()
		}
		return nil, err
	}
	return c, nil
}

// adopt hands a connection to net/http. TLS is done by then, so that to
// net/http it is a plain one whose protocol is known.
func (x *httpRun) adopt(ctx context.Context, c *httpConn, u *url.URL) (*http.ClientConn, error) {
	var protocols http.Protocols
	protocols.SetHTTP1(!c.h2)
	protocols.SetUnencryptedHTTP2(c.h2)
	tr := &http.Transport{
		DisableCompression:     true,
		MaxResponseHeaderBytes: httpMaxHeader,
		Protocols:              &protocols,
		DialContext:            func(context.Context, string, string) (net.Conn, error) { return c.meter, nil },
	}
	if x.Proxy.forwards(u) {
		tr.Proxy = http.ProxyURL(x.proxy)
	}
	return tr.NewClientConn(ctx, "http", httpAddress(u))
}

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
}

func (m *headerMeter) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.n, m.block, m.tail, m.over = 0, m.block[:0], m.tail[:0], false
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

// broke returns why the connection can no longer be read, nil when it can.
func (m *headerMeter) broke() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

func (m *headerMeter) Read(p []byte) (int, error) {
	n, err := m.Conn.Read(p)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		m.err = err
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

// httpIdle holds the connections that wait for their monitor's next run.
type httpIdle struct {
	mu    sync.Mutex
	conns map[*httpConn]bool
}

// Close implements io.Closer.
func (i *httpIdle) Close() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	for c := range i.conns {
		c.timer.Stop()
		c.close()
	}
	i.conns = nil
	return nil
}

// park leaves the connection for the next run; false when it cannot. A monitor
// that is stopped does not come back for it: it is closed after httpKeepFor, or
// with env.
func (c *httpConn) park(env *Env) bool {
	shared, err := env.Shared("http", func() (io.Closer, error) { return &httpIdle{conns: map[*httpConn]bool{}}, nil })
	if err != nil {
		return false
	}
	c.idle = shared.(*httpIdle)
	c.idle.mu.Lock()
	defer c.idle.mu.Unlock()
	if c.idle.conns == nil {
		return false
	}
	c.idle.conns[c] = true
	c.timer = time.AfterFunc(httpKeepFor, func() {
		if c.take() {
			c.close()
		}
	})
	return true
}

// take takes the connection back; false when it was closed meanwhile.
func (c *httpConn) take() bool {
	c.idle.mu.Lock()
	defer c.idle.mu.Unlock()
	if !c.idle.conns[c] {
		return false
	}
	delete(c.idle.conns, c)
	c.timer.Stop()
	return true
}
