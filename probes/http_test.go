package probes

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

// webServer answers each path with one behaviour.
func webServer() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello "+r.Header.Get("X-Word")) })
	mux.HandleFunc("/500", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	mux.HandleFunc("/hop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) })
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/short", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "less")
	})
	return mux
}

func TestHTTP(t *testing.T) {
	s := httptest.NewServer(webServer())
	t.Cleanup(s.Close)
	t.Setenv("NETMON_TEST_WORD", "secret-word")
	for name, tc := range map[string]struct {
		path, options string
		outcome       wire.Outcome
		failure       wire.Failure
	}{
		"a page":                     {"/", "", wire.OK, ""},
		"a server error":             {"/500", "", wire.Failed, wire.FailMismatch},
		"an expected server error":   {"/500", `{"expect":{"status":"500-599"}}`, wire.OK, ""},
		"a redirect is followed":     {"/hop", "", wire.OK, ""},
		"a redirect is not":          {"/hop", `{"redirects":-1,"expect":{"status":"302"}}`, wire.OK, ""},
		"redirects without end":      {"/loop", "", wire.Failed, wire.FailLimit},
		"no answer in time":          {"/slow", "", wire.Failed, wire.FailTimeout},
		"a body without end":         {"/endless", "", wire.Failed, wire.FailLimit},
		"a body cut short":           {"/short", "", wire.Failed, wire.FailClosed},
		"a body that matches":        {"/", `{"expect":{"body":"^hello"}}`, wire.OK, ""},
		"a body that does not":       {"/", `{"expect":{"body":"goodbye"}}`, wire.Failed, wire.FailMismatch},
		"a header from a secret":     {"/", `{"headers":{"X-Word":"${env:NETMON_TEST_WORD}"},"expect":{"body":"hello secret-word"}}`, wire.OK, ""},
		"a secret that is not there": {"/", `{"headers":{"X-Word":"${env:NETMON_NOT_SET}"}}`, wire.Broken, wire.BrokenSecret},
	} {
		t.Run(name, func(t *testing.T) {
			timeout := 5 * time.Second
			if tc.failure == wire.FailTimeout {
				timeout = 100 * time.Millisecond
			}
			r := measureWithin(t, timeout, "http", s.URL+tc.path, tc.options)
			wantFailure(t, r, tc.outcome, tc.failure)
			if strings.Contains(string(r.Details)+r.Error+r.Summary, "secret-word") {
				t.Error("the secret is in the result")
			}
		})
	}
	r := measure(t, "http", s.URL+"/hop", "")
	var d HTTPDetails
	if err := json.Unmarshal(r.Details, &d); err != nil {
		t.Fatal(err)
	}
	if d.Status != 200 || d.ConnectNS <= 0 || d.ProcessingNS <= 0 || d.TotalNS <= 0 || len(d.Redirects) != 1 || *d.Bytes != 6 || d.Protocol != "HTTP/1.1" {
		t.Errorf("%+v", d)
	}
}

func TestHTTPS_LooksAtTheCertificate(t *testing.T) {
	s := httptest.NewTLSServer(webServer())
	t.Cleanup(s.Close)
	wantFailure(t, measure(t, "https", s.URL, ""), wire.Failed, wire.FailCertificate)
	r := measure(t, "https", s.URL, `{"insecure":true}`)
	wantFailure(t, r, wire.OK, "")
	if r.CertExpires == nil || r.CertExpires.Before(time.Now()) {
		t.Errorf("certificate expires %v", r.CertExpires)
	}
	plain := httptest.NewServer(webServer())
	t.Cleanup(plain.Close)
	wantFailure(t, measure(t, "https", "https://"+plain.Listener.Addr().String(), ""), wire.Failed, wire.FailTLS)
}

func TestHTTP_RefusesBadOptions(t *testing.T) {
	for want, tc := range map[string][3]string{
		`target: want a URL with http://, got "https://x/"`:                                             {"http", "https://x/", ""},
		`target: want a URL without user and password: give a header with ${env:NAME}`:                  {"http", "http://a:b@x/", ""},
		`options.expect.status: want codes and ranges such as 200-299,301, got "ok"`:                    {"http", "x", `{"expect":{"status":"ok"}}`},
		`options.method: "G T" is no request method`:                                                    {"https", "x", `{"method":"G T"}`},
		"options.expect.body: \"(\" is no RE2 expression: error parsing regexp: missing closing ): `(`": {"http", "x", `{"expect":{"body":"("}}`},
	} {
		if got := refused(t, tc[0], tc[1], tc[2]); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
