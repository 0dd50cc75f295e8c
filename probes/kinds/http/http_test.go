package http

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/probes"
	"netmon/wire"
)

// serveWeb starts probetest.WebServer without TLS, with HTTP/2 too.
func serveWeb(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(probetest.WebServer())
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// serveHTTP starts a server of internal/targets and returns its URL.
func serveHTTP(t *testing.T, s *targets.HTTP, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return "http://" + s.Addr + "/"
}

// nobodyThere is an address at which nobody listens until the test ends: the
// client's side of a connection, which keeps others from the port.
func nobodyThere(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.LocalAddr().String()
}

func TestHTTP(t *testing.T) {
	s := serveWeb(t)
	t.Setenv("NETMON_TEST_WORD", "secret-word")
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte("hello ")))
	for name, tc := range map[string]struct {
		path, options string
		failure       wire.Failure
		unmet         string // or a part of the error
	}{
		"a page":                       {"/", "", "", ""},
		"a page over HTTP/2":           {"/", `{"http_version":"2"}`, "", ""},
		"a server error":               {"/500", "", wire.FailMismatch, "expect.status"},
		"an expected server error":     {"/500", `{"expect":{"status":"500-599"}}`, "", ""},
		"no content":                   {"/204", `{"expect":{"status":"204","max_bytes":0}}`, "", ""},
		"a redirect is followed":       {"/hop", "", "", ""},
		"a redirect is the answer":     {"/hop", `{"redirects":-1,"expect":{"status":"302","headers":{"Location":"^/$"}}}`, "", ""},
		"no redirect is allowed":       {"/hop", `{"redirects":0}`, wire.FailLimit, "a redirect came, but none is followed (redirects: 0): 302 leads to /"},
		"redirects without end":        {"/loop", "", wire.FailLimit, "over 10 redirects"},
		"a redirect to elsewhere":      {"/to?302=gopher://x/", "", wire.FailBadAnswer, "neither http nor https"},
		"a redirect to nowhere":        {"/to?302=http://a%20b/", "", wire.FailBadAnswer, "no URL"},
		"a redirect without a place":   {"/to?302=", `{"expect":{"status":"302"}}`, "", ""},
		"a header":                     {"/json", `{"expect":{"headers":{"content-type":"^application/json$"}}}`, "", ""},
		"a header that is not there":   {"/json", `{"expect":{"headers":{"X-No":"."}}}`, wire.FailMismatch, "expect.headers.X-No"},
		"a header that differs":        {"/json", `{"expect":{"headers":{"Content-Type":"^text"}}}`, wire.FailMismatch, "expect.headers.Content-Type"},
		"a header that must not be":    {"/json", `{"expect":{"no_headers":["Content-Type","X-No"]}}`, wire.FailMismatch, "expect.no_headers"},
		"text in the body":             {"/", `{"expect":{"body_contains":["hel","lo"]}}`, "", ""},
		"text that is not":             {"/", `{"expect":{"body_contains":["hel","bye"]}}`, wire.FailMismatch, "expect.body_contains"},
		"a body that matches":          {"/", `{"expect":{"body_regex":"^hello"}}`, "", ""},
		"a body that does not":         {"/", `{"expect":{"body_regex":"goodbye"}}`, wire.FailMismatch, "expect.body_regex"},
		"a body that must not match":   {"/", `{"expect":{"body_not_regex":"el+"}}`, wire.FailMismatch, "expect.body_not_regex"},
		"a body that does not, well":   {"/", `{"expect":{"body_not_regex":"error"}}`, "", ""},
		"too small":                    {"/", `{"expect":{"min_bytes":7}}`, wire.FailMismatch, "expect.min_bytes"},
		"too big":                      {"/", `{"expect":{"max_bytes":5}}`, wire.FailMismatch, "expect.max_bytes"},
		"over the limit":               {"/", `{"max_body":5}`, wire.FailLimit, "over 5 bytes (max_body)"},
		"just within it":               {"/", `{"max_body":6}`, "", ""},
		"the hash":                     {"/", `{"expect":{"body_sha256":"` + strings.ToUpper(sum) + `"}}`, "", ""},
		"another hash":                 {"/", `{"expect":{"body_sha256":"` + strings.Repeat("0", 64) + `"}}`, wire.FailMismatch, "expect.body_sha256"},
		"gzip":                         {"/gzip", `{"expect":{"body_regex":"^(hello ){1000}$","min_bytes":6000,"max_bytes":6000}}`, "", ""},
		"deflate":                      {"/zlib", `{"expect":{"body_regex":"^(hello ){1000}$"}}`, "", ""},
		"deflate, bare":                {"/deflate", `{"expect":{"body_regex":"^(hello ){1000}$"}}`, "", ""},
		"gzip over the limit":          {"/gzip", `{"max_body":5999}`, wire.FailLimit, "gzip, 5999 decoded so far"},
		"gzip that is none":            {"/nogzip", "", wire.FailBadAnswer, "the body is not gzip"},
		"a coding that we cannot read": {"/br", "", "", ""},
		"and what it would hold":       {"/br", `{"expect":{"body_contains":["hello"]}}`, wire.FailMismatch, "expect"},
		"HEAD":                         {"/gzip", `{"method":"HEAD","expect":{"headers":{"Content-Encoding":"gzip"},"max_bytes":0}}`, "", ""},
		"early hints":                  {"/early", `{"expect":{"body_contains":["hello"]}}`, "", ""},
		"TLS where there is none":      {"/", `{"expect":{"days_left":7}}`, wire.FailMismatch, "expect"},
		"slow":                         {"/", `{"within":"1ns"}`, wire.FailSlow, ""},
		"an answer that nobody wants":  {"/", `{"invert":true}`, wire.FailAnswered, ""},
		"a secret that is not there":   {"/", `{"headers":{"X-Word":"${env:NETMON_NOT_SET}"}}`, wire.BrokenSecret, "NETMON_NOT_SET"},
		"a source that is not ours":    {"/", `{"source":"192.0.2.77"}`, wire.BrokenLocal, "cannot assign requested address"},
		"JSON": {"/json", `{"expect":{"json":[{"path":"$.status","equals":"up"},{"path":"$.jobs[0][\"name\"]","regex":"^a"},
			{"path":"$.jobs[-1].load","min":7,"max":7.5},{"path":"$.jobs[1].ok","equals":false},{"path":"$.jobs[2]","exists":false},{"path":"$.n","equals":12345678901234567890},{"path":"$.jobs"}]}}`, "", ""},
		"JSON that differs":        {"/json", `{"expect":{"json":[{"path":"$.status","equals":"down"}]}}`, wire.FailMismatch, "expect.json[0]"},
		"JSON of another type":     {"/json", `{"expect":{"json":[{"path":"$.jobs[1].load","equals":"7"}]}}`, wire.FailMismatch, "expect.json[0]"},
		"JSON over the maximum":    {"/json", `{"expect":{"json":[{"path":"$.jobs[1].load","max":5}]}}`, wire.FailMismatch, "expect.json[0]"},
		"JSON that should not be":  {"/json", `{"expect":{"json":[{"path":"$.status","exists":false}]}}`, wire.FailMismatch, "expect.json[0]"},
		"JSON that is not there":   {"/json", `{"expect":{"json":[{"path":"$.nothing"}]}}`, wire.FailMismatch, "expect.json[0]"},
		"JSON that does not match": {"/json", `{"expect":{"json":[{"path":"$.status","regex":"^p"}]}}`, wire.FailMismatch, "expect.json[0]"},
		"no JSON at all":           {"/", `{"expect":{"json":[{"path":"$.status"}]}}`, wire.FailMismatch, "expect.json"},
	} {
		t.Run(name, func(t *testing.T) {
			r := measure(t, "http", s.URL+tc.path, tc.options)
			if r.Failure != tc.failure {
				t.Fatalf("failure %q, want %q: %s", r.Failure, tc.failure, r.Error)
			}
			if r.Failure == wire.FailMismatch {
				if len(r.Unmet) != 1 || r.Unmet[0].Expect != tc.unmet {
					t.Errorf("unmet %+v, want %s", r.Unmet, tc.unmet)
				}
			} else if !strings.Contains(r.Error, tc.unmet) {
				t.Errorf("error %q, want %q in it", r.Error, tc.unmet)
			}
			if (r.Outcome == wire.OK || r.Failure == wire.FailMismatch) != (r.LatencyNS != nil) && r.Failure != wire.FailSlow && r.Failure != wire.FailAnswered {
				t.Errorf("outcome %s, latency %v", r.Outcome, r.LatencyNS)
			}
		})
	}
}

