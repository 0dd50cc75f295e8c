package web

import (
	"net/http"
	"strings"
	"testing"
)

// TestGuard: pages of other sites get nothing, by no name and no way, and nothing can be
// changed.
func TestGuard(t *testing.T) {
	w := newWorld()
	_, h := w.serve(t, func(o *Options) { o.Hosts = []string{"mon.example.org"} })
	port := h.URL[strings.LastIndex(h.URL, ":"):]
	for name, tc := range map[string]struct {
		header []string
		want   int
	}{
		"by its address":               {nil, http.StatusOK},
		"localhost":                    {[]string{"Host", "localhost" + port}, http.StatusOK},
		"localhost forwarded":          {[]string{"Host", "LOCALHOST:9999"}, http.StatusOK},
		"IPv6":                         {[]string{"Host", "[::1]" + port}, http.StatusOK},
		"a name that it was told":      {[]string{"Host", "Mon.example.org."}, http.StatusOK},
		"rebinding":                    {[]string{"Host", "evil.example" + port}, http.StatusMisdirectedRequest},
		"rebinding, our name in front": {[]string{"Host", "localhost.evil.example"}, http.StatusMisdirectedRequest},
		"rebinding, numbers":           {[]string{"Host", "127.0.0.1.evil.example"}, http.StatusMisdirectedRequest},
		"another address":              {[]string{"Host", "192.0.2.1" + port}, http.StatusMisdirectedRequest},
		"another site's script":        {[]string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, http.StatusForbidden},
		"another port's script":        {[]string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors"}, http.StatusForbidden},
		"a link from elsewhere":        {[]string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, http.StatusOK},
	} {
		for _, path := range []string{"/", "/agents"} {
			code, text, header := get(t, h.URL+path, tc.header...)
			if code != tc.want {
				t.Errorf("%s: %s gives %d, want %d: %s", name, path, code, tc.want, text)
			}
			if header.Get("Content-Security-Policy") != policy || header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s: headers %v", name, header)
			}
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, "BREW"} {
		r, err := http.NewRequestWithContext(t.Context(), method, h.URL+"/monitors/web", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, resp.StatusCode)
		}
	}
}

// TestPolicy_AllowsNothingInline: the policy that every answer has.
func TestPolicy_AllowsNothingInline(t *testing.T) {
	if strings.Contains(policy, "unsafe") || !strings.HasPrefix(policy, "default-src 'none'") {
		t.Error(policy)
	}
}
