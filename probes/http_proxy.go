package probes

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"netmon/wire"
)

func (p HTTPProxy) validate(version, scheme string) error {
	var problems wire.Problems
	if p.URL == "" {
		if p.User != "" || p.Password != "" {
			problems.Addf("url", "user and password are of no use without it")
		}
		return problems.Err()
	}
	u, err := url.Parse(p.URL)
	switch {
	case err != nil:
		problems.Addf("url", "want http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT, got something else")
	case u.User != nil: // not quoted: it may be a password
		problems.Addf("url", "want no user and password in it: see proxy.user and proxy.password")
	case u.Scheme != "http" && u.Scheme != "socks5" && u.Scheme != "socks5h", u.Path != "" && u.Path != "/", u.RawQuery != "":
		problems.Addf("url", "want http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT, got %q", p.URL)
	case version == "2" && scheme == "http" && u.Scheme == "http":
		problems.Addf("url", "http_version 2 without TLS does not go through an HTTP proxy")
	default:
		if _, _, err := splitTarget(u.Host, p.port(u)); err != nil {
			problems.Add("url", err)
		}
	}
	if p.Password != "" && p.User == "" {
		problems.Addf("password", "is of no use without user")
	}
	if len(p.User) > 255 {
		problems.Addf("user", "want at most 255 bytes, got %d", len(p.User))
	}
	return problems.Err()
}

func (p HTTPProxy) port(u *url.URL) string {
	if u.Scheme == "http" {
		return "80"
	}
	return "1080"
}

// forwards says whether requests to u go to the proxy in absolute form (RFC
// 9112 section 3.2.2) instead of through a tunnel.
func (p HTTPProxy) forwards(u *url.URL) bool {
	if p.URL == "" || u.Scheme != "http" {
		return false
	}
	proxy, err := url.Parse(p.URL)
	return err == nil && proxy.Scheme == "http"
}

// withCredentials is the proxy's URL as net/http wants it, nil without proxy.
func (p HTTPProxy) withCredentials(secrets *httpSecrets) (*url.URL, error) {
	if p.URL == "" {
		return nil, nil
	}
	u, err := url.Parse(p.URL)
	if err != nil || p.User == "" {
		return u, err
	}
	password, err := secrets.reveal(p.Password)
	secrets.add(p.User + ":" + password)
	u.User = url.UserPassword(p.User, password)
	return u, err
}

// proxyBroken is the error of a proxy that does not do its part: nothing is
// known of the target.
func proxyBroken(format string, args ...any) error {
	return broken(wire.BrokenProxy, "proxy: %w", fmt.Errorf(format, args...))
}