func TestHTTP_Figures(t *testing.T) {
	s := serveWeb(t)
	d := probetest.DetailsOf[Details](t, measure(t, "http", s.URL+"/hop", ""))
	if d.Status != 200 || d.Protocol != "HTTP/1.1" || *d.BodyBytes != 6 || d.DecodedBytes != nil || d.Reused ||
		d.Remote != s.Listener.Addr().String() || d.URL != s.URL+"/" {
		t.Errorf("%+v", d)
	}
	if len(d.Redirects) != 1 || d.Redirects[0].Status != 302 || d.Redirects[0].URL != s.URL+"/" || d.Redirects[0].NS <= 0 {
		t.Errorf("redirects %+v", d.Redirects)
	}
	if d.BodySHA256 != fmt.Sprintf("%x", sha256.Sum256([]byte("hello "))) {
		t.Errorf("hash %s", d.BodySHA256)
	}
	for try := 1; ; try++ {
		sum := d.RedirectNS + d.ConnectNS + d.SendNS + d.ProcessingNS + d.TransferNS
		wrong := d.ConnectNS <= 0 || d.ProcessingNS <= 0 || d.RedirectNS < d.Redirects[0].NS || sum > d.TotalNS
		// On a busy machine time passes between two phases, and the response may be seen
		// before the end of sending: not each time.
		short := d.SendNS <= 0 || sum < d.TotalNS*7/10
		if wrong || short && try == 50 {
			t.Errorf("the phases make %v of %v: %+v", time.Duration(sum), time.Duration(d.TotalNS), d.Phases)
		}
		if wrong || !short || try == 50 {
			break
		}
		d = probetest.DetailsOf[Details](t, measure(t, "http", s.URL+"/hop", ""))
	}
	d = probetest.DetailsOf[Details](t, measure(t, "http", s.URL+"/gzip", ""))
	if d.Encoding != "gzip" || *d.DecodedBytes != 6000 || *d.BodyBytes >= 200 || *d.BodyBytes < 20 {
		t.Errorf("%s, %d bytes, %d decoded", d.Encoding, *d.BodyBytes, *d.DecodedBytes)
	}
	d = probetest.DetailsOf[Details](t, measure(t, "http", s.URL+"/", `{"http_version":"2"}`))
	if d.Protocol != "HTTP/2" || d.HeaderBytes != 0 || d.ProcessingNS <= 0 {
		t.Errorf("%+v", d)
	}
	// Headers are counted to the byte, interim responses too.
	head := "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 2\r\n\r\n"
	raw, err := targets.HTTPSays("127.0.0.1:0", head+"\n\n")
	d = probetest.DetailsOf[Details](t, measure(t, "http", serveHTTP(t, raw, err), ""))
	if d.HeaderBytes != int64(len(head)) {
		t.Errorf("%d bytes of headers, want %d", d.HeaderBytes, len(head))
	}
}

