package http

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"netmon/probes"
	"netmon/probes/internal/figures"
	"netmon/probes/internal/words"
	"netmon/wire"
)

func (p Proxy) validate(version, scheme string) error {
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
		if _, _, err := probes.SplitTarget(u.Host, p.port(u)); err != nil {
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

func (p Proxy) port(u *url.URL) string {
	if u.Scheme == "http" {
		return "80"
	}
	return "1080"
}

// forwards says whether requests to u go to the proxy in absolute form (RFC
// 9112 section 3.2.2) instead of through a tunnel.
func (p Proxy) forwards(u *url.URL) bool {
	if p.URL == "" || u.Scheme != "http" {
		return false
	}
	proxy, err := url.Parse(p.URL)
	return err == nil && proxy.Scheme == "http"
}

// withCredentials is the proxy's URL as net/http wants it, nil without proxy.
func (p Proxy) withCredentials(run *probes.Run) (*url.URL, error) {
	if p.URL == "" {
		return nil, nil
	}
	u, err := url.Parse(p.URL)
	if err != nil || p.User == "" {
		return u, err
	}
	password, err := run.Reveal(p.Password)
	run.Redact(p.User + ":" + password)
	u.User = url.UserPassword(p.User, password)
	return u, err
}

// proxyBroken is the error of a proxy that does not do its part: nothing is
// known of the target.
func proxyBroken(format string, args ...any) error {
	return probes.Broken(wire.BrokenProxy, "proxy: %w", fmt.Errorf(format, args...))
}

// throughProxy connects to the proxy and, unless it forwards requests, has it
// connect to the host of u.
func (x *httpRun) throughProxy(ctx context.Context, u *url.URL) (net.Conn, error) {
	proxy := x.proxy
	host, port, err := probes.SplitTarget(address(u), "")
	if err == nil {
		err = x.run.AllowThroughProxy(host, port)
	}
	if err != nil {
		return nil, err
	}
	host, port, err = probes.SplitTarget(proxy.Host, x.Proxy.port(proxy))
	if err != nil {
		return nil, err
	}
	x.d.Proxy = proxy.Scheme + "://" + proxy.Host
	x.run.Stepf("proxy %s", x.d.Proxy)
	begin := time.Now()
	addrs, _, err := x.Resolve(ctx, x.run, "tcp", host, port)
	var conn net.Conn
	if err == nil {
		conn, _, err = x.Dial(ctx, x.run, "tcp", addrs, port)
	}
	x.run.Reached("") // the target's address is the proxy's to know
	if err != nil {
		var e *probes.Error
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
		err = x.connectTunnel(conn, proxy, address(u))
	} else {
		err = x.socks(ctx, conn, proxy, u)
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		var e *probes.Error
		switch {
		case ctx.Err() == context.Canceled:
			return nil, ctx.Err()
		case errors.As(err, &e):
			return nil, err
		case ctx.Err() != nil:
			// The proxy may be waiting for the target.
			return nil, probes.Fail(wire.FailTimeout, "no answer from the proxy %s about %s within the timeout", x.d.Proxy, u.Host)
		}
		return nil, proxyBroken("%w", endedBefore(words.Plain(err), "it said whether it is connected to "+u.Host))
	}
	x.d.ProxyTunnelNS = int64(time.Since(begin))
	x.run.Stepf("the proxy is connected to %s, after %v", address(u), time.Duration(x.d.ProxyTunnelNS))
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
	resp, err := http.ReadResponse(bufio.NewReader(&mender{r: io.LimitReader(conn, maxHeader)}), req)
	if err != nil {
		return err
	}
	x.run.Stepf("< %s %s", resp.Proto, figures.Clip(x.hide(resp.Status)))
	switch status := figures.Clip(x.hide(resp.Status)); {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		return nil
	case resp.StatusCode == http.StatusGatewayTimeout:
		return probes.Fail(wire.FailTimeout, "the proxy could not connect to %s: %s", address, status)
	case resp.StatusCode == http.StatusNotImplemented: // it does not know CONNECT
		return proxyBroken("CONNECT %s: %s", address, status)
	case resp.StatusCode >= 500: // 502 and 503, but also 500 from tinyproxy, for a target that is not there
		return probes.Fail(wire.FailUnreachable, "the proxy could not connect to %s: %s", address, status)
	default:
		return proxyBroken("CONNECT %s: %s", address, status)
	}
}
