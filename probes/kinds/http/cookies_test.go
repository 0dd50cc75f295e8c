package http

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/probes"
	"netmon/wire"
)

// servesCookies sets a cookie by a redirect at /set?COOKIE and leads to to; what
// it is asked with it answers at /cookies.
func servesCookies(t *testing.T, to string) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/set", func(w http.ResponseWriter, r *http.Request) {
		for _, c := range r.URL.Query()["c"] {
			w.Header().Add("Set-Cookie", c)
		}
		http.Redirect(w, r, to, http.StatusFound)
	})
	mux.HandleFunc("/cookies", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "[%s]", strings.Join(r.Header["Cookie"], "|"))
	})
	mux.HandleFunc("/wall", func(w http.ResponseWriter, r *http.Request) { // until the cookie comes back
		if _, err := r.Cookie("seen"); err != nil {
			http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1", Path: "/"})
			http.Redirect(w, r, "/wall", http.StatusFound)
			return
		}
		io.WriteString(w, "in")
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// TestHTTP_Cookies: a redirect's cookies go where RFC 6265 has them go, within one run.
func TestHTTP_Cookies(t *testing.T) {
	t.Setenv("NETMON_TEST_SECRET", "s3cret")
	home := servesCookies(t, "/cookies")
	probetest.WantFailure(t, measure(t, "http", home.URL+"/wall", ``), wire.OK, "")
	r := measure(t, "http", home.URL+"/wall", `{"cookies":false}`)
	probetest.WantFailure(t, r, wire.Failed, wire.FailLimit)
	if !strings.Contains(r.Error, "a cookie was offered and dropped, seen") {
		t.Errorf("error %q", r.Error)
	}
	if d := probetest.DetailsOf[Details](t, r); len(d.Notes) != 1 || d.Notes[0] != `the cookie "seen" of a redirect was dropped: option cookies is off` {
		t.Errorf("notes %q", d.Notes)
	}
	many := ""
	for i := range maxCookies + 2 {
		many += fmt.Sprintf("&c=n%d%%3Dv", i)
	}
	// The same host by another name: to another origin, and to another host.
	port := home.URL[strings.LastIndex(home.URL, ":"):]
	other := servesCookies(t, "http://localhost"+port+"/cookies")
	for name, c := range map[string]struct {
		server        *httptest.Server
		set, options  string
		want, notHere string
		note          string
	}{
		"kept":                         {home, "c=a%3Db", ``, "[a=b]", "", ""},
		"two":                          {home, "c=a%3Db&c=c%3Dd%3B+Path%3D/", ``, "[a=b; c=d]", "", ""},
		"another path":                 {home, "c=a%3Db%3B+Path%3D/elsewhere", ``, "[]", "", ""},
		"Secure, and there is no TLS":  {home, "c=a%3Db%3B+Secure", `"host":"www.example.com",`, "[]", "", ""},
		"expired":                      {home, "c=a%3Db%3B+Max-Age%3D0", ``, "[]", "", ""},
		"beside the monitor's own":     {home, "c=a%3Db", `"headers":{"Cookie":"x=${env:NETMON_TEST_SECRET}"},`, "[x=*****; a=b]", "s3cret", ""},
		"in place of the monitor's":    {home, "c=x%3Dnew", `"headers":{"Cookie":"x=${env:NETMON_TEST_SECRET}; y=z"},`, "[y=z; x=new]", "s3cret", ""},
		"of a name that we ask for":    {home, "c=a%3Db%3B+Domain%3Dexample.com", `"host":"www.example.com",`, "[a=b]", "", ""},
		"for another domain":           {home, "c=a%3Db%3B+Domain%3Dexample.com", ``, "[]", "", `may not set it for example.com`},
		"for a public suffix":          {home, "c=a%3Db%3B+Domain%3Dco.uk", `"host":"www.example.co.uk",`, "[]", "", `www.example.co.uk may not set it for co.uk`},
		"another host":                 {other, "c=a%3Db", `"headers":{"Cookie":"x=${env:NETMON_TEST_SECRET}"},`, "[]", "s3cret", ""},
		"off":                          {home, "c=a%3Db", `"cookies":false,"headers":{"Cookie":"x=y"},`, "[x=y]", "", "option cookies is off"},
		"too many":                     {home, many, ``, "[n0=v; n1=v", "n50=v", `"n51" of a redirect was dropped: a run keeps 50`},
		"what the monitor sends comes": {home, "c=a%3Ds3cret", `"headers":{"X":"${env:NETMON_TEST_SECRET}"},`, "[a=*****]", "s3cret", ""},
	} {
		t.Run(name, func(t *testing.T) {
			check, err := Kinds().New(&probes.Env{}, "http", c.server.URL+"/set?"+c.set, []byte(`{`+c.options+`"expect":{"body_regex":"^no$"}}`))
			if err != nil {
				t.Fatal(err)
			}
			var said []string
			r := check.Run(t.Context(), 30*time.Second, func(s probes.Step) { said = append(said, s.Text) })
			if len(r.Unmet) != 1 {
				t.Fatalf("%s %s: unmet %+v", r.Outcome, r.Error, r.Unmet)
			}
			got, steps := r.Unmet[0].Got, strings.Join(said, "\n")
			if !strings.HasPrefix(got, c.want) || c.notHere != "" && strings.Contains(got+steps+string(r.Details), c.notHere) {
				t.Errorf("sent %s, want %s; steps\n%s", got, c.want, steps)
			}
			if notes := strings.Join(probetest.DetailsOf[Details](t, r).Notes, "\n"); !strings.Contains(notes, c.note) || c.note == "" && notes != "" {
				t.Errorf("notes %q, want %q", notes, c.note)
			}
			if strings.Contains(steps, "Cookie: a=b") {
				t.Errorf("the steps show a cookie's value:\n%s", steps)
			}
		})
	}
}

// TestHTTP_CookiesAreOfOneRun: the next run begins without.
func TestHTTP_CookiesAreOfOneRun(t *testing.T) {
	s := servesCookies(t, "/wall")
	c, err := Kinds().New(&probes.Env{}, "http", s.URL+"/wall", []byte(`{"keep_alive":true}`))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if d := probetest.DetailsOf[Details](t, c.Run(t.Context(), 30*time.Second, nil)); d.Status != 200 || len(d.Redirects) != 1 {
			t.Errorf("%d after %d redirects", d.Status, len(d.Redirects))
		}
	}
}

// TestHTTP_RedirectWithoutLocation: a redirect that leads nowhere is said.
func TestHTTP_RedirectWithoutLocation(t *testing.T) {
	s := serveWeb(t)
	r := measure(t, "http", s.URL+"/to?302=", "")
	probetest.WantFailure(t, r, wire.OK, "")
	if !strings.Contains(r.Summary, "302 leads nowhere: it has no Location") {
		t.Errorf("summary %q", r.Summary)
	}
}
