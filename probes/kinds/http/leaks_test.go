package http

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/probes"
	"netmon/wire"
)

// noting is a DNS server by which no name exists, and what it was asked for.
func noting(t *testing.T) (addr string, asked func() string) {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var names []string
	s := &dns.Server{PacketConn: c, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		mu.Lock()
		names = append(names, q.Question[0].Name)
		mu.Unlock()
		w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeNameError))
	})}
	go s.ActivateAndServe()
	t.Cleanup(func() { c.Close() })
	return c.LocalAddr().String(), func() string {
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(names, " ")
	}
}

// TestHTTP_SecretInAName: a redirect to a name with a secret in it is not looked up,
// in whichever form the secret is there.
func TestHTTP_SecretInAName(t *testing.T) {
	const secret = "pässwort2geheim"
	t.Setenv("NETMON_TEST_SECRET", secret)
	ascii, err := probes.ASCIIHost(secret)
	if err != nil || ascii == secret {
		t.Fatal(ascii, err)
	}
	within, err := probes.ASCIIHost("x-" + secret + "-y")
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{secret, "PÄSSWORT2GEHEIM", "x-" + secret + "-y", "p%C3%A4sswort2geheim", "ｐässwort2geheim", ascii, strings.ToUpper(ascii), within} {
		resolver, asked := noting(t)
		s, err := targets.HTTPSays("127.0.0.1:0", "HTTP/1.1 302 Found\r\nLocation: http://"+host+".evil.invalid/\r\nContent-Length: 0\r\n\r\n")
		target := serveHTTP(t, s, err)
		env := &probes.Env{AllowSecrets: func(netip.AddrPort) error { return nil }}
		defer env.Close()
		check, err := Kinds().New(env, "http", target, json.RawMessage(`{"resolver":"`+resolver+`","headers":{"X":"${env:NETMON_TEST_SECRET}"}}`))
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		r := check.Run(t.Context(), 20*time.Second, func(s probes.Step) { said = append(said, s.Text) })
		probetest.WantFailure(t, r, wire.Broken, wire.BrokenPolicy)
		if all := strings.ToLower(string(r.Details) + r.Error + r.Summary); asked() != "" || strings.Contains(all, "xn--") || strings.Contains(all, "geheim") {
			t.Errorf("%s: asked for %q; error %q, details %s", host, asked(), r.Error, r.Details)
		}
		if steps := strings.Join(said, "\n"); strings.Contains(steps, secret) || strings.Contains(steps, ascii) {
			t.Errorf("%s: the steps show it:\n%s", host, steps)
		}
	}
	// Where nobody is asked about secrets the name is looked up, and shown without it.
	s, err := targets.HTTPSays("127.0.0.1:0", "HTTP/1.1 302 Found\r\nLocation: http://"+secret+".evil.invalid/\r\nContent-Length: 0\r\n\r\n")
	resolver, asked := noting(t)
	r := measure(t, "http", serveHTTP(t, s, err), `{"resolver":"`+resolver+`","headers":{"X":"${env:NETMON_TEST_SECRET}"}}`)
	probetest.WantFailure(t, r, wire.Failed, wire.FailNoSuchHost)
	if all := string(r.Details) + r.Error + r.Summary; asked() == "" || strings.Contains(all, ascii) || strings.Contains(all, secret) {
		t.Errorf("asked for %q; error %q, details %s", asked(), r.Error, r.Details)
	}
}

