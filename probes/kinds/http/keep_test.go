package http

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/probes"
	"netmon/wire"
)

// keeper is a check that keeps its connection.
func keeper(t *testing.T, target, options string) *probes.Check {
	t.Helper()
	env := &probes.Env{}
	t.Cleanup(func() { env.Close() })
	return keeperIn(t, env, target, options)
}

func keeperIn(t *testing.T, env *probes.Env, target, options string) *probes.Check {
	t.Helper()
	kind, _, _ := strings.Cut(target, ":")
	c, err := Kinds().New(env, kind, target, json.RawMessage(`{"keep_alive":true`+options+`}`))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// keptRun makes one run.
func keptRun(t *testing.T, c *probes.Check) (wire.Result, Details) {
	t.Helper()
	r := c.Run(t.Context(), 20*time.Second, func(s probes.Step) { t.Log(s.Text) })
	return r, probetest.DetailsOf[Details](t, r)
}

// TestHTTP_KeptConnectionHasAnAge: a certificate that was renewed is seen once the
// connection is as old as it may get, however often it was used; until then the
// result says of when it is.
func TestHTTP_KeptConnectionHasAnAge(t *testing.T) {
	pki := probetest.NewWebPKI(t)
	var now atomic.Pointer[tls.Certificate]
	renew := func(days int) {
		pair, err := tls.LoadX509KeyPair(pki.Issue(t, "127.0.0.1", time.Now().Add(time.Duration(days)*24*time.Hour+time.Hour)))
		if err != nil {
			t.Fatal(err)
		}
		now.Store(&pair)
	}
	s := pki.Serve(t, "127.0.0.1", func(c *tls.Config) {
		c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return &tls.Config{Certificates: []tls.Certificate{*now.Load()}, NextProtos: []string{"h2"}}, nil
		}
	})
	renew(10)
	c := keeper(t, s.URL+"/", `,"max_connection_age":"2s","tls":{"ca":"${file:`+pki.Ca+`}"},"expect":{"days_left":15}`)
	_, d := keptRun(t, c)
	if d.Reused || d.ConnectionAgeNS != nil {
		t.Errorf("the first run: %+v", d)
	}
	renew(20)
	kept := 0
	for begin := time.Now(); ; kept++ {
		r, d := keptRun(t, c)
		if !d.Reused {
			if probetest.WantFailure(t, r, wire.OK, ""); d.ConnectionAgeNS != nil || d.TLSNS == 0 {
				t.Errorf("it is a new one: %+v", d)
			}
			break
		}
		probetest.WantFailure(t, r, wire.Failed, wire.FailMismatch)
		if d.ConnectionAgeNS == nil || *d.ConnectionAgeNS <= 0 || d.TLSNS != 0 {
			t.Errorf("it is kept: %+v", d)
		}
		if !strings.Contains(r.Error, ", by the handshake ") || !strings.Contains(r.Summary, ", connection ") {
			t.Errorf("error %q, summary %q", r.Error, r.Summary)
		}
		if time.Since(begin) > time.Minute {
			t.Fatal("it is kept for ever")
		}
		time.Sleep(100 * time.Millisecond) // it is never idle for as long as it may get old
	}
	if kept == 0 {
		t.Error("it was not kept")
	}
}

// serveRequests is a server of HTTP/1.1 whose connections are served by serve,
// which is given what it can read a request from. It reports each connection's end.
func serveRequests(t *testing.T, serve func(c net.Conn, request func() bool)) (target string, ended chan struct{}) {
	t.Helper()
	ended = make(chan struct{}, 10)
	s, err := targets.ServeHTTP("127.0.0.1:0", func(c net.Conn, _ string, _ <-chan struct{}) {
		first, r := true, bufio.NewReader(c)
		serve(c, func() bool {
			if first {
				first = false
				return true
			}
			_, err := http.ReadRequest(r)
			return err == nil
		})
		ended <- struct{}{}
	})
	return serveHTTP(t, s, err), ended
}

func awaitEnd(t *testing.T, ended chan struct{}, what string) {
	t.Helper()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatalf("the connection is not closed: %s", what)
	}
}

