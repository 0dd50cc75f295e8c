package tcp

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"time"
	"unicode/utf8"

	"netmon/probes"
	"netmon/probes/internal/figures"
	"netmon/probes/internal/words"
	"netmon/wire"
)

// talk is the conversation over one connection. It bounds what is read and
// for how long, counts it, and reports it to --explain without the secrets. It
// is for one goroutine.
type talk struct {
	ctx     context.Context
	run     *probes.Run
	wire    *tcpCounted
	conn    net.Conn // wire, or TLS over it
	most    int      // bytes of one answer
	secrets tcpSecrets
	detach  func() bool

	buf     []byte    // has come and was not taken yet
	shown   int       // bytes of buf that --explain has reported
	came    int       // bytes of this answer
	reads   int       // in which they came
	arrived time.Time // of the latest bytes
	spoke   bool      // we have said something
	greeted time.Time // of the latest bytes before we first said something, if any came
	pending error     // why nothing more will come
}

const (
	maxPieces = 1024 // reads of one answer: each looks at all that came, and a drip must not cost us its square
	pause     = 100 * time.Millisecond
	settle    = time.Second           // the longest wait for the end of a line
	leave     = time.Second           // the longest wait for the target's leave-taking
	reject    = 20 * time.Millisecond // what a server may take to reject our side of a handshake
)

// errTCPWaited is the end of a wait that is shorter than the run's timeout.
var errTCPWaited = errors.New("nothing came in time")

func newTCPTalk(ctx context.Context, run *probes.Run, conn net.Conn, most int, secrets tcpSecrets) *talk {
	counted := &tcpCounted{Conn: conn}
	deadline, _ := ctx.Deadline()
	conn.SetDeadline(deadline)
	return &talk{ctx: ctx, run: run, wire: counted, conn: counted, most: most, secrets: secrets,
		detach: context.AfterFunc(ctx, func() {
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) { // which the connection's own deadline shows
				conn.Close()
			}
		})}
}

// close ends the connection, with the alert that TLS wants (RFC 8446 section
// 6.1) but without waiting for a target that takes nothing more.
func (t *talk) close() {
	t.detach()
	stop := time.AfterFunc(pause, func() { t.wire.Close() })
	t.conn.Close()
	stop.Stop()
}

// begin makes what comes from now on count as the next answer.
func (t *talk) begin() { t.came, t.reads = len(t.buf), 0 }

// readUntil waits for more bytes: until the time given, when there is one, and the
// end of the run. The error is classified, or errTCPWaited.
func (t *talk) readUntil(until time.Time) error {
	if t.pending != nil {
		return t.pending
	}
	if t.reads >= maxPieces {
		return probes.Fail(wire.FailLimit, "the answer came in more than %d pieces", maxPieces)
	}
	end, _ := t.ctx.Deadline()
	if until.IsZero() || until.After(end) {
		until = end
	}
	t.conn.SetReadDeadline(until)
	if err := t.ctx.Err(); errors.Is(err, context.Canceled) {
		return err
	}
	t.buf = slices.Grow(t.buf, 4096)
	n, err := t.conn.Read(t.buf[len(t.buf) : len(t.buf)+min(4096, t.most-t.came+1)])
	if n > 0 {
		t.buf = t.buf[:len(t.buf)+n]
		t.arrived = time.Now()
		t.came += n
		t.reads++
	}
	switch {
	case err == nil, n > 0 && errors.Is(err, os.ErrDeadlineExceeded):
	case errors.Is(err, os.ErrDeadlineExceeded):
		if time.Now().Before(end) {
			return errTCPWaited
		}
		return probes.Fail(wire.FailTimeout, "nothing more came in time")
	case errors.Is(err, io.EOF):
		t.pending = probes.Fail(wire.FailClosed, "the target closed the connection")
	default:
		t.pending = t.readFail(err)
	}
	if t.came > t.most {
		return probes.Fail(wire.FailLimit, "the answer is over %d bytes", t.most)
	}
	if n == 0 {
		return t.pending
	}
	return nil
}

// readFail classifies an error of reading. Inside TLS one that says nothing of
// the network is about TLS, such as an alert: a server that takes our
// certificate for wrong says so after the handshake (RFC 8446 section 4.4.2.4).
func (t *talk) readFail(err error) error {
	f, isBroken := probes.Reason(err)
	if t.conn != net.Conn(t.wire) && !isBroken && f == wire.FailBadAnswer {
		return probes.Fail(wire.FailTLS, "read: %w", words.InWords(err))
	}
	return &probes.Error{Failure: f, Broken: isBroken, Err: words.Plain(err)} // the callers say what was waited for
}

