package http

import (
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/probes"
	"netmon/wire"
)

func TestHTTP_Proxy(t *testing.T) {
	pki := probetest.NewWebPKI(t)
	https, plain := pki.Serve(t, "127.0.0.1", nil), serveWeb(t)
	local := pki.Serve(t, "localhost", nil)
	_, localPort, _ := net.SplitHostPort(local.Listener.Addr().String())
	t.Setenv("NETMON_TEST_SECRET", "s3cret")
	t.Setenv("NETMON_TEST_WRONG", "wr0ng")
	nothing := knowsNothing(t)
	const any = "127.0.0.1:0"
	start := func(s *targets.HTTP, err error) string {
		t.Helper()
		return strings.TrimSuffix(strings.TrimPrefix(serveHTTP(t, s, err), "http://"), "/")
	}
	p, err := targets.HTTPProxy(any, "", "")
	open := "http://" + start(p, err)
	p, err = targets.HTTPProxy(any, "joe", "s3cret")
	closed := "http://" + start(p, err)
	socks, err := targets.SOCKS5(any, "", "")
	socksOpen := start(socks, err)
	p, err = targets.SOCKS5(any, "joe", "s3cret")
	socksClosed := "socks5://" + start(p, err)
	p, err = targets.HTTPSilent(any)
	silent := start(p, err)
	p, err = targets.HTTPSays(any, "HTTP/1.1 504 Gateway Timeout\r\n\r\n")
	late := "http://" + start(p, err)
	p, err = targets.HTTPSays(any, "garbage\r\n\r\n")
	garbage := "http://" + start(p, err)
	login := `,"user":"joe","password":"${env:NETMON_TEST_SECRET}"`
	for name, c := range map[string]struct {
		kind, target, proxy string
		outcome             wire.Outcome
		failure             wire.Failure
		says                string
	}{
		"http, forwarded":               {"http", plain.URL, `"url":"` + open + `"`, wire.OK, "", ""},
		"http, forwarded, with a login": {"http", plain.URL, `"url":"` + closed + `"` + login, wire.OK, "", ""},
		"http, without the login":       {"http", plain.URL, `"url":"` + closed + `"`, wire.Failed, wire.FailMismatch, "407"},
		"https, through a tunnel":       {"https", https.URL, `"url":"` + open + `"`, wire.OK, "", ""},
		"https, with a login":           {"https", https.URL, `"url":"` + closed + `"` + login, wire.OK, "", ""},
		"https, with a wrong one":       {"https", https.URL, `"url":"` + closed + `","user":"joe","password":"${env:NETMON_TEST_WRONG}"`, wire.Broken, wire.BrokenProxy, "407"},
		"https, nobody there":           {"https", "https://" + nobodyThere(t), `"url":"` + open + `"`, wire.Failed, wire.FailUnreachable, "503"},
		"https, the proxy waits":        {"https", https.URL, `"url":"` + late + `"`, wire.Failed, wire.FailTimeout, "504"},
		"https, the proxy is silent":    {"https", https.URL, `"url":"http://` + silent + `"`, wire.Failed, wire.FailTimeout, "no answer from the proxy"},
		"https, the proxy is none":      {"https", https.URL, `"url":"` + garbage + `"`, wire.Broken, wire.BrokenProxy, "not HTTP: response \"garbage\""},
		"no proxy there":                {"https", https.URL, `"url":"http://` + nobodyThere(t) + `"`, wire.Broken, wire.BrokenProxy, "connection refused"},
		"a proxy without a name":        {"http", plain.URL, `"url":"http://no-such-host.invalid:8080"`, wire.Broken, wire.BrokenProxy, "no-such-host.invalid"},
		"no login to be read":           {"http", plain.URL, `"url":"` + open + `","user":"joe","password":"${env:NETMON_NOT_SET}"`, wire.Broken, wire.BrokenSecret, "NETMON_NOT_SET"},
		"SOCKS, http":                   {"http", plain.URL, `"url":"socks5://` + socksOpen + `"`, wire.OK, "", ""},
		"SOCKS, https":                  {"https", https.URL, `"url":"socks5h://` + socksOpen + `"`, wire.OK, "", ""},
		"SOCKS, with a login":           {"https", https.URL, `"url":"` + socksClosed + `"` + login, wire.OK, "", ""},
		"SOCKS, with a wrong one":       {"https", https.URL, `"url":"` + socksClosed + `","user":"joe","password":"${env:NETMON_TEST_WRONG}"`, wire.Broken, wire.BrokenProxy, `does not accept user "joe"`},
		"SOCKS, without one":            {"https", https.URL, `"url":"` + socksClosed + `"`, wire.Broken, wire.BrokenProxy, "authentication"},
		"SOCKS, nobody there":           {"https", "https://" + nobodyThere(t), `"url":"socks5://` + socksOpen + `"`, wire.Failed, wire.FailRefused, "the proxy could not connect"},
		"SOCKS, the proxy looks it up":  {"https", "https://localhost:" + localPort, `"url":"socks5h://` + socksOpen + `"`, wire.OK, "", ""},
		"SOCKS, we look it up":          {"https", "https://localhost:" + localPort, `"url":"socks5://` + socksOpen + `"`, wire.OK, "", ""},
		"SOCKS, a name that is none":    {"http", "http://no-such-host.invalid", `"url":"socks5://` + socksOpen + `"`, wire.Failed, wire.FailNoSuchHost, "no-such-host.invalid"},
		"SOCKS, the proxy is none":      {"https", https.URL, `"url":"socks5://` + plain.Listener.Addr().String() + `"`, wire.Broken, wire.BrokenProxy, ""},
	} {
		t.Run(name, func(t *testing.T) {
			timeout := 5 * time.Second
			if strings.Contains(name, "silent") || strings.Contains(name, "SOCKS, the proxy is none") {
				timeout = 200 * time.Millisecond
			}
			r := measureWithin(t, timeout, c.kind, c.target, `{"family":"4","resolver":"`+nothing+`","proxy":{`+c.proxy+`},"tls":{"ca":"${file:`+pki.Ca+`}"},"expect":{"status":"200"}}`)
			probetest.WantFailure(t, r, c.outcome, c.failure)
			if !strings.Contains(r.Error, c.says) {
				t.Errorf("error %q, want %q in it", r.Error, c.says)
			}
			if all := string(r.Details) + r.Error; strings.Contains(all, "s3cret") || strings.Contains(all, "wr0ng") {
				t.Errorf("the password stands in %s", all)
			}
			d := probetest.DetailsOf[Details](t, r)
			if r.Outcome == wire.OK && (d.Proxy == "" || d.ProxyConnectNS <= 0 || d.ConnectNS != 0 || (d.ProxyTunnelNS > 0) == strings.Contains(name, "forwarded")) {
				t.Errorf("%s", r.Details)
			}
			if r.Outcome == wire.OK && (r.Address != "") != strings.Contains(c.proxy, "socks5:") {
				t.Errorf("the address of the target is %q", r.Address)
			}
		})
	}
	heard := strings.Join(socks.Heard(), " ")
	for _, want := range []string{"localhost:" + localPort, "127.0.0.1:" + localPort} {
		if !strings.Contains(heard, want) {
			t.Errorf("the proxy was asked for %s, want %s", heard, want)
		}
	}
}

