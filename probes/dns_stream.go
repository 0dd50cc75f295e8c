package probes

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"netmon/wire"
)

// overTCP asks over a connection of its own (RFC 7766).
func (x *dnsExchange) overTCP(ctx context.Context, d *DNSDetails) error {
	conn, err := x.connect(ctx, d)
	if err != nil {
		return err
	}
	defer conn.Close()
	d.Transport = dnsTCP
	return x.overStream(ctx, conn, d)
}

// overTLS asks over TLS (RFC 7858).
func (x *dnsExchange) overTLS(ctx context.Context, d *DNSDetails) error {
	conn, err := x.secure(ctx, d, "dot")
	if err != nil {
		return err
	}
	defer conn.Close()
	return x.overStream(ctx, conn, d)
}

func (x *dnsExchange) connect(ctx context.Context, d *DNSDetails) (net.Conn, error) {
	conn, took, err := x.dial(ctx, x.run, "tcp", []netip.Addr{x.to.Addr()}, x.to.Port())
	if err == nil {
		d.ConnectNS = int64(took)
	}
	return conn, err
}

// serverName is what the server's certificate must be for.
func (x *dnsExchange) serverName() string { return cmp.Or(x.host, x.to.Addr().String()) }

// secure connects and makes the TLS handshake.
func (x *dnsExchange) secure(ctx context.Context, d *DNSDetails, alpn ...string) (net.Conn, error) {
	conn, err := x.connect(ctx, d)
	if err != nil {
		return nil, err
	}
	secured, figures, took, err := x.TLS.handshake(ctx, x.run, conn, x.serverName(), alpn...)
	d.TLS = figures
	if err != nil {
		return nil, err // not secured, which would be an interface that is not nil
	}
	d.TLSNS = int64(took)
	return secured, nil
}

// overStream sends the query with its length before it (RFC 1035 section 4.2.2)
// and reads messages until the answer.
func (x *dnsExchange) overStream(ctx context.Context, conn net.Conn, d *DNSDetails) error {
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	x.stray = nil // one over UDP says nothing of this connection
	b, err := x.query.Pack()
	if err != nil {
		return broken(wire.BrokenInternal, "pack the query: %w", err)
	}
	at := time.Now()
	// Both in one write, so that they go in one segment (RFC 7766 section 8).
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)); err != nil {
		return netFail("ask "+x.to.String(), plain(err))
	}
	quickAck(conn)
	x.run.Stepf("asked %s for %s, id %d, %d bytes", x.to, d.Question, x.query.Id, len(b))
	for {
		b, err := readDNSFrame(conn)
		rtt := time.Since(at)
		if err != nil {
			return x.strays(err, d)
		}
		m, _, err := acceptDNS(b, x.query.Question[0], []dnsSent{{x.query.Id, at}})
		if x.isStray(err, d) {
			continue
		}
		if err != nil {
			return err
		}
		x.take(d, m, len(b), rtt, ClockUser)
		return nil
	}
}

// readDNSFrame reads one message of a stream. The error is classified.
func readDNSFrame(r io.Reader) ([]byte, error) {
	var length [2]byte
	if n, err := io.ReadFull(r, length[:]); err != nil {
		return nil, netFail(fmt.Sprintf("read the answer's length (%d of 2 bytes came)", n), plain(err))
	}
	b := make([]byte, binary.BigEndian.Uint16(length[:]))
	if n, err := io.ReadFull(r, b); err != nil {
		return nil, netFail(fmt.Sprintf("read the answer (%d of %d bytes came)", n, len(b)), plain(err))
	}
	return b, nil
}