// send sends b. What the target has said before is not its answer and is dropped.
func (t *talk) send(b []byte) error {
	if !t.spoke {
		t.spoke, t.greeted = true, t.arrived
	}
	t.showNew(len(t.buf))
	if n := len(t.buf); n > 0 {
		t.run.Stepf("dropped %s that came before", figures.Counted(n, "byte"))
	}
	t.drop(len(t.buf))
	t.show(">", b)
	if _, err := t.conn.Write(b); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return probes.Fail(wire.FailTimeout, "send: the target accepted nothing more within the timeout")
		}
		return probes.NetFail("send", words.Plain(err))
	}
	return nil
}

// drop forgets the first n bytes that came.
func (t *talk) drop(n int) {
	t.buf = append(t.buf[:0], t.buf[n:]...)
	t.shown = max(t.shown-n, 0)
}

// consume returns the first n bytes that came, and forgets them.
func (t *talk) consume(n int) []byte {
	t.showNew(n)
	b := slices.Clone(t.buf[:n])
	t.drop(n)
	return b
}

// showNew shows --explain the first n bytes of buf, each byte once.
func (t *talk) showNew(n int) {
	if n > t.shown {
		t.show("<", t.buf[t.shown:n])
		t.shown = n
	}
}

// show gives --explain what went over the connection: text by line, all else in hex.
func (t *talk) show(mark string, b []byte) {
	const mostLines = 50
	if !t.run.Watched() || len(b) == 0 {
		return
	}
	b = t.secrets.hide(b)
	if !isText(b) {
		t.run.Stepf("%s %s", mark, figures.Hex(b, nil))
		return
	}
	n := 0
	for line := range bytes.Lines(b) {
		if n++; n > mostLines {
			t.run.Stepf("%s ... (%d bytes)", mark, len(b))
			return
		}
		t.run.Stepf("%s %s", mark, figures.Clip(string(bytes.TrimRight(line, "\r\n"))))
	}
}

// quote writes what the target said for people, clipped and without secrets.
func (t *talk) quote(b []byte) string { return figures.Show(t.secrets.hide(b), nil) }

func isText(b []byte) bool {
	return utf8.Valid(b) && bytes.IndexFunc(b, func(r rune) bool { return r < ' ' && r != '\r' && r != '\n' && r != '\t' || r == 0x7f }) < 0
}

// farewell sends text and reads what little the target has to say to that,
// until it closes the connection: it shall not see us break off.
func (t *talk) farewell(text []byte) {
	if len(text) == 0 || t.pending != nil || t.ctx.Err() != nil {
		return
	}
	if err := t.send(text); err != nil {
		t.run.Stepf("say goodbye: %v", err)
		return
	}
	t.begin()
	end := time.Now().Add(leave)
	for until := end; t.readUntil(until) == nil; until = time.Now().Add(pause) {
		if until.After(end) {
			break
		}
	}
	t.consume(len(t.buf))
}

// rejected says whether the server took back a handshake of TLS 1.3. To us that
// is over before the server has seen our certificate, or that there is none:
// what it thinks of that comes a round trip later, as does something else from
// most servers that are content (RFC 8446 sections 4.4.2.4 and 4.6.1).
func (t *talk) rejected(d Details) error {
	if d.TLS.Version == tls.VersionName(tls.VersionTLS13) && t.arrived.IsZero() && t.pending == nil {
		t.begin()
		t.readUntil(time.Now().Add(2*time.Duration(d.ConnectNS) + reject))
	}
	var e *probes.Error
	if errors.As(t.pending, &e) && e.Failure == wire.FailTLS {
		return probes.NetFail("after the handshake", t.pending)
	}
	return nil
}

// tcpCounted counts what goes over a connection.
type tcpCounted struct {
	net.Conn
	read, written int64
}

func (c *tcpCounted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.read += int64(n)
	return n, err
}

func (c *tcpCounted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.written += int64(n)
	return n, err
}

// tcpSecrets are values that must not show.
type tcpSecrets []string

// hide puts stars where a secret stands, also one whose end has not come yet.
func (s tcpSecrets) hide(b []byte) []byte {
	const stars, least = "***", 4
	for _, v := range s {
		if len(v) == 0 {
			continue
		}
		b = bytes.ReplaceAll(b, []byte(v), []byte(stars))
	}
	for _, v := range s {
		for n := min(len(v)-1, len(b)); n >= least; n-- {
			if bytes.HasSuffix(b, []byte(v[:n])) {
				b = append(b[:len(b)-n:len(b)-n], stars...)
				break
			}
		}
	}
	return b
}