// echoed is what /echo saw of a request.
func echoed(t *testing.T, target, options string) string {
	t.Helper()
	var said []string
	c, err := Kinds().New(&probes.Env{}, "http", target, json.RawMessage(options))
	if err != nil {
		t.Fatal(err)
	}
	r := c.Run(t.Context(), 5*time.Second, func(s probes.Step) { said = append(said, s.Text) })
	// What the server repeats is in the result, without the secrets.
	all, _ := json.Marshal(r)
	for _, secret := range []string{"s3cret", "czNjcmV0", "OnMzY3JldA"} { // base64 of s3cret, of :s3cret
		if strings.Contains(string(all)+strings.Join(said, "\n"), secret) {
			t.Errorf("the secret stands in\n%s\n%s", all, strings.Join(said, "\n"))
		}
	}
	if len(r.Unmet) != 1 {
		t.Fatalf("%s %s: unmet %+v", r.Outcome, r.Error, r.Unmet)
	}
	got := r.Unmet[0].Got
	if text, err := strconv.Unquote(got); err == nil {
		return text
	}
	return strings.ReplaceAll(got, `\n`, "\n") // cut short
}

func TestHTTP_Request(t *testing.T) {
	s := serveWeb(t)
	other := serveWeb(t)
	t.Setenv("NETMON_TEST_SECRET", "s3cret")
	file := filepath.Join(t.TempDir(), "token")
	os.WriteFile(file, []byte("s3cret\n"), 0o600)
	no := `"expect":{"status":"100-599","body_regex":"^no$"}`
	host := s.Listener.Addr().String()
	to := func(code int, to string) string { return fmt.Sprintf("%s/to?%d=%s", s.URL, code, to) }
	for name, c := range map[string]struct {
		target, options string
		want, lacks     []string
	}{
		"bare":             {s.URL + "/echo", `{` + no + `}`, []string{"GET " + host + " HTTP/1.1", "User-Agent: netmon", "Accept-Encoding: gzip", "body: \n"}, []string{"Authorization", "Content-Type"}},
		"method and body":  {s.URL + "/echo", `{"method":"PUT","body":"a=${env:NETMON_TEST_SECRET}&b=${c}",` + no + `}`, []string{"PUT ", "body: a=*****&b=${c}"}, nil},
		"host":             {s.URL + "/echo", `{"host":"example.com:81",` + no + `}`, []string{"GET example.com:81 "}, nil},
		"host over HTTP/2": {s.URL + "/echo", `{"host":"example.com","http_version":"2",` + no + `}`, []string{"GET example.com HTTP/2.0"}, nil},
		"headers":          {s.URL + "/echo", `{"headers":{"x-word":"a ${env:NETMON_TEST_SECRET}","user-agent":"mine","Accept-Encoding":"identity"},` + no + `}`, []string{"X-Word: a *****", "User-Agent: mine", "Accept-Encoding: identity"}, nil},
		"basic":            {s.URL + "/echo", `{"auth":{"user":"joe","password":"${env:NETMON_TEST_SECRET}"},` + no + `}`, []string{"Authorization: Basic *****"}, nil},
		"bearer":           {s.URL + "/echo", `{"auth":{"bearer":"${file:` + file + `}"},` + no + `}`, []string{"Authorization: Bearer *****"}, nil},
		"303 makes a GET":  {to(303, "/echo"), `{"method":"POST","body":"x","headers":{"Content-Type":"text/plain"},` + no + `}`, []string{"GET ", "body: \n"}, []string{"Content-Type"}},
		"302 makes a GET":  {to(302, "/echo"), `{"method":"POST","body":"x",` + no + `}`, []string{"GET ", "body: \n"}, nil},
		"302 leaves a PUT": {to(302, "/echo"), `{"method":"PUT","body":"x",` + no + `}`, []string{"PUT ", "body: x"}, nil},
		"307 leaves all":   {to(307, "/echo"), `{"method":"POST","body":"x","headers":{"Content-Type":"text/plain"},` + no + `}`, []string{"POST ", "body: x", "Content-Type"}, nil},
		"the same host": {to(302, "/echo"), `{"host":"example.com","auth":{"bearer":"${env:NETMON_TEST_SECRET}"},"headers":{"Cookie":"a=b","X-Word":"${env:NETMON_TEST_SECRET}","X-Plain":"x"},` + no + `}`,
			[]string{"GET example.com", "Authorization: Bearer *****", "Cookie: a=b", "X-Word: *****", "X-Plain: x"}, nil},
		"another host": {to(302, other.URL+"/echo"), `{"host":"example.com","auth":{"bearer":"${env:NETMON_TEST_SECRET}"},"headers":{"Cookie":"a=b","X-Word":"${env:NETMON_TEST_SECRET}","X-Plain":"x"},` + no + `}`,
			[]string{"GET " + other.Listener.Addr().String(), "X-Plain: x"}, []string{"Authorization", "Cookie", "X-Word"}},
		"another host, and a body without secrets": {to(307, other.URL+"/echo"), `{"method":"POST","body":"x",` + no + `}`, []string{"POST ", "body: x"}, nil},
		"another host, and a body with secrets":    {to(307, other.URL+"/echo"), `{"method":"POST","body":"${env:NETMON_TEST_SECRET}",` + no + `}`, []string{other.URL + "/echo"}, nil},
		"user and password in a redirect":          {to(302, strings.Replace(s.URL, "://", "://joe:s@", 1)+"/echo"), `{` + no + `}`, []string{"GET "}, []string{"Authorization"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := echoed(t, c.target, c.options)
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("the server saw\n%s\nwithout %q", got, want)
				}
			}
			for _, lacks := range c.lacks {
				if strings.Contains(got, lacks) {
					t.Errorf("the server saw\n%s\nwith %q", got, lacks)
				}
			}
		})
	}
	// Secrets that no header can hold.
	t.Setenv("NETMON_TEST_SECRET", "a\nb")
	for _, options := range []string{`{"headers":{"X-Word":"${env:NETMON_TEST_SECRET}"}}`, `{"auth":{"bearer":"${env:NETMON_TEST_SECRET}"}}`} {
		probetest.WantFailure(t, measure(t, "http", s.URL, options), wire.Broken, wire.BrokenSecret)
	}
}

