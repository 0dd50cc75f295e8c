package probes

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"sync"
	"time"

	"netmon/wire"
)

// httpTimes are the moments of one exchange. The callbacks of httptrace come
// from several goroutines.
type httpTimes struct {
	mu              sync.Mutex
	sent, firstByte time.Time
	ready           time.Time // by the run's own goroutine
	body            bool      // the request has one
}

func (t *httpTimes) note(at *time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at.IsZero() {
		*at = time.Now()
	}
}

// written notes that all was written by then, if the library has not said so
// yet: with HTTP/2 that may come after the answer.
func (t *httpTimes) written(at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sent.IsZero() && !t.body && at.After(t.ready) {
		t.sent = at
	}
}

func (t *httpTimes) answered() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.firstByte.IsZero()
}

// roundTrip makes one exchange and times it.
func (x *httpRun) roundTrip(ctx context.Context, conn *httpConn, u *url.URL) (*http.Response, *httpTimes, error) {
	t := &httpTimes{}
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
		if interim++; interim > httpMaxInterim {
			return fail(wire.FailLimit, "over %d interim responses (1xx)", httpMaxInterim)
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
	if err != nil {
		return nil, t, err
	}
	x.d.Status, x.d.Protocol = resp.StatusCode, httpProtocol(resp)
	if !conn.h2 {
		x.d.HeaderBytes = conn.meter.count()
	}
	return resp, t, nil
}

func httpProtocol(resp *http.Response) string {
	if resp.ProtoMajor == 2 {
		return "HTTP/2"
	}
	return fmt.Sprintf("HTTP/%d.%d", resp.ProtoMajor, resp.ProtoMinor)
}
