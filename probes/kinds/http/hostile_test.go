package http

import (
	"encoding/json"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/probes"
	"netmon/wire"
)

// TestHTTP_Reasons makes each way in which a server can let us down.
func TestHTTP_Reasons(t *testing.T) {
	at := func(s *targets.HTTP, err error) string { t.Helper(); return serveHTTP(t, s, err) }
	const any = "127.0.0.1:0"
	says := func(answer string) string { t.Helper(); s, err := targets.HTTPSays(any, answer); return at(s, err) }
	drips := func(begin, piece string, every time.Duration) string {
		t.Helper()
		s, err := targets.HTTPDrips(any, begin, piece, every)
		return at(s, err)
	}
	floods := func(begin, piece string) string {
		t.Helper()
		s, err := targets.HTTPFloods(any, begin, piece)
		return at(s, err)
	}
	silent, err := targets.HTTPSilent(any)
	silentURL := at(silent, err)
	resets, err := targets.HTTPResets(any)
	resetsURL := at(resets, err)
	bomb, err := targets.HTTPBomb(any, 1<<26)
	bombURL := at(bomb, err)
	const ok = "HTTP/1.1 200 OK\r\n"
	for name, c := range map[string]struct {
		target, options string
		outcome         wire.Outcome
		failure         wire.Failure
		says            string
	}{
		"silence":                     {silentURL, ``, wire.Failed, wire.FailTimeout, "an answer did not come within the timeout, 300ms"},
		"silence, and it is wanted":   {silentURL, `{"invert":true}`, wire.OK, "", ""},
		"headers that drip":           {drips(ok, "X: y\r\n", 5*time.Millisecond), ``, wire.Failed, wire.FailTimeout, "the end of the headers did not come within the timeout, 300ms"},
		"a body that drips":           {drips(ok+"Content-Length: 1000\r\n\r\n", "x", 5*time.Millisecond), ``, wire.Failed, wire.FailTimeout, "read the body, after "},
		"chunks that drip":            {drips(ok+"Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", 5*time.Millisecond), ``, wire.Failed, wire.FailTimeout, "read the body, after "},
		"refused":                     {"http://" + nobodyThere(t), ``, wire.Failed, wire.FailRefused, "connection refused"},
		"refused, and it is wanted":   {"http://" + nobodyThere(t), `{"invert":true}`, wire.OK, "", ""},
		"reset":                       {resetsURL, ``, wire.Failed, wire.FailReset, "connection reset"},
		"closed without a word":       {says(""), ``, wire.Failed, wire.FailClosed, "the connection was closed before an answer"},
		"closed within the headers":   {says(ok + "X: y\r\n"), ``, wire.Failed, wire.FailClosed, "the connection was closed before the end of the headers"},
		"closed within the body":      {says(ok + "Content-Length: 100\r\n\r\nless"), ``, wire.Failed, wire.FailClosed, "read the body, after 4 bytes: the connection was closed before the rest of it"},
		"closed within a chunk":       {says(ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nab"), ``, wire.Failed, wire.FailClosed, "read the body, after 2 bytes"},
		"closed within gzip":          {says(ok + "Content-Encoding: gzip\r\nContent-Length: 99\r\n\r\n\x1f\x8b\x08"), ``, wire.Failed, wire.FailClosed, "read the body, after 3 bytes"},
		"gzip that breaks off":        {says(ok + "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08"), ``, wire.Failed, wire.FailBadAnswer, "the body breaks off within its content coding: 3 bytes, gzip"},
		"garbage":                     {says("SSH-2.0-OpenSSH_9.2\r\n"), ``, wire.Failed, wire.FailBadAnswer, "not HTTP: response \"SSH-2.0-OpenSSH_9.2\""},
		"garbage without end":         {floods("", "\x00\xff\x00\xff"), ``, wire.Failed, wire.FailLimit, "the headers are over"},
		"a status that is none":       {says("HTTP/1.1 abc OK\r\n\r\n"), ``, wire.Failed, wire.FailBadAnswer, "not HTTP: status code \"abc\""},
		"two lengths":                 {says(ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), ``, wire.Failed, wire.FailBadAnswer, ""},
		"chunks that are none":        {says(ok + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n"), ``, wire.Failed, wire.FailBadAnswer, "read the body"},
		"HTTP/1.1 where 2 is asked":   {says(ok + "\r\n"), `{"http_version":"2"}`, wire.Failed, wire.FailBadAnswer, ""},
		"a body without end":          {floods(ok+"\r\n", strings.Repeat("x", 64<<10)), ``, wire.Failed, wire.FailLimit, "over 4194304 bytes"},
		"headers without end":         {floods(ok, "X: "+strings.Repeat("y", 1000)+"\r\n"), ``, wire.Failed, wire.FailLimit, "the headers are over"},
		"one header without end":      {floods(ok+"X: ", strings.Repeat("y", 1000)), ``, wire.Failed, wire.FailLimit, "the headers are over"},
		"interim answers without end": {floods("", "HTTP/1.1 100 Continue\r\nX: y\r\n\r\n"), ``, wire.Failed, wire.FailLimit, "over 20 interim responses"},
		"trailers without end":        {floods(ok+"Transfer-Encoding: chunked\r\n\r\n0\r\n", "X: "+strings.Repeat("y", 1000)+"\r\n"), ``, wire.Failed, "", ""},
		"a bomb":                      {bombURL, `{"expect":{"body_contains":["x"]}}`, wire.Failed, wire.FailLimit, "gzip, 4194304 decoded so far"},
		"a name that does not exist":  {"http://no-such-host.invalid", `{"resolver":"` + knowsNothing(t) + `"}`, wire.Failed, wire.FailNoSuchHost, "no-such-host.invalid"},
		"a resolver that is not":      {"http://example.com", `{"resolver":"` + probetest.ClosedUDP(t) + `"}`, wire.Broken, wire.BrokenResolver, "example.com"},
		"no way there":                {"http://255.255.255.255", ``, wire.Broken, wire.BrokenNoRoute, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			timeout := 300 * time.Millisecond
			if c.failure != wire.FailTimeout && !strings.HasPrefix(name, "silence") {
				timeout = 5 * time.Second
			}
			r := measureWithin(t, timeout, "http", c.target, c.options)
			if c.failure == "" && c.outcome == wire.Failed {
				if r.Outcome != wire.Failed {
					t.Errorf("outcome %s", r.Outcome)
				}
			} else {
				probetest.WantFailure(t, r, c.outcome, c.failure)
			}
			for _, words := range []string{"EOF", "context deadline", "i/o timeout", "net/http"} {
				if strings.Contains(r.Error, words) {
					t.Errorf("error %q has the library's words %q in it", r.Error, words)
				}
			}
			if !strings.Contains(r.Error, c.says) {
				t.Errorf("error %q, want %q in it", r.Error, c.says)
			}
			if took := r.Elapsed(); took > timeout+20*time.Second {
				t.Errorf("took %v", took)
			}
			if len(r.Details)+len(r.Error) > 3000 {
				t.Errorf("%d bytes of details, %d of error", len(r.Details), len(r.Error))
			}
		})
	}
}

// knowsNothing is a DNS server by which no name exists.
func knowsNothing(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{PacketConn: c, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeNameError))
	})}
	go s.ActivateAndServe()
	t.Cleanup(func() { c.Close() })
	return c.LocalAddr().String()
}