// TestHTTP_EnvironmentProxy: what the environment says of proxies is not used.
func TestHTTP_EnvironmentProxy(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	probetest.WantFailure(t, measure(t, "http", serveWeb(t).URL, ""), wire.OK, "")
}

func TestHTTP_KeepsTheConnection(t *testing.T) {
	s := serveWeb(t)
	for _, version := range []string{"1.1", "2"} {
		t.Run(version, func(t *testing.T) {
			env := &probes.Env{}
			c, err := Kinds().New(env, "http", s.URL+"/hop", json.RawMessage(`{"keep_alive":true,"http_version":"`+version+`"}`))
			if err != nil {
				t.Fatal(err)
			}
			for i := range 4 {
				if i == 3 { // the server closes it between two runs
					s.CloseClientConnections()
				}
				r := c.Run(t.Context(), 5*time.Second, func(s probes.Step) { t.Log(s.Text) })
				probetest.WantFailure(t, r, wire.OK, "")
				d := probetest.DetailsOf[Details](t, r)
				if !d.Reused || d.ConnectNS != 0 || r.Address != "127.0.0.1" || d.Remote == "" {
					t.Errorf("run %d, whose last request follows a redirect to the same host: %+v", i, d)
				}
			}
			c, _ = Kinds().New(env, "http", s.URL+"/", json.RawMessage(`{"keep_alive":true,"http_version":"`+version+`"}`))
			for i, want := range []bool{false, true, true, false, true} {
				if i == 3 {
					s.CloseClientConnections()
				}
				d := probetest.DetailsOf[Details](t, c.Run(t.Context(), 5*time.Second, nil))
				if d.Reused != want || (d.ConnectNS == 0) != want {
					t.Errorf("run %d: reused %v, connect %d", i, d.Reused, d.ConnectNS)
				}
			}
			env.Close()
			if d := probetest.DetailsOf[Details](t, c.Run(t.Context(), 5*time.Second, nil)); d.Reused {
				t.Error("reused after the environment was closed")
			}
			env.Close()
		})
	}
}

