package http

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"

	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/probes"
	"netmon/wire"
)

// TestHTTP_OddHeads: what other clients take gives the status and a note, by each
// way in which a response is read.
func TestHTTP_OddHeads(t *testing.T) {
	pki := probetest.NewWebPKI(t)
	cert, key := pki.Issue(t, "127.0.0.1", pki.Cert.NotAfter)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	ways := map[string]struct{ kind, options string }{
		"one exchange":          {"http", ``},
		"a kept connection":     {"http", `"keep_alive":true,`},
		"a request with a body": {"http", `"method":"POST","body":"x",`},
		"TLS":                   {"https", `"tls":{"ca":"${file:` + pki.Ca + `}"},"http_version":"1.1",`},
	}
	for name, c := range map[string]struct {
		head string
		note string
	}{
		"a control character":       {"HTTP/1.1 200 OK\r\nSet-Cookie: a=\x01\x02b; path=/\r\nX-A: b\r\nContent-Length: 5\r\n\r\n", `header line 1 holds a control character, which is read as a space: "Set-Cookie: a=*****; path=/"`},
		"no colon":                  {"HTTP/1.1 200 OK\r\nContent-Disposition = attachment\r\nX-A: b\r\nContent-Length: 5\r\n\r\n", `header line 1 has no colon and is left out: "Content-Disposition"`},
		"no colon, and continued":   {"HTTP/1.1 200 OK\r\nX-A: b\r\nnothing\r\n more of it\r\nContent-Length: 5\r\n\r\n", `header line 2 has no colon`},
		"nothing to continue":       {"HTTP/1.1 200 OK\r\n at all\r\nX-A: b\r\nContent-Length: 5\r\n\r\n", `header line 1 continues a line, but there is none`},
		"no name":                   {"HTTP/1.1 200 OK\r\nX-A: b\r\n: x\r\nContent-Length: 5\r\n\r\n", `header line 2 has no header's name`},
		"a name of two words":       {"HTTP/1.1 200 OK\r\nX-A: b\r\nX B: c\r\nContent-Length: 5\r\n\r\n", `header line 2 has no header's name`},
		"a space before the colon":  {"HTTP/1.1 200 OK\r\nX-A : b\r\nContent-Length : 5\r\n\r\n", `header line 1 has a space before the colon`},
		"a length twice in a line":  {"HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 5, 5\r\n\r\n", `header line 2 gives the length 2 times`},
		"identity":                  {"HTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: identity\r\nContent-Length: 5\r\n\r\n", `Transfer-Encoding: identity`},
		"HTTP/2 over HTTP/1":        {"HTTP/2 200\r\nX-A: b\r\nContent-Length: 5\r\n\r\n", `the status line says "HTTP/2 200", over a connection of HTTP/1.1`},
		"HTTP/2.0 over HTTP/1":      {"HTTP/2.0 200 OK\r\nX-A: b\r\nContent-Length: 5\r\n\r\n", `the status line says "HTTP/2.0 200 OK"`},
		"small letters":             {"http/1.1 200 OK\r\nX-A: b\r\nContent-Length: 5\r\n\r\n", `the status line says "http/1.1 200 OK"`},
		"SHOUTcast":                 {"ICY 200 OK\r\nX-A: b\r\nContent-Length: 5\r\n\r\n", `the status line says "ICY 200 OK"`},
		"after an interim response": {"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nX-A: b\r\nnothing\r\nContent-Length: 5\r\n\r\n", `header line 2 has no colon`},
		"chunks":                    {"HTTP/1.1 200 OK\r\nX-A: b\r\nnothing\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n", `header line 2 has no colon`},
	} {
		t.Run(name, func(t *testing.T) {
			answer := c.head + "hello"
			if strings.Contains(c.head, "chunked") {
				answer += "\r\n0\r\n\r\n"
			}
			for way, w := range ways {
				s, err := targets.HTTPSays("127.0.0.1:0", answer)
				target := serveHTTP(t, s, err)
				if w.kind == "https" {
					target = saysOverTLS(t, pair, answer)
				}
				expect := `"expect":{"headers":{"X-A":"^b$"},"body_regex":"^hello$"`
				r := measure(t, w.kind, target, `{`+w.options+expect+`}}`)
				d := probetest.DetailsOf[Details](t, r)
				if r.Outcome != wire.OK || d.Status != 200 || d.Protocol == "HTTP/2" || len(d.Notes) == 0 || !strings.Contains(d.Notes[0], c.note) || !strings.Contains(r.Summary, d.Notes[0]) {
					t.Errorf("%s: %s %s, status %d, notes %q, summary %q; want ok and %q", way, r.Outcome, r.Error, d.Status, d.Notes, r.Summary, c.note)
				}
				r = measure(t, w.kind, target, `{`+w.options+expect+`,"header_syntax":"strict"}}`)
				if r.Failure != wire.FailMismatch || !strings.Contains(r.Error, "expect.header_syntax") || probetest.DetailsOf[Details](t, r).Status != 200 {
					t.Errorf("%s, strict: %s %s: %s", way, r.Failure, r.Error, r.Details)
				}
			}
		})
	}
	// What cannot be read anyway has its status.
	for name, head := range map[string]string{
		"two lengths":         "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n",
		"two lengths, apart":  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
		"a length that is no": "HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n",
	} {
		s, err := targets.HTTPSays("127.0.0.1:0", head+"hello")
		r := measure(t, "http", serveHTTP(t, s, err), "")
		probetest.WantFailure(t, r, wire.Failed, wire.FailBadAnswer)
		if d := probetest.DetailsOf[Details](t, r); d.Status != 200 || r.Summary != "200 OK" {
			t.Errorf("%s: status %d, summary %q", name, d.Status, r.Summary)
		}
	}
	for options, want := range map[string]string{
		`{"expect":{"header_syntax":"loose"}}`: `options.expect.header_syntax: want lenient or strict, got "loose"`,
	} {
		if got := refused(t, "http", "x", options); got != want {
			t.Errorf("%s gives %q, want %q", options, got, want)
		}
	}
}

