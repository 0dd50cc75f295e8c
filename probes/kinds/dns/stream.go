package dns

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"netmon/probes"
	"netmon/probes/engine"
	"netmon/probes/internal/figures"
	"netmon/probes/internal/words"
	"netmon/wire"
)

// maxStrays is how many messages that are not an answer a run reads from one
// connection. Over UDP anybody can send them; here they are the server's.
const maxStrays = 16

// overTCP asks over a connection of its own (RFC 7766).
func (x *exchange) overTCP(ctx context.Context, d *Details) error {
	conn, err := x.connect(ctx, d)
	if err != nil {
		return err
	}
	defer conn.Close()
	d.Transport = dnsTCP
	return x.overStream(ctx, conn, d)
}

// overTLS asks over TLS (RFC 7858).
func (x *exchange) overTLS(ctx context.Context, d *Details) error {
	conn, err := x.secure(ctx, d, "dot")
	if err != nil {
		return err
	}
	defer conn.Close()
	return x.overStream(ctx, conn, d)
}

func (x *exchange) connect(ctx context.Context, d *Details) (net.Conn, error) {
	conn, took, err := x.Dial(ctx, x.run, "tcp", []netip.Addr{x.to.Addr()}, x.to.Port())
	if err == nil {
		d.ConnectNS = int64(took)
	}
	return conn, err
}

// serverName is what the server's certificate must be for.
func (x *exchange) serverName() string { return cmp.Or(x.host, x.to.Addr().String()) }

// secure connects and makes the TLS handshake.
func (x *exchange) secure(ctx context.Context, d *Details, alpn ...string) (net.Conn, error) {
	conn, err := x.connect(ctx, d)
	if err != nil {
		return nil, err
	}
	secured, figures, took, err := x.TLS.Handshake(ctx, x.run, conn, x.serverName(), alpn...)
	d.TLS = figures
	if err != nil {
		return nil, err // not secured, which would be an interface that is not nil
	}
	d.TLSNS = int64(took)
	return secured, nil
}

// overStream sends the query with its length before it (RFC 1035 section 4.2.2)
// and reads messages until the answer.
func (x *exchange) overStream(ctx context.Context, conn net.Conn, d *Details) error {
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	x.stray = nil // one over UDP says nothing of this connection
	b, err := x.query.Pack()
	if err != nil {
		return probes.Broken(wire.BrokenInternal, "pack the query: %w", err)
	}
	at := time.Now()
	// Both in one write, so that they go in one segment (RFC 7766 section 8).
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)); err != nil {
		return probes.NetFail("ask "+x.to.String(), words.Plain(err))
	}
	quickAck(conn)
	x.run.Stepf("asked %s for %s, id %d, %d bytes", x.to, d.Question, x.query.Id, len(b))
	for strays := 0; ; {
		b, err := readDNSFrame(conn)
		rtt := time.Since(at)
		if err != nil {
			return x.strays(err, d)
		}
		m, _, err := acceptDNS(b, x.query.Question[0], []dnsSent{{x.query.Id, at}})
		if x.isStray(err, d) {
			if strays++; strays == maxStrays { // nobody else can have sent them
				return probes.Fail(wire.FailBadAnswer, "the server sent %d messages over one connection, the last one %w", strays, x.stray)
			}
			continue
		}
		if err != nil {
			return err
		}
		x.applyAnswer(d, m, len(b), rtt, engine.ClockUser)
		return nil
	}
}

// readDNSFrame reads one message of a stream. The error is classified.
func readDNSFrame(r io.Reader) ([]byte, error) {
	var length [2]byte
	if n, err := io.ReadFull(r, length[:]); err != nil {
		return nil, probes.NetFail(fmt.Sprintf("read the answer's length (%d of 2 bytes came)", n), words.Plain(err))
	}
	b := make([]byte, binary.BigEndian.Uint16(length[:]))
	if n, err := io.ReadFull(r, b); err != nil {
		return nil, probes.NetFail(fmt.Sprintf("read the answer (%d of %s came)", n, figures.Counted(len(b), "byte")), words.Plain(err))
	}
	return b, nil
}
