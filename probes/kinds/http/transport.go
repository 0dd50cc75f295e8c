package http

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"netmon/probes"
	"netmon/probes/engine"
	"netmon/probes/internal/h2"
	"netmon/probes/tlsconf"
)

// httpConn is one connection to one origin. It is made by us, phase by phase,
// and only then used by net/http, which neither dials nor pools. Either plain
// or cc is set.
type httpConn struct {
	plain  *plain           // for one exchange
	cc     *http.ClientConn // for HTTP/2, connections that are kept, bodies and proxies
	meter  *headerMeter
	watch  *h2.Watch // nil unless h2
	mend   *mender   // nil for HTTP/2
	h2     bool
	remote string
	target string // address of the target, "" where it is the proxy's to know
	proxy  string
	tls    tlsconf.Figures
	made   time.Time // when it was ready for the first request

	idle  *idle       // where it waits between two runs
	timer *time.Timer // that ends the wait
}

func (c *httpConn) close() {
	if c.plain != nil {
		c.plain.close()
		return
	}
	c.cc.Close()
}

func (c *httpConn) protocol() string {
	if c.h2 {
		return "HTTP/2"
	}
	return "HTTP/1.1"
}

// open makes a connection: resolve, connect or go through the proxy, TLS.
func (x *httpRun) open(ctx context.Context, u *url.URL) (*httpConn, error) {
	conn, err := x.reach(ctx, u)
	if err != nil {
		return nil, err
	}
	c := &httpConn{remote: conn.RemoteAddr().String(), target: x.run.Address(), proxy: x.d.Proxy}
	c.h2 = u.Scheme == "http" && x.HTTPVersion == "2" && !x.Proxy.forwards(u)
	x.d.Remote = c.remote
	if u.Scheme == "https" {
		tc, err := x.handshake(ctx, conn, u)
		if err != nil {
			return nil, err
		}
		conn, c.tls, c.h2 = tc, x.d.TLS, x.d.TLS.ALPN == "h2"
	}
	if c.h2 {
		c.watch = h2.NewWatch(conn)
		conn = c.watch
	}
	c.made = time.Now()
	c.meter = newHeaderMeter(conn)
	if !c.h2 && !x.KeepAlive && x.m.body == "" && !x.Proxy.forwards(u) {
		c.plain = newHTTPPlain(c.meter)
		c.mend = &c.plain.mend
		return c, nil
	}
	if c.cc, err = x.adopt(ctx, c, u); err != nil {
		conn.Close()
		return nil, x.failed(ctx, "begin "+c.protocol(), "its first frames", err)
	}
	return c, nil
}

// reach connects to the host of u, or to the proxy and through it.
func (x *httpRun) reach(ctx context.Context, u *url.URL) (net.Conn, error) {
	if x.Proxy.URL != "" {
		return x.throughProxy(ctx, u)
	}
	host, port, err := probes.SplitTarget(address(u), "")
	if err != nil {
		return nil, err
	}
	var addrs []netip.Addr
	addrs, took, err := x.Resolve(ctx, x.run, "tcp", host, port)
	x.d.ResolveNS, x.d.ResolveAgeNS = int64(took), x.run.ResolveAge()
	if err != nil {
		return nil, err
	}
	conn, took, err := x.Dial(ctx, x.run, "tcp", addrs, port)
	if err != nil {
		return nil, err
	}
	x.d.ConnectNS, x.d.ConnectKernelNS = int64(took), engine.SynTime(engine.TCPInfoOf(conn), took)
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
	c, figures, took, err := o.Handshake(ctx, x.run, conn, u.Hostname(), alpn...)
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
		if len(x.d.Redirects) > 0 { // not the host that the monitor names
			err = probes.NetFail(x.at, err)
		}
		return nil, err
	}
	return c, nil
}

// adopt hands a connection to net/http. TLS is done by then, so that to
// net/http it is a plain one whose protocol is known.
func (x *httpRun) adopt(ctx context.Context, c *httpConn, u *url.URL) (*http.ClientConn, error) {
	var protocols http.Protocols
	way := net.Conn(c.meter)
	if !c.h2 {
		c.mend = &mender{r: c.meter}
		way = mended{c.meter, c.mend}
	}
	protocols.SetHTTP1(!c.h2)
	protocols.SetUnencryptedHTTP2(c.h2)
	tr := &http.Transport{
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		Protocols:              &protocols,
		DialContext:            func(context.Context, string, string) (net.Conn, error) { return way, nil },
	}
	if x.Proxy.forwards(u) {
		tr.Proxy = http.ProxyURL(x.proxy)
	}
	return tr.NewClientConn(ctx, "http", address(u))
}