// TestHTTP_BombTakesLittle: what a bomb decodes to is not held.
func TestHTTP_BombTakesLittle(t *testing.T) {
	s, err := targets.HTTPBomb("127.0.0.1:0", 1<<26)
	target := serveHTTP(t, s, err)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	probetest.WantFailure(t, measure(t, "http", target, `{"max_body":1048576}`), wire.Failed, wire.FailLimit)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
		t.Errorf("%d bytes allocated", used)
	}
}

// TestHTTP_LeavesNothingBehind: no goroutine, no connection.
func TestHTTP_LeavesNothingBehind(t *testing.T) {
	s := serveWeb(t)
	floods, err := targets.HTTPFloods("127.0.0.1:0", "HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("x", 64<<10))
	floodsURL := serveHTTP(t, floods, err)
	silent, err := targets.HTTPSilent("127.0.0.1:0")
	silentURL := serveHTTP(t, silent, err)
	all := func() {
		for _, options := range []string{`{"max_body":65536}`, `{"http_version":"2"}`, `{"keep_alive":true,"max_body":65536}`, `{"keep_alive":true,"http_version":"2"}`} {
			for target, timeout := range map[string]time.Duration{s.URL + "/": time.Second, s.URL + "/loop": time.Second,
				floodsURL: time.Second, silentURL: 20 * time.Millisecond, "http://" + nobodyThere(t): time.Second} {
				env := &probes.Env{}
				c, err := Kinds().New(env, "http", target, json.RawMessage(options))
				if err != nil {
					t.Fatal(err)
				}
				for range 3 {
					c.Run(t.Context(), timeout, nil)
				}
				env.Close()
			}
		}
	}
	all()
	s.CloseClientConnections()
	until := func(done func() bool) {
		deadline := time.Now().Add(5 * time.Second)
		for !done() && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
		}
	}
	until(func() bool { return floods.Open()+silent.Open() == 0 })
	settled := runtime.NumGoroutine()
	for range 3 {
		all()
	}
	s.CloseClientConnections()
	until(func() bool { return runtime.NumGoroutine() <= settled && floods.Open()+silent.Open() == 0 })
	if n := floods.Open() + silent.Open(); n > 0 {
		t.Errorf("%d connections are open", n)
	}
	if n := runtime.NumGoroutine(); n > settled+2 {
		buf := make([]byte, 1<<20)
		t.Errorf("%d goroutines, %d before:\n%s", n, settled, buf[:runtime.Stack(buf, true)])
	}
}