const okShort = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// TestHTTP_KeptConnectionIsClosed: by its age although no run comes, with its
// monitor, and with the environment.
func TestHTTP_KeptConnectionIsClosed(t *testing.T) {
	target, ended := serveRequests(t, func(c net.Conn, request func() bool) {
		for request() {
			io.WriteString(c, okShort)
		}
	})
	for name, c := range map[string]struct {
		options string
		end     func(c *probes.Check, env *probes.Env)
	}{
		"too old":             {`,"max_connection_age":"1s"`, func(*probes.Check, *probes.Env) {}},
		"the monitor stopped": {``, func(c *probes.Check, _ *probes.Env) { c.Close() }},
		"the agent ends":      {``, func(_ *probes.Check, env *probes.Env) { env.Close() }},
	} {
		env := &probes.Env{}
		check := keeperIn(t, env, target, c.options)
		r, _ := keptRun(t, check)
		probetest.WantFailure(t, r, wire.OK, "")
		c.end(check, env)
		awaitEnd(t, ended, name)
		env.Close()
	}
}

// TestHTTP_KeptConnectionTalks: a server that says something while nothing is
// asked loses the connection at once, and the next run has a fresh one.
func TestHTTP_KeptConnectionTalks(t *testing.T) {
	for _, words := range []string{"x", okShort, "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"} {
		talk := make(chan struct{})
		target, ended := serveRequests(t, func(c net.Conn, request func() bool) {
			request()
			io.WriteString(c, okShort)
			<-talk // the client has read the answer
			io.WriteString(c, words)
			request()
		})
		c := keeper(t, target, "")
		r, _ := keptRun(t, c)
		probetest.WantFailure(t, r, wire.OK, "")
		talk <- struct{}{}
		awaitEnd(t, ended, fmt.Sprintf("it said %q", words))
		r, d := keptRun(t, c)
		if probetest.WantFailure(t, r, wire.OK, ""); d.Reused {
			t.Error("reused")
		}
		c.Close()
		close(talk)
	}
}

// TestHTTP2_KeptConnectionTalks: the same, and floods, over HTTP/2; a few of the
// frames that servers send meanwhile are no reason.
func TestHTTP2_KeptConnectionTalks(t *testing.T) {
	talks := map[string]func(f *http2.Framer){
		"an answer":  func(f *http2.Framer) { f.WriteHeaders(targets.H2OK(1, true)) },
		"DATA":       func(f *http2.Framer) { f.WriteData(1, true, []byte("x")) },
		"empty DATA": func(f *http2.Framer) { f.WriteData(1, false, nil) },
		"a push": func(f *http2.Framer) {
			f.WritePushPromise(http2.PushPromiseParam{StreamID: 1, PromiseID: 2, EndHeaders: true})
		},
		"a farewell": func(f *http2.Framer) { f.WriteGoAway(1, http2.ErrCodeNo, nil) },
	}
	for name, frame := range targets.H2Floods() {
		talks["a flood of "+name] = frame
	}
	for name, frame := range talks {
		t.Run(name, func(t *testing.T) {
			talk, ended := make(chan struct{}), make(chan struct{}, 10)
			target := serveH2(t, func(f *http2.Framer, c net.Conn, stream uint32) {
				defer func() { ended <- struct{}{} }()
				f.WriteHeaders(targets.H2OK(stream, true))
				<-talk
				if strings.Contains(name, "flood") || name == "empty DATA" {
					targets.FloodH2(c, frame)
					return
				}
				frame(f)
				io.Copy(io.Discard, c)
			})
			c := keeper(t, target, `,"http_version":"2"`)
			r, _ := keptRun(t, c)
			probetest.WantFailure(t, r, wire.OK, "")
			talk <- struct{}{}
			awaitEnd(t, ended, name)
			r, d := keptRun(t, c)
			if probetest.WantFailure(t, r, wire.OK, ""); d.Reused {
				t.Error("reused")
			}
			c.Close()
			close(talk)
		})
	}
	seen := make(chan struct{})
	target := serveH2(t, func(f *http2.Framer, c net.Conn, stream uint32) {
		for ; stream > 0; stream = targets.H2Request(f) {
			f.WriteHeaders(targets.H2OK(stream, false))
			f.WriteData(stream, true, nil)
			for range 5 {
				f.WriteSettings()
				f.WriteWindowUpdate(0, 10)
			}
			f.WritePing(false, [8]byte{7})
			for {
				frame, err := f.ReadFrame()
				if p, ok := frame.(*http2.PingFrame); ok && p.IsAck() || err != nil {
					break
				}
			}
			seen <- struct{}{}
		}
	})
	c := keeper(t, target, `,"http_version":"2"`)
	for i := range 30 { // their number is of one wait, not of all
		r, d := keptRun(t, c)
		probetest.WantFailure(t, r, wire.OK, "")
		if d.Reused != (i > 0) {
			t.Errorf("run %d: reused %v", i, d.Reused)
		}
		<-seen
	}
}