// TestHTTP_NotesAreFew: what a server writes does not fill results.
func TestHTTP_NotesAreFew(t *testing.T) {
	s, err := targets.HTTPSays("127.0.0.1:0", "HTTP/1.1 302 Found\r\nLocation: /\r\n"+strings.Repeat(strings.Repeat("odd", 50)+"\r\n", 1000)+"Content-Length: 0\r\n\r\n")
	r := measure(t, "http", serveHTTP(t, s, err), `{"redirects":5}`)
	probetest.WantFailure(t, r, wire.Failed, wire.FailLimit)
	if d := probetest.DetailsOf[Details](t, r); len(d.Notes) != maxOdd+1 || d.Notes[maxOdd] != "there are more of these" || len(r.Details)+len(r.Summary) > 6000 {
		t.Errorf("%d notes, the last %q; %d bytes", len(d.Notes), d.Notes[len(d.Notes)-1], len(r.Details))
	}
}

// saysOverTLS answers each request with the same bytes, and returns its URL.
func saysOverTLS(t *testing.T, pair tls.Certificate, answer string) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				c.Read(make([]byte, 4096))
				io.WriteString(c, answer)
			}()
		}
	}()
	return "https://" + l.Addr().String() + "/"
}

// TestHTTPMender_KeptConnection: each response of a connection has a head.
func TestHTTPMender_KeptConnection(t *testing.T) {
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
		for i := 1; ; i++ {
			if _, err := c.Read(make([]byte, 4096)); err != nil {
				return
			}
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nodd%d line\r\nContent-Length: 5\r\n\r\nhe:lo", i)
		}
	}()
	env := &probes.Env{}
	defer env.Close()
	c, err := Kinds().New(env, "http", l.Addr().String(), []byte(`{"keep_alive":true}`))
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= 2; i++ {
		d := probetest.DetailsOf[Details](t, c.Run(t.Context(), 20e9, nil))
		if want := fmt.Sprintf(`header line 1 has no colon and is left out: "odd%d"`, i); len(d.Notes) != 1 || d.Notes[0] != want || d.Reused != (i > 1) {
			t.Errorf("run %d: notes %q, reused %v", i, d.Notes, d.Reused)
		}
	}
}

// TestHTTPMender_CopiesNothing: a head in order costs no memory.
func TestHTTPMender_CopiesNothing(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-A-Name-That-Is-Quite-Long-As-They-Sometimes-Are: b\r\nContent-Length: 5\r\n\r\nhello"
	in, out := strings.NewReader(head), make([]byte, 4096)
	m := &mender{r: in}
	if n := testing.AllocsPerRun(100, func() {
		in.Reset(head)
		m.reset()
		if n, err := m.Read(out); n != len(head) || err != nil {
			t.Fatal(n, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if status, odd := m.found(); status != 200 || odd != nil {
		t.Errorf("status %d, odd %q", status, odd)
	}
}

func BenchmarkHTTPMender(b *testing.B) {
	head := "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nDate: Mon, 30 Nov 2026 04:52:56 GMT\r\nServer: nginx\r\nETag: \"123456\"\r\nVary: Accept-Encoding\r\nContent-Length: 5\r\n\r\nhello"
	in, out := strings.NewReader(head), make([]byte, 4096)
	m := &mender{r: in}
	b.ReportAllocs()
	for b.Loop() {
		in.Reset(head)
		m.reset()
		m.Read(out)
	}
}

// FuzzHTTPMender: however a response is cut into pieces, the same comes out; what
// is in order, and what follows a head, comes out as it was.
func FuzzHTTPMender(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nX: y\r\n\r\nbody\nno colon"))
	f.Add([]byte("HTTP/2 200\nno colon\n\tmore\nContent-Length: 5,5\n\nhello"))
	f.Add([]byte("HTTP/1.1 103 Early\r\nA : b\r\n\r\nICY 200 OK\r\nX: \x01\r\n\r\n"))
	f.Add([]byte("SSH-2.0-OpenSSH\r\nHTTP/1.1 200 OK\r\nno colon\r\n\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		m := &mender{r: bytes.NewReader(in)}
		whole, _ := io.ReadAll(m)
		single, _ := io.ReadAll(&mender{r: iotest.OneByteReader(bytes.NewReader(in))})
		if !bytes.Equal(whole, single) {
			t.Errorf("%q at once, %q in pieces", whole, single)
		}
		if _, odd := m.found(); len(odd) == 0 && !bytes.Equal(whole, in) && !bytes.Contains(in, []byte("\n ")) && !bytes.Contains(in, []byte("\n\t")) {
			t.Errorf("%q became %q without a word", in, whole)
		}
	})
}
