package export

import (
	"net/http"
	"strings"
	"testing"
)

// TestGuard_ThisHost: without a token the names of this host are answered, and no page of
// somebody else gets anything.
func TestGuard_ThisHost(t *testing.T) {
	s := newWorld().serve(t, here)
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	for name, tc := range map[string]struct {
		header []string
		want   int
	}{
		"by its address":               {nil, http.StatusOK},
		"localhost":                    {[]string{"Host", "localhost" + port}, http.StatusOK},
		"IPv6":                         {[]string{"Host", "[::1]" + port}, http.StatusOK},
		"rebinding":                    {[]string{"Host", "evil.example" + port}, http.StatusMisdirectedRequest},
		"rebinding, numbers":           {[]string{"Host", "127.0.0.1.evil.example"}, http.StatusMisdirectedRequest},
		"another address":              {[]string{"Host", "192.0.2.1" + port}, http.StatusMisdirectedRequest},
		"a proxy's":                    {[]string{"X-Forwarded-For", "192.0.2.1"}, http.StatusForbidden},
		"another site's image":         {[]string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, http.StatusForbidden},
		"another port's script":        {[]string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors"}, http.StatusForbidden},
		"a link of another site":       {[]string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, http.StatusForbidden},
		"a token that nobody asked":    {[]string{"Authorization", "Bearer x"}, http.StatusOK},
		"a browser, the address typed": {[]string{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"}, http.StatusOK},
	} {
		for _, path := range []string{"/metrics", "/sd", "/probe?target=https://shop.example&module=https", "/", "/-/ready"} {
			code, text, header := s.get(path, tc.header...)
			if code != tc.want {
				t.Errorf("%s: %s gives %d, want %d: %s", name, path, code, tc.want, text)
			}
			if header.Get("Content-Security-Policy") != contentPolicy || header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Access-Control-Allow-Origin") != "" || header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %s has headers %v", name, path, header)
			}
		}
	}
}

// TestGuard_Token: whoever shows no token, or another one, learns nothing but that it runs.
func TestGuard_Token(t *testing.T) {
	const token = "0123456789abcdef0123"
	s := newWorld().serve(t, Access{Token: token, Probe: true})
	for name, tc := range map[string]struct {
		header []string
		want   int
	}{
		"none":              {nil, http.StatusUnauthorized},
		"it":                {[]string{"Authorization", "Bearer " + token, "Host", "mon.example.org"}, http.StatusOK},
		"small letters":     {[]string{"Authorization", "bearer " + token}, http.StatusOK},
		"its beginning":     {[]string{"Authorization", "Bearer " + token[:19]}, http.StatusUnauthorized},
		"more":              {[]string{"Authorization", "Bearer " + token + "x"}, http.StatusUnauthorized},
		"empty":             {[]string{"Authorization", "Bearer "}, http.StatusUnauthorized},
		"basic":             {[]string{"Authorization", "Basic " + token}, http.StatusUnauthorized},
		"two":               {[]string{"Authorization", "Bearer x", "Authorization", "Bearer " + token}, http.StatusUnauthorized},
		"the scheme alone":  {[]string{"Authorization", token}, http.StatusUnauthorized},
		"another one":       {[]string{"Authorization", "Bearer " + strings.Repeat("x", 8000)}, http.StatusUnauthorized},
		"a site that knows": {[]string{"Authorization", "Bearer " + token, "Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
	} {
		for _, path := range []string{"/metrics", "/sd", "/probe?target=https://shop.example&module=https", "/", "/nothing"} {
			code, text, header := s.get(path, tc.header...)
			if path == "/nothing" && tc.want == http.StatusOK {
				if code != http.StatusNotFound {
					t.Errorf("%s: %d", path, code)
				}
				continue
			}
			if code != tc.want || code == http.StatusUnauthorized && (header.Get("WWW-Authenticate") == "" || strings.Contains(text, "shop")) {
				t.Errorf("%s: %s gives %d, want %d: %s", name, path, code, tc.want, text)
			}
		}
	}
	s.want(http.StatusOK, "/-/healthy", "healthy")
	s.want(http.StatusOK, "/-/ready", "ready")
}

// TestGuard_Methods: nothing is changed, and HEAD has no body.
func TestGuard_Methods(t *testing.T) {
	s := newWorld().serve(t, here)
	for method, want := range map[string]int{http.MethodPost: 405, http.MethodPut: 405, http.MethodDelete: 405, http.MethodOptions: 405, "BREW": 405, http.MethodHead: 200} {
		for _, path := range []string{"/metrics", "/sd", "/probe?target=https://shop.example&module=https"} {
			r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader("target=x"))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want || want == 405 && resp.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, want %d", method, path, resp.StatusCode, want)
			}
		}
	}
}

// TestGuard_ProbeElsewhere: what measures is off where others reach it, unless it is allowed.
func TestGuard_ProbeElsewhere(t *testing.T) {
	w := newWorld()
	s := w.serve(t, Access{Token: "0123456789abcdef"})
	code, text, _ := s.get("/probe?target=https://shop.example&module=https", "Authorization", "Bearer 0123456789abcdef")
	if code != http.StatusForbidden || !strings.Contains(text, "--allow-probe") {
		t.Errorf("%d %s", code, text)
	}
	if _, text, _ := s.get("/", "Authorization", "Bearer 0123456789abcdef"); strings.Contains(text, "/probe") {
		t.Errorf("it says that there is /probe: %s", text)
	}
}