// TestHTTP2_ConnectionOfAFailedRunIsNotKept: one over which nothing came may be
// dead, and would fail every run that follows.
func TestHTTP2_ConnectionOfAFailedRunIsNotKept(t *testing.T) {
	target := serveH2(t, func(f *http2.Framer, c net.Conn, stream uint32) {
		f.WriteHeaders(targets.H2OK(stream, true))
		io.Copy(io.Discard, c)
	})
	c := keeper(t, target, `,"http_version":"2"`)
	for i, want := range []wire.Failure{"", wire.FailTimeout, "", wire.FailTimeout, ""} {
		timeout := 20 * time.Second
		if want != "" {
			timeout = 100 * time.Millisecond
		}
		if r := c.Run(t.Context(), timeout, nil); r.Failure != want {
			t.Errorf("run %d: %s %s, want %q", i, r.Failure, r.Error, want)
		}
	}
}

// TestHTTP_KeptConnectionIsGivenUpWith408: a server that ends the idle connection
// with a 408 just as it is asked again has said nothing of this request (RFC 9110
// section 15.5.9). It is made again on a new connection, unless that may do
// something twice; a 408 on a new connection is an answer.
func TestHTTP_KeptConnectionIsGivenUpWith408(t *testing.T) {
	const timeout = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
	target, _ := serveRequests(t, func(c net.Conn, request func() bool) {
		request()
		io.WriteString(c, okShort)
		request()
		io.WriteString(c, timeout)
	})
	for method, want := range map[string]int{http.MethodGet: http.StatusOK, http.MethodPost: http.StatusRequestTimeout} {
		c := keeper(t, target, `,"method":"`+method+`"`)
		for i := range 4 {
			_, d := keptRun(t, c)
			if i%2 == 0 && d.Status != http.StatusOK || i == 1 && d.Status != want || d.Reused != (d.Status == http.StatusRequestTimeout) {
				t.Errorf("%s %d: %d, reused %v", method, i, d.Status, d.Reused)
			}
		}
	}
	target, _ = serveRequests(t, func(c net.Conn, request func() bool) {
		request()
		io.WriteString(c, timeout)
	})
	c := keeper(t, target, "")
	for range 2 {
		r, d := keptRun(t, c)
		if probetest.WantFailure(t, r, wire.Failed, wire.FailMismatch); d.Status != http.StatusRequestTimeout || d.Reused {
			t.Errorf("%d, reused %v", d.Status, d.Reused)
		}
	}
}

func TestHTTP_MaxConnectionAgeOption(t *testing.T) {
	for options, want := range map[string]string{
		`{"keep_alive":true,"max_connection_age":"500ms"}`: `options.max_connection_age: want 1s to 1d, got "500ms"`,
		`{"keep_alive":true,"max_connection_age":"25h"}`:   `options.max_connection_age: want 1s to 1d, got "25h"`,
		`{"max_connection_age":"1m"}`:                      `options.max_connection_age: needs keep_alive: true, without which each run has a fresh connection`,
	} {
		if msg := refused(t, "http", "example.com", options); !strings.Contains(msg, want) {
			t.Errorf("%s gives %q, want %q", options, msg, want)
		}
	}
}
