package http

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"slices"
	"sync"
	"time"

	"netmon/probes"
	"netmon/probes/internal/figures"
	"netmon/wire"
)

// times are the moments of one exchange. The callbacks of httptrace come
// from several goroutines.
type times struct {
	mu              sync.Mutex
	sent, firstByte time.Time
	ready           time.Time // by the run's own goroutine
	body            bool      // the request has one
}

func (t *times) note(at *time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at.IsZero() {
		*at = time.Now()
	}
}

// written notes that all was written by then, if the library has not said so
// yet: with HTTP/2 that may come after the answer.
func (t *times) written(at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sent.IsZero() && !t.body && at.After(t.ready) {
		t.sent = at
	}
}

func (t *times) answered() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.firstByte.IsZero()
}

// roundTrip makes one exchange and times it.
func (x *httpRun) roundTrip(ctx context.Context, conn *httpConn, u *url.URL) (*http.Response, *times, error) {
	t := &times{}
	interim := 0
	var req *http.Request
	// Showing takes time: it is done while the server works, in no phase.
	showRequest := sync.OnceFunc(func() { x.showRequest(req, conn.protocol()) })
	sent := func() {
		t.note(&t.sent)
		showRequest()
	}
	more := func(code int) error {
		x.run.Stepf("< %d %s", code, http.StatusText(code))
		if interim++; interim > maxInterim {
			return probes.Fail(wire.FailLimit, "over %d interim responses (1xx)", maxInterim)
		}
		return nil
	}
	traced := ctx
	if conn.plain == nil {
		traced = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			WroteRequest:         func(httptrace.WroteRequestInfo) { sent() },
			GotFirstResponseByte: func() { t.note(&t.firstByte); t.written(conn.meter.lastWrite()) },
			Got1xxResponse:       func(code int, _ textproto.MIMEHeader) error { return more(code) },
		})
	}
	var err error
	if req, err = x.request(traced, u); err != nil {
		return nil, t, err
	}
	conn.meter.reset()
	if conn.mend != nil {
		conn.mend.reset()
	}
	t.body = req.ContentLength > 0
	t.ready = time.Now()
	var resp *http.Response
	if conn.plain != nil {
		resp, err = conn.plain.exchange(ctx, req, sent, func() { t.note(&t.firstByte) }, more)
	} else {
		resp, err = conn.cc.RoundTrip(req)
	}
	showRequest()
	t.mu.Lock()
	defer t.mu.Unlock()
	x.d.sent(t)
	x.noteHead(conn)
	if err != nil {
		return nil, t, err
	}
	x.d.Status, x.d.Protocol = resp.StatusCode, protocol(resp)
	if !conn.h2 {
		x.d.HeaderBytes = conn.meter.count()
	}
	return resp, t, nil
}

// noteHead takes over what was odd about the head of a response, and the status
// of one that could be read no further.
func (x *httpRun) noteHead(conn *httpConn) {
	if conn.mend == nil {
		return
	}
	status, odd := conn.mend.found()
	if status >= 200 {
		x.d.Status = status
	}
	for _, text := range odd {
		x.odd = append(x.odd, figures.Clip(x.hide(text)))
		x.note("%s", text)
	}
}

// note records what was accepted although it is odd.
func (x *httpRun) note(format string, args ...any) {
	text := figures.Clip(x.hide(fmt.Sprintf(format, args...)))
	x.run.Stepf("note: %s", text)
	if len(x.d.Notes) < maxNotes && !slices.Contains(x.d.Notes, text) {
		x.d.Notes = append(x.d.Notes, text)
	}
}

func protocol(resp *http.Response) string {
	if resp.ProtoMajor == 2 {
		return "HTTP/2"
	}
	return fmt.Sprintf("HTTP/%d.%d", resp.ProtoMajor, resp.ProtoMinor)
}
