package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strconv"

	"netmon/probes"
	"netmon/probes/internal/figures"
	"netmon/probes/internal/words"
	"netmon/wire"
)

// socksReplies are the words of a SOCKS server (RFC 1928 section 6) that say
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
	host, port, err := probes.SplitTarget(address(u), "")
	if err != nil {
		return err
	}
	if proxy.Scheme == "socks5" {
		addrs, took, err := x.Resolve(ctx, x.run, "tcp", host, port)
		x.d.ResolveNS, x.d.ResolveAgeNS = int64(took), x.run.ResolveAge()
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
		var e *probes.Error
		if errors.As(err, &e) {
			return err
		}
		return proxyBroken("SOCKS5 greeting: %w", endedBefore(words.Plain(err), "its answer"))
	}
	if _, err := conn.Write(request); err != nil {
		return err
	}
	reply, err := socksReply(conn)
	if err != nil {
		return fmt.Errorf("read the SOCKS5 reply: %w", words.Plain(err))
	}
	if reply == 0 {
		return nil
	}
	if r, ok := socksReplies[reply]; ok {
		return probes.Fail(r.failure, "the proxy could not connect to %s: %s", net.JoinHostPort(host, strconv.Itoa(int(port))), r.text)
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
			return probes.Broken(wire.BrokenSecret, "proxy.password: over 255 bytes")
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
		return proxyBroken("not a SOCKS5 server: it greets with %#x", method)
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
			return nil, fmt.Errorf("the name %q is over 255 bytes", figures.Clip(host))
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
