package h2

import (
	"encoding/binary"
	"net"
	"sync"

	"netmon/probes"
	"netmon/wire"
)

// What a server may send over HTTP/2 for one request. net/http reads all of it,
// and acknowledges much of it, without a bound of its own.
const (
	MaxExtra   = 100     // frames that are no part of the answer, such as PING
	bytesExtra = 1 << 10 // bytes of a body, either way, that allow one more of them, such as a WINDOW_UPDATE
	small      = 64      // a DATA frame with fewer bytes is a small one
	MaxSmall   = 50_000  // small DATA frames of the answer
)

// Watch is an HTTP/2 connection, without its TLS, that counts the frames that
// come (RFC 9113 section 4.1) before net/http reads them. It ends the connection
// over frames without end that are no part of the answer, and over an answer
// that comes while nothing is asked.
type Watch struct {
	net.Conn

	mu      sync.Mutex // Read and Write come from several goroutines
	in, out h2Frames
	stream  uint32 // of the last request
	idle    bool   // nothing is asked until the next request
	extra   int64  // frames that are no part of the answer
	small   int    // DATA frames with little in them
	bytes   int64  // of bodies, in both directions
	err     error  // that ended it
}

// NewWatch watches a connection over which nothing has been sent yet.
func NewWatch(conn net.Conn) *Watch {
	return &Watch{Conn: conn, out: h2Frames{skip: len(preface)}}
}

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" // RFC 9113 section 3.4

// Rest says that nothing is asked until the next request.
func (w *Watch) Rest() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begin(true)
}

func (w *Watch) begin(idle bool) { w.idle, w.extra, w.small, w.bytes = idle, 0, 0, 0 }

// Read implements net.Conn.
func (w *Watch) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.mu.Lock()
	defer w.mu.Unlock()
	for rest := p[:n]; w.err == nil; {
		frame, after, ok := w.in.next(rest)
		if !ok {
			return n, err
		}
		w.err, rest = w.came(frame), after
	}
	return 0, w.err
}

// came says why the connection is to end after a frame.
func (w *Watch) came(f h2Frame) error {
	content := f.content()
	switch {
	case w.idle && (content > 0 || f.kind == headers || f.kind == pushPromise):
		return probes.Fail(wire.FailBadAnswer, "the server sent an HTTP/2 frame %s without a request", f)
	case w.idle && f.kind == goAway:
		return probes.Fail(wire.FailClosed, "the server ended the idle connection (GOAWAY)")
	case content > 0 && f.stream == w.stream:
		w.bytes += content
		if content < small {
			w.small++
		}
		if w.small > MaxSmall {
			return probes.Fail(wire.FailLimit, "the body comes in over %d HTTP/2 frames of less than %d bytes", MaxSmall, small)
		}
		return nil
	}
	if w.extra++; w.extra > MaxExtra+w.bytes/bytesExtra {
		return probes.Fail(wire.FailBadAnswer, "the server sent %d HTTP/2 frames that belong to no answer, the last of them %s", w.extra, f)
	}
	return nil
}

// Write implements net.Conn.
func (w *Watch) Write(p []byte) (int, error) {
	w.mu.Lock()
	for rest := p; ; {
		f, after, ok := w.out.next(rest)
		if !ok {
			break
		}
		rest = after
		if f.kind == headers && f.stream > w.stream {
			w.stream = f.stream
			w.begin(false)
		}
		w.bytes += f.content()
	}
	w.mu.Unlock()
	return w.Conn.Write(p)
}

// Kinds of frames (RFC 9113 section 6).
const (
	data        = 0x0
	headers     = 0x1
	pushPromise = 0x5
	goAway      = 0x7
)

// h2Frame is the header of one frame.
type h2Frame struct {
	length      int // bytes after the header
	kind, flags byte
	stream      uint32
}

// content is how many bytes of a body it holds at least: of padding, which may
// be up to 256 bytes, nothing is known yet.
func (f h2Frame) content() int64 {
	const padded = 0x8
	switch {
	case f.kind != data:
		return 0
	case f.flags&padded != 0:
		return int64(max(0, f.length-256))
	}
	return int64(f.length)
}

// String is the frame's name.
func (f h2Frame) String() string {
	names := [...]string{"DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE", "CONTINUATION"}
	if int(f.kind) < len(names) {
		return names[f.kind]
	}
	return "of an unknown type"
}

// h2Frames finds the frames in one direction of a connection.
type h2Frames struct {
	skip int // bytes until the next frame begins
	head [9]byte
	have int // bytes of head
}

// next returns the header of the next frame and what follows it in p. It is not
// ok when p ends before, which is then taken.
func (f *h2Frames) next(p []byte) (frame h2Frame, rest []byte, ok bool) {
	n := min(f.skip, len(p))
	f.skip -= n
	p = p[n:]
	n = copy(f.head[f.have:], p)
	f.have += n
	if f.have < len(f.head) {
		return frame, nil, false
	}
	f.have = 0
	f.skip = int(f.head[0])<<16 | int(f.head[1])<<8 | int(f.head[2])
	frame = h2Frame{f.skip, f.head[3], f.head[4], binary.BigEndian.Uint32(f.head[5:]) &^ (1 << 31)}
	return frame, p[n:], true
}
