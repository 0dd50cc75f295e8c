package http

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/wire"
)

// serveH2 starts a server of lab/targets and returns its URL.
func serveH2(t *testing.T, answer func(f *http2.Framer, c net.Conn, stream uint32)) string {
	t.Helper()
	s, err := targets.ServeH2("127.0.0.1:0", answer)
	return serveHTTP(t, s, err)
}

// TestHTTP2_FloodsEnd: a server that never answers, and never stops, is found out
// after few frames, whatever they are.
func TestHTTP2_FloodsEnd(t *testing.T) {
	check := func(name, target string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			r := measureWithin(t, time.Minute, "http", target, `{"http_version":"2"}`)
			probetest.WantFailure(t, r, wire.Failed, wire.FailBadAnswer)
			if !strings.Contains(r.Error, "the server sent 101 HTTP/2 frames that belong to no answer") {
				t.Errorf("error %q", r.Error)
			}
		})
	}
	for name, once := range targets.H2Floods() {
		check(name, serveH2(t, func(_ *http2.Framer, c net.Conn, _ uint32) { targets.FloodH2(c, once) }))
	}
	within := func(once func(f *http2.Framer, stream uint32)) string {
		return serveH2(t, func(f *http2.Framer, c net.Conn, stream uint32) {
			f.WriteHeaders(targets.H2OK(stream, false))
			targets.FloodH2(c, func(f *http2.Framer) { once(f, stream) })
		})
	}
	check("empty DATA", within(func(f *http2.Framer, stream uint32) { f.WriteData(stream, false, nil) }))
	check("DATA of padding", within(func(f *http2.Framer, stream uint32) { f.WriteDataPadded(stream, false, nil, make([]byte, 255)) }))
	check("empty CONTINUATION", serveH2(t, func(f *http2.Framer, c net.Conn, stream uint32) {
		f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: []byte{0x88}})
		targets.FloodH2(c, func(f *http2.Framer) { f.WriteContinuation(stream, false, nil) })
	}))
}

// TestHTTP2_ABodyInBits: bytes that come one by one are a body, up to a point.
func TestHTTP2_ABodyInBits(t *testing.T) {
	target := serveH2(t, func(f *http2.Framer, c net.Conn, stream uint32) {
		f.WriteHeaders(targets.H2OK(stream, false))
		targets.FloodH2(c, func(f *http2.Framer) { f.WriteData(stream, false, []byte("x")) })
	})
	r := measureWithin(t, time.Minute, "http", target, `{"http_version":"2"}`)
	probetest.WantFailure(t, r, wire.Failed, wire.FailLimit)
	if d := probetest.DetailsOf[Details](t, r); d.BodyBytes == nil || *d.BodyBytes > 50_000 || *d.BodyBytes < 25_000 {
		t.Errorf("%s", r.Details)
	}
}

// TestHTTP2_TakesWhatServersSend: an answer among frames that servers do send.
func TestHTTP2_TakesWhatServersSend(t *testing.T) {
	target := serveH2(t, func(f *http2.Framer, c net.Conn, stream uint32) {
		closed := make(chan struct{})
		defer func() { <-closed }()
		go func() {
			defer close(closed)
			io.Copy(io.Discard, c)
		}()
		beside := func() {
			f.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 100})
			f.WriteWindowUpdate(0, 1<<10)
			f.WritePing(false, [8]byte{1})
			f.WriteRawFrame(0xa, 0, 0, []byte("\x00\x00h3=\":443\"")) // ALTSVC (RFC 7838)
		}
		for range 20 {
			beside()
		}
		f.WriteHeaders(targets.H2OK(stream, false))
		for range 1000 {
			f.WriteData(stream, false, make([]byte, 4<<10))
			beside()
		}
		f.WriteDataPadded(stream, false, []byte("the end"), make([]byte, 20))
		f.WriteData(stream, true, nil)
	})
	r := measureWithin(t, time.Minute, "http", target, `{"http_version":"2"}`)
	probetest.WantFailure(t, r, wire.OK, "")
	if d := probetest.DetailsOf[Details](t, r); d.BodyBytes == nil || *d.BodyBytes != 1000*4<<10+7 {
		t.Errorf("%s", r.Details)
	}
}

// TestHTTP2_FloodOverTLS: the frames are counted within TLS.
func TestHTTP2_FloodOverTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		flush := http.NewResponseController(w)
		for flush.Flush() == nil {
			io.WriteString(w, "x")
		}
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	r := measureWithin(t, time.Minute, "https", s.URL, `{"tls":{"insecure":true}}`)
	probetest.WantFailure(t, r, wire.Failed, wire.FailLimit)
	if !strings.Contains(r.Error, "the body comes in over 50000 HTTP/2 frames of less than 64 bytes") {
		t.Errorf("error %q", r.Error)
	}
}