// TestHTTP_KeptConnectionBreaks: the server closes it just as it is asked again.
func TestHTTP_KeptConnectionBreaks(t *testing.T) {
	for method, want := range map[string]wire.Failure{http.MethodGet: "", http.MethodPost: wire.FailClosed} {
		s, err := targets.HTTPOnce("127.0.0.1:0")
		target := serveHTTP(t, s, err)
		env := &probes.Env{}
		t.Cleanup(func() { env.Close() })
		c, err := Kinds().New(env, "http", target, json.RawMessage(`{"keep_alive":true,"method":"`+method+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		r := c.Run(t.Context(), time.Second, nil)
		probetest.WantFailure(t, r, wire.OK, "")
		r = c.Run(t.Context(), time.Second, nil)
		if r.Failure != want || (want == "") == probetest.DetailsOf[Details](t, r).Reused {
			t.Errorf("%s: %s %s: %s", method, r.Failure, r.Error, r.Details)
		}
	}
}

// FuzzHTTPServer lets a server say anything: no answer is our own fault.
func FuzzHTTPServer(f *testing.F) {
	var answer atomic.Pointer[[]byte]
	s, err := targets.ServeHTTP("127.0.0.1:0", func(c net.Conn, _ string, _ <-chan struct{}) { c.Write(*answer.Load()) })
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	var checks []*probes.Check
	for _, options := range []string{`{"max_body":10000,"redirects":2,"expect":{"json":[{"path":"$.a"}],"body_not_regex":"x"}}`, `{"http_version":"2"}`} {
		c, err := Kinds().New(&probes.Env{}, "http", s.Addr, json.RawMessage(options))
		if err != nil {
			f.Fatal(err)
		}
		checks = append(checks, c)
	}
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}"), false)
	f.Add([]byte("HTTP/1.1 103 Early\r\n\r\nHTTP/1.0 301 Moved\r\nLocation: /x?#\r\n\r\n"), false)
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n3\r\n\x1f\x8b\x08\r\n0\r\n\r\n"), false)
	f.Add([]byte("\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x01\x01\x04\x00\x00\x00\x01\x88"), true) // settings, headers with :status 200
	f.Fuzz(func(t *testing.T, b []byte, h2 bool) {
		answer.Store(&b)
		c := checks[0]
		if h2 {
			c = checks[1]
		}
		r := c.Run(t.Context(), 5*time.Second, func(probes.Step) {})
		if r.Outcome == wire.Broken || r.Failure == wire.FailTimeout || r.Elapsed() > 4*time.Second {
			t.Errorf("%q gives %s %s after %v: %s", b, r.Outcome, r.Failure, r.Elapsed(), r.Error)
		}
	})
}