// TestHTTP_SOCKSReplies: what the proxy says of the target, and of itself.
func TestHTTP_SOCKSReplies(t *testing.T) {
	for reply, want := range map[byte]struct {
		outcome wire.Outcome
		failure wire.Failure
	}{
		1: {wire.Broken, wire.BrokenProxy},
		2: {wire.Broken, wire.BrokenProxy},
		3: {wire.Failed, wire.FailUnreachable},
		4: {wire.Failed, wire.FailUnreachable},
		5: {wire.Failed, wire.FailRefused},
		6: {wire.Failed, wire.FailTTLExceeded},
		9: {wire.Broken, wire.BrokenProxy},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			b := make([]byte, 300)
			io.ReadFull(c, b[:3])
			c.Write([]byte{5, 0})
			io.ReadFull(c, b[:10])
			c.Write([]byte{5, reply, 0, 1, 0, 0, 0, 0, 0, 0})
		}()
		r := measure(t, "http", "http://192.0.2.1/", `{"proxy":{"url":"socks5://`+l.Addr().String()+`"}}`)
		probetest.WantFailure(t, r, want.outcome, want.failure)
	}
}

// TestHTTP_ProxyKept: a kept connection is still reported as the proxy's.
func TestHTTP_ProxyKept(t *testing.T) {
	plain := serveWeb(t)
	p, err := targets.SOCKS5("127.0.0.1:0", "", "")
	proxy := "socks5h" + strings.TrimSuffix(strings.TrimPrefix(serveHTTP(t, p, err), "http"), "/")
	env := &probes.Env{}
	t.Cleanup(func() { env.Close() })
	c, err := Kinds().New(env, "http", plain.URL, json.RawMessage(`{"keep_alive":true,"proxy":{"url":"`+proxy+`"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		r := c.Run(t.Context(), 5*time.Second, nil)
		probetest.WantFailure(t, r, wire.OK, "")
		if d := probetest.DetailsOf[Details](t, r); d.Reused != (i == 1) || d.Proxy != proxy || r.Address != "" {
			t.Errorf("run %d: address %q, %s", i, r.Address, r.Details)
		}
	}
}

func FuzzSOCKSReply(f *testing.F) {
	f.Add([]byte{5, 0, 0, 1, 127, 0, 0, 1, 0, 80})
	f.Add([]byte{5, 4, 0, 3, 1, 'x', 0, 80})
	f.Add([]byte{5, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80})
	f.Fuzz(func(t *testing.T, b []byte) {
		code, err := socksReply(strings.NewReader(string(b)))
		if err == nil && (len(b) < 7 || code != b[1]) {
			t.Errorf("%x gives %d", b, code)
		}
	})
}