// TestHTTP_NotesOf408: the head of a 408 that only ends the kept connection is not
// charged to the answer of the next one.
func TestHTTP_NotesOf408(t *testing.T) {
	var mu sync.Mutex
	conns := 0
	target, _ := serveRequests(t, func(c net.Conn, request func() bool) {
		mu.Lock()
		conns++
		mu.Unlock()
		for i := 0; request(); i++ {
			if i == 0 {
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
				continue
			}
			io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\nodd line\r\nContent-Length: 0\r\n\r\n")
			return
		}
	})
	c := keeper(t, target, `,"expect":{"header_syntax":"strict"}`)
	for i := range 2 {
		r, d := keptRun(t, c)
		probetest.WantFailure(t, r, wire.OK, "")
		if d.Status != 200 || d.Reused || len(d.Notes) != 0 {
			t.Errorf("run %d: status %d, reused %v, notes %q", i, d.Status, d.Reused, d.Notes)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if conns != 2 {
		t.Errorf("%d connections, want 2", conns)
	}
}

// TestHTTP_CookiesAreNotTold: what a cookie holds is nowhere, however the
// server writes it.
func TestHTTP_CookiesAreNotTold(t *testing.T) {
	for _, lines := range []string{
		"Set-Cookie sid=v4lue; path=/",
		"Set-Cookie: sid=v4\x01lue; path=/",
		"Set-Cookie\x01: sid=v4lue",
		"Set-Cookie[x]: sid=v4lue",
		"Set Cookie: sid=v4lue",
		"sid=v4lue; path=/",
		"sid=v4lue:x; path=/",
		"v4lue",
		"Set-Cookie : sid=v4lue",
		"Set-Cookie : v4lue",
		"Set-Cookie: v4\x01lue",
		"Set-Cookie2: sid=v4\x01lue; Version=1",
		"Set-Cookie2 : sid=v4lue, other=v4lue",
		"Set-Cookie:\r\n sid=v4\x01lue",
		"Set-Cookie: a=b;\r\n\tsid=v4lue\x01",
	} {
		for _, first := range []string{"", "X-A: b\r\n"} {
			s, err := targets.HTTPSays("127.0.0.1:0", "HTTP/1.1 200 OK\r\n"+first+lines+"\r\nContent-Length: 0\r\n\r\n")
			r := measure(t, "http", serveHTTP(t, s, err), `{"expect":{"header_syntax":"strict"}}`)
			probetest.WantFailure(t, r, wire.Failed, wire.FailMismatch)
			wantNoValue(t, lines, r)
		}
	}
	s, err := targets.HTTPSays("127.0.0.1:0", "HTTP/1.1 200 OK\r\n sid=v4lue\r\nContent-Length: 0\r\n\r\n")
	r := measure(t, "http", serveHTTP(t, s, err), ``)
	if wantNoValue(t, "first", r); !strings.Contains(r.Summary, "continues a line, but there is none before it; it is left out: 10 bytes") {
		t.Errorf("summary %q", r.Summary)
	}
	s, err = targets.HTTPSays("127.0.0.1:0", "HTTP/1.1 200 OK\r\nSet-Cookie: sid=v4lue; Path=/\r\nSet-Cookie: v4lue\r\nSet-Cookie2: sid=v4lue, b=v4lue; Path=/\r\nContent-Length: 0\r\n\r\n")
	target := serveHTTP(t, s, err)
	for _, expect := range []string{`"headers":{"Set-Cookie":"^other="}`, `"headers":{"set-cookie":"^other="}`, `"no_headers":["Set-Cookie"]`, `"headers":{"Set-Cookie2":"^other="}`, `"no_headers":["set-cookie2"]`} {
		r := measure(t, "http", target, `{"expect":{`+expect+`}}`)
		probetest.WantFailure(t, r, wire.Failed, wire.FailMismatch)
		wantNoValue(t, expect, r)
		if len(r.Unmet) != 1 || !strings.HasPrefix(r.Unmet[0].Got, "sid=*****") {
			t.Errorf("%s: unmet %+v", expect, r.Unmet)
		}
	}
	probetest.WantFailure(t, measure(t, "http", target, `{"expect":{"headers":{"Set-Cookie":"^sid=v4lue"}}}`), wire.OK, "")
}

func wantNoValue(t *testing.T, name string, r wire.Result) {
	t.Helper()
	all := string(r.Details) + r.Error + r.Summary + fmt.Sprint(r.Unmet)
	if slices.ContainsFunc([]string{"v4", "lue"}, func(s string) bool { return strings.Contains(all, s) }) {
		t.Errorf("%q: the value is told: error %q, summary %q, details %s, unmet %+v", name, r.Error, r.Summary, r.Details, r.Unmet)
	}
}

// TestHTTP_ProxyWithoutCONNECT: a proxy that does not know CONNECT says nothing of
// the target.
func TestHTTP_ProxyWithoutCONNECT(t *testing.T) {
	for _, status := range []string{"405 Method Not Allowed", "501 Unsupported method"} {
		s, err := targets.HTTPSays("127.0.0.1:0", "HTTP/1.1 "+status+"\r\nContent-Length: 0\r\n\r\n")
		r := measure(t, "https", "https://127.0.0.1:1", `{"proxy":{"url":"`+strings.TrimSuffix(serveHTTP(t, s, err), "/")+`"}}`)
		probetest.WantFailure(t, r, wire.Broken, wire.BrokenProxy)
		if !strings.Contains(r.Error, "CONNECT 127.0.0.1:1: "+status) {
			t.Errorf("error %q", r.Error)
		}
	}
}

// TestHTTP_Numbers: one is one, and nothing is said to be nothing.
func TestHTTP_Numbers(t *testing.T) {
	for _, c := range []struct{ head, body, options, summary, report string }{
		{"", "x", ``, "200 OK, HTTP/1.1, 1 byte", "body 1 byte, after"},
		{"", "xy", ``, "200 OK, HTTP/1.1, 2 bytes", "body 2 bytes, after"},
		{"", "xy", `{"read_body":1}`, "200 OK, HTTP/1.1, the first byte", "body the first byte, after"},
		{"", "xyz", `{"read_body":2}`, "200 OK, HTTP/1.1, the first 2 bytes", "body the first 2 bytes, after"},
		{"", "xy", `{"read_body":0}`, "200 OK, HTTP/1.1, the headers alone", "no body read, after"},
		{"Content-Encoding: none\r\n", "hello", ``, "200 OK, HTTP/1.1, 5 bytes", "body 5 bytes, none, after"},
		{"Content-Encoding: identity\r\n", "hello", ``, "200 OK, HTTP/1.1, 5 bytes", "body 5 bytes, identity, after"},
		{"Content-Encoding: gzip\r\n", gzipped("x"), ``, "200 OK, HTTP/1.1, 25 bytes", "body 25 bytes, gzip, 1 decoded, after"},
	} {
		s, err := targets.HTTPSays("127.0.0.1:0", fmt.Sprintf("HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", c.head, len(c.body), c.body))
		r := measure(t, "http", serveHTTP(t, s, err), c.options)
		d := probetest.DetailsOf[Details](t, r)
		var report strings.Builder
		d.Report(&report)
		if r.Outcome != wire.OK || !strings.HasPrefix(r.Summary, c.summary) || !strings.Contains(report.String(), c.report) {
			t.Errorf("%q %s: %s %s; summary %q, report %q", c.head, c.options, r.Outcome, r.Error, r.Summary, report.String())
		}
	}
	one := fmt.Sprint(body{sent: 1}, ";", body{sent: 1, cut: true}, ";", body{sent: 1, decoded: 2, encoding: "gzip"}, ";", body{cut: true}, ";", body{sent: 5, encoding: "none", asIs: true})
	if want := "1 byte;the first byte;1 byte, gzip, 2 decoded;the headers alone;5 bytes, none"; strings.ReplaceAll(strings.ReplaceAll(one, " ;", ";"), "; ", ";") != want {
		t.Errorf("%q, want %q", one, want)
	}
}