func TestHTTP_BodyUnchanged(t *testing.T) {
	s := serveWeb(t) // /changes says 0, 0, 1, 1, 1, 2, ...
	c, err := Kinds().New(&probes.Env{}, "http", s.URL+"/changes", json.RawMessage(`{"expect":{"body_unchanged":true}}`))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []wire.Failure{"", "", wire.FailMismatch, "", "", wire.FailMismatch} {
		r := c.Run(t.Context(), 5*time.Second, nil)
		if r.Failure != want || want != "" && r.Unmet[0].Expect != "expect.body_unchanged" {
			t.Errorf("run %d: %s %q", i, r.Failure, r.Error)
		}
	}
}

func TestHTTP_CancelledRunIsCutShort(t *testing.T) {
	s, err := targets.HTTPSilent("127.0.0.1:0")
	c, err := Kinds().New(&probes.Env{}, "http", serveHTTP(t, s, err), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	begin := time.Now()
	c.Run(ctx, time.Minute, func(s probes.Step) {
		if strings.HasPrefix(s.Text, "> GET") {
			cancel()
		}
	})
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("a cancelled run took %v", took)
	}
}

func TestHTTP_RefusesBadOptions(t *testing.T) {
	for options, want := range map[string]string{
		`{"expect":{"status":"ok"}}`:                                        `options.expect.status: want codes and ranges such as 200-299,301, got "ok"`,
		`{"method":"G T"}`:                                                  `options.method: "G T" is not a request method`,
		`{"expect":{"body_regex":"("}}`:                                     "options.expect.body_regex: \"(\" is not an RE2 expression: error parsing regexp: missing closing ): `(`",
		`{"redirects":99,"http_version":"3","max_body":0}`:                  "options.redirects: want -1 to 50, got 99\noptions.http_version: want 1.1, 2 or any, got \"3\"\noptions.max_body: want 1 to 268435456, got 0",
		`{"host":"a b"}`:                                                    `options.host: want HOST or HOST:PORT, got "a b": "a b" is not a host name`,
		`{"headers":{"Host":"x"}}`:                                          `options.headers.Host: give it as the option host`,
		`{"headers":{"X-A":"x","x-a":"y"}}`:                                 `options.headers.x-a: is given twice: case does not matter`,
		`{"headers":{"a b":"x"}}`:                                           `options.headers.a b: "a b" is not a header name`,
		`{"headers":{"X":"a\nb"}}`:                                          `options.headers.X: the value holds a character that headers cannot have`,
		`{"headers":{"X":"${FOO}"}}`:                                        `options.headers.X: want ${env:NAME} or ${file:PATH}, got "${FOO}"`,
		`{"headers":{"authorization":"Bearer x"}}`:                          `options.headers.authorization: want a reference in it, ${env:NAME} or ${file:PATH}, not the secret itself`,
		`{"headers":{"Proxy-Authorization":"x"}}`:                           `options.headers.Proxy-Authorization: give it as the options proxy.user and proxy.password`,
		`{"headers":{"Content-Length":"1"}}`:                                `options.headers.Content-Length: is made from the request and cannot be given`,
		`{"auth":{"bearer":"x"}}`:                                           `options.auth.bearer: want a reference, ${env:NAME} or ${file:PATH}, not the secret itself`,
		`{"auth":{"bearer":"${env:A}","user":"a:b"}}`:                       "options.auth.user: want a name without a colon (RFC 7617), got \"a:b\"\noptions.auth.bearer: give either user and password or bearer",
		`{"auth":{"password":"${env:A}"}}`:                                  `options.auth.password: is of no use without user`,
		`{"proxy":{"url":"ftp://x"}}`:                                       `options.proxy.url: want http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT, got "ftp://x"`,
		`{"proxy":{"url":"http://joe:pw@x"}}`:                               `options.proxy.url: want no user and password in it: see proxy.user and proxy.password`,
		`{"proxy":{"user":"joe"}}`:                                          `options.proxy.url: user and password are of no use without it`,
		`{"http_version":"2","proxy":{"url":"http://x"}}`:                   `options.proxy.url: http_version 2 without TLS does not go through an HTTP proxy`,
		`{"tls":{"min_version":"2"}}`:                                       `options.tls.min_version: want 1.0, 1.1, 1.2 or 1.3, got "2"`,
		`{"insecure":true}`:                                                 `options.insecure: unknown field "insecure"`,
		`{"expect":{"headers":{"X":"("},"no_headers":["a b"]}}`:             "options.expect.headers.X: \"(\" is not an RE2 expression: error parsing regexp: missing closing ): `(`\noptions.expect.no_headers[0]: \"a b\" is not a header name",
		`{"expect":{"json":[{"path":"$.a"},{"path":"a"}]}}`:                 `options.expect.json[1].path: want a path such as $.jobs[0]["last run"], got "a": it must begin with $`,
		`{"expect":{"json":[{"path":"$","exists":false,"min":2,"max":1}]}}`: "options.expect.json[0].max: want at least min, got 1\noptions.expect.json[0].exists: false cannot be combined with another expectation",
		`{"expect":{"body_sha256":"12","min_bytes":9,"max_bytes":8,"body_contains":[""],"version":"3"}}`: "options.expect.body_contains[0]: the text is empty\n" +
			"options.expect.max_bytes: want min_bytes to 268435456, got 8\noptions.expect.body_sha256: want 64 hex digits, got \"12\"\noptions.expect.version: want 1.0, 1.1, 1.2 or 1.3, got \"3\"",
	} {
		if got := refused(t, "http", "x", options); !strings.HasPrefix(got, want) {
			t.Errorf("%s gives\n%s\nwant\n%s", options, got, want)
		}
	}
	for target, want := range map[string]string{
		"https://x/":    `target: want a URL with http://, got "https://x/"`,
		"http://a:b@x/": `target: want a URL without user and password: see auth.user and auth.password`,
		"http://x:0/":   `target: want a URL, got "http://x:0/": the port must be 1 to 65535`,
		"http://":       `target: want a URL, got "http://"`,
	} {
		if got := refused(t, "http", target, ""); !strings.HasPrefix(got, want) {
			t.Errorf("%s gives %q, want %q", target, got, want)
		}
	}
}