// throughProxy connects to the proxy and, unless it forwards requests, has it
// connect to the host of u.
func (x *httpRun) throughProxy(ctx context.Context, u *url.URL) (net.Conn, error) {
	proxy := x.proxy
	host, port, err := splitTarget(proxy.Host, x.Proxy.port(proxy))
	if err != nil {
		return nil, err
	}
	x.d.Proxy = proxy.Scheme + "://" + proxy.Host
	x.run.Stepf("proxy %s", x.d.Proxy)
	begin := time.Now()
	addrs, _, err := x.resolve(ctx, x.run, host)
	var conn net.Conn
	if err == nil {
		conn, _, err = x.dial(ctx, x.run, "tcp", addrs, port)
	}
	x.run.Reached("") // the target's address is the proxy's to know
	if err != nil {
		var e *Error
		if errors.As(err, &e) && e.Broken {
			return nil, err
		}
		return nil, proxyBroken("%w", err)
	}
	x.d.ProxyConnectNS = int64(time.Since(begin))
	if x.Proxy.forwards(u) {
		return conn, nil
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	begin = time.Now()
	if proxy.Scheme == "http" {
		err = x.connectTunnel(conn, proxy, httpAddress(u))
	} else {
		err = x.socks(ctx, conn, proxy, u)
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		var e *Error
		switch {
		case ctx.Err() == context.Canceled:
			return nil, ctx.Err()
		case errors.As(err, &e):
			return nil, err
		case ctx.Err() != nil:
			// The proxy may be waiting for the target.
			return nil, fail(wire.FailTimeout, "no word from the proxy %s about %s within the timeout", x.d.Proxy, u.Host)
		}
		return nil, proxyBroken("%w", plain(err))
	}
	x.d.ProxyTunnelNS = int64(time.Since(begin))
	x.run.Stepf("the proxy is connected to %s, after %v", httpAddress(u), time.Duration(x.d.ProxyTunnelNS))
	return conn, nil
}

// connectTunnel asks an HTTP proxy for a tunnel (RFC 9110 section 9.3.6).
func (x *httpRun) connectTunnel(conn net.Conn, proxy *url.URL, address string) error {
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{"User-Agent": {"netmon"}}}
	if u := proxy.User; u != nil {
		password, _ := u.Password()
		req.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	x.run.Stepf("> CONNECT %s HTTP/1.1", address)
	if err := req.Write(conn); err != nil {
		return err
	}
	// What is read too much is nothing: in a tunnel to TLS the client speaks first.
	resp, err := http.ReadResponse(bufio.NewReader(io.LimitReader(conn, httpMaxHeader)), req)
	if err != nil {
		return err
	}
	x.run.Stepf("< %s %s", resp.Proto, clip(x.hide(resp.Status)))
	switch status := clip(x.hide(resp.Status)); {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		return nil
	case resp.StatusCode == http.StatusGatewayTimeout:
		return fail(wire.FailTimeout, "the proxy could not connect to %s: %s", address, status)
	case resp.StatusCode >= 500: // 502 and 503, but also 500 from tinyproxy, for a target that is not there
		return fail(wire.FailUnreachable, "the proxy could not connect to %s: %s", address, status)
	default:
		return proxyBroken("CONNECT %s: %s", address, status)
	}
}

// socksReplies are the words of a SOCKS server (RFC 1928 section 6) that tell
// something of the target.
var socksReplies = map[byte]struct {
	failure wire.Failure
	text    string
}{
	3: {wire.FailUnreachable, "network unreachable"},
	4: {wire.FailUnreachable, "host unreachable"},
	5: {wire.FailRefused, "connection refused"},
	6: {wire.FailTTLExceeded, "TTL expired"},
}

// socks asks a SOCKS5 proxy for a connection (RFC 1928), with user and password
// (RFC 1929) where there are some.
func (x *httpRun) socks(ctx context.Context, conn net.Conn, proxy *url.URL, u *url.URL) error {
	host, port, err := splitTarget(httpAddress(u), "")
	if err != nil {
		return err
	}
	if proxy.Scheme == "socks5" {
		addrs, took, err := x.resolve(ctx, x.run, host)
		x.d.ResolveNS = int64(took)
		if err != nil {
			return err
		}
		host = addrs[0].String()
		x.run.Reached(host)
	}
	request, err := socksRequest(host, port)
	if err != nil {
		return err
	}
	if err := socksGreet(conn, proxy.User); err != nil {
		var e *Error
		if errors.As(err, &e) {
			return err
		}
		return proxyBroken("SOCKS5 greeting: %w", plain(err))
	}
	if _, err := conn.Write(request); err != nil {
		return err
	}
	reply, err := socksReply(conn)
	if err != nil {
		return fmt.Errorf("read the SOCKS5 reply: %w", err)
	}
	if reply == 0 {
		return nil
	}
	if r, ok := socksReplies[reply]; ok {
		return fail(r.failure, "the proxy could not connect to %s: %s", net.JoinHostPort(host, strconv.Itoa(int(port))), r.text)
	}
	return proxyBroken("it refuses with SOCKS5 reply %d", reply)
}

// socksGreet agrees on an authentication and goes through it. Nothing in it is
// about the target.
func socksGreet(conn net.Conn, login *url.Userinfo) error {
	greeting := []byte{5, 1, 0}
	var user, password string
	if login != nil {
		user = login.Username()
		password, _ = login.Password()
		if len(password) > 255 {
			return broken(wire.BrokenSecret, "proxy.password: over 255 bytes")
		}
		greeting = []byte{5, 2, 0, 2}
	}
	if _, err := conn.Write(greeting); err != nil {
		return err
	}
	var method [2]byte
	if _, err := io.ReadFull(conn, method[:]); err != nil {
		return err
	}
	switch {
	case method[0] != 5:
		return proxyBroken("no SOCKS5 server: it greets with %#x", method)
	case method[1] == 0:
		return nil
	case method[1] != 2 || login == nil:
		return proxyBroken("it wants an authentication that is not offered (method %d)", method[1])
	}
	b := append([]byte{1, byte(len(user))}, user...)
	b = append(append(b, byte(len(password))), password...)
	if _, err := conn.Write(b); err != nil {
		return err
	}
	var status [2]byte
	if _, err := io.ReadFull(conn, status[:]); err != nil {
		return err
	}
	if status[1] != 0 {
		return proxyBroken("it does not accept user %q and the password", user)
	}
	return nil
}

// socksRequest asks for a connection to an address or a name.
func socksRequest(host string, port uint16) ([]byte, error) {
	b := []byte{5, 1, 0}
	if a, err := netip.ParseAddr(host); err == nil {
		a = a.WithZone("")
		if a.Is4() {
			b = append(b, 1)
		} else {
			b = append(b, 4)
		}
		b = append(b, a.AsSlice()...)
	} else {
		if len(host) > 255 {
			return nil, fmt.Errorf("the name %q is over 255 bytes", clip(host))
		}
		b = append(append(b, 3, byte(len(host))), host...)
	}
	return append(b, byte(port>>8), byte(port)), nil
}

// socksReply reads a reply up to its end, not a byte more, and returns its code.
func socksReply(r io.Reader) (byte, error) {
	var head [5]byte // version, reply, reserved, address type, first byte of the address
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, err
	}
	if head[0] != 5 {
		return 0, fmt.Errorf("version %d, want 5", head[0])
	}
	rest := 2 // the port
	switch head[3] {
	case 1:
		rest += 3
	case 4:
		rest += 15
	case 3:
		rest += int(head[4])
	default:
		return 0, fmt.Errorf("address type %d", head[3])
	}
	_, err := io.ReadFull(r, make([]byte, rest))
	return head[1], err
}
