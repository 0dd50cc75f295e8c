package http

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"netmon/probes"
	"netmon/wire"
)

// plain makes the one HTTP/1.1 exchange of a connection in the goroutine of
// the run. A transport has two more for each connection, which hand over to one
// another at every step (docs/adr/0019). What is written and how it is read is
// net/http's anyway.
type plain struct {
	conn *headerMeter
	mend mender
	in   *bufio.Reader
	left int64       // bytes that the headers may still have; -1: the body has begun
	stop func() bool // ends that ctx interrupts the connection
}

func newHTTPPlain(conn *headerMeter) *plain {
	conn.alone = true
	p := &plain{conn: conn, stop: func() bool { return true }}
	p.mend.r = p
	p.in = bufio.NewReader(&p.mend)
	return p
}

func (p *plain) close() {
	p.stop()
	p.conn.Close()
}

// errHTTPHeaders ends a Read within headers that are too long.
var errHTTPHeaders = errors.New("the headers are too long")

// Read reads what comes, as much of it as the headers may have.
func (p *plain) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, errHTTPHeaders
	}
	if p.left > 0 && int64(len(b)) > p.left {
		b = b[:p.left]
	}
	n, err := p.conn.Read(b)
	if p.left > 0 {
		p.left -= int64(n)
	}
	return n, err
}

// exchange sends a request that has no body and reads the headers of the
// answer. It reports when the request was sent, when the first byte came, and of
// interim responses, which may end it. The end of ctx interrupts it, and the
// reading of the body.
func (p *plain) exchange(ctx context.Context, req *http.Request, sent, begun func(), interim func(code int) error) (*http.Response, error) {
	var out bytes.Buffer
	if err := req.Write(&out); err != nil {
		return nil, err
	}
	p.stop = context.AfterFunc(ctx, func() { p.conn.SetDeadline(time.Unix(1, 0)) })
	if _, err := p.conn.Write(out.Bytes()); err != nil {
		return nil, err
	}
	sent()
	for first := true; ; first = false {
		p.left = maxHeader
		if first {
			if _, err := p.in.Peek(1); err != nil {
				return nil, err
			}
			begun()
		}
		resp, err := http.ReadResponse(p.in, req)
		switch {
		case err != nil && p.left == 0:
			return nil, probes.Fail(wire.FailLimit, "the headers are over %d bytes", maxHeader)
		case err != nil:
			return nil, err
		case resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols:
			if err := interim(resp.StatusCode); err != nil {
				return nil, err
			}
			continue
		}
		p.left = -1
		resp.Body = plainBody{resp.Body}
		return resp, nil
	}
}

// plainBody is closed with its connection. To close the library's would be
// to read it to its end.
type plainBody struct{ io.Reader }

func (plainBody) Close() error { return nil }