// TestHTTPGolden keeps the shape of the results of http and https.
func TestHTTPGolden(t *testing.T) {
	pki := probetest.NewWebPKI(t)
	https := pki.Serve(t, "127.0.0.1", nil)
	// The response may be seen before the end of sending, which is then absent.
	sizes := map[string]string{`(_bytes": )\d+`: "${1}1", `\n +"send_ns": 1,`: ""}
	probetest.Golden(t, measure(t, "http", serveWeb(t).URL+"/to?302=/gzip", `{"expect":{"status":"404","headers":{"Content-Encoding":"br"}}}`), sizes)
	probetest.Golden(t, measure(t, "https", https.URL+"/json", `{"tls":{"ca":"${file:`+pki.Ca+`}"},"expect":{"days_left":1,"json":[{"path":"$.status","equals":"up"}]}}`), sizes)
}

// TestHTTP_FallsBack: localhost is 127.0.0.1 and ::1, in either order, and only
// one of them answers.
func TestHTTP_FallsBack(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Skip(err)
		}
		s := &httptest.Server{Listener: l, Config: &http.Server{Handler: probetest.WebServer()}}
		s.Start()
		t.Cleanup(s.Close)
		found, _ := net.DefaultResolver.LookupHost(t.Context(), "localhost")
		if !slices.Contains(found, host) {
			t.Skipf("localhost is %v here", found)
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		r := measure(t, "http", "localhost:"+port, "")
		probetest.WantFailure(t, r, wire.OK, "")
		if r.Address != host || probetest.DetailsOf[Details](t, r).ResolveNS <= 0 {
			t.Errorf("measured %s, want %s: %s", r.Address, host, r.Details)
		}
	}
	probetest.WantFailure(t, measure(t, "http", "http://127.0.0.1:1", `{"family":"6"}`), wire.Failed, wire.FailNoSuchHost)
}
