package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// TestMetrics: pages that are open give them to this host's scrapers, who are checked as readers are;
// pages that people sign in to give them to nobody, and say what does.
func TestMetrics(t *testing.T) {
	theirs := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "metrics of ", r.URL.Path) })
	_, open := newWorld().serve(t, func(o *Options) { o.Metrics = theirs })
	_, bare := newWorld().serve(t)
	_, closed := newWorld().serve(t, func(o *Options) { o.Metrics, o.Open = theirs, false })
	_, proxied := newWorld().serve(t, func(o *Options) {
		o.Open, o.Proxy = false, Proxy{From: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, User: "X-User"}
	})
	for _, path := range []string{"/metrics", "/sd"} {
		if code, text, _ := get(t, open.URL+path); code != http.StatusOK || text != "metrics of "+path {
			t.Errorf("%s: %d %s", path, code, text)
		}
		if code, text, _ := get(t, open.URL+path, "Host", "evil.example"); code != http.StatusMisdirectedRequest || strings.Contains(text, "metrics of") {
			t.Errorf("%s for another host: %d %s", path, code, text)
		}
		if code, _, _ := get(t, open.URL+path, "X-Forwarded-For", "192.0.2.1"); code != http.StatusForbidden {
			t.Errorf("%s by a proxy: %d", path, code)
		}
		if code, _, _ := get(t, bare.URL+path); code != http.StatusNotFound {
			t.Errorf("%s where nobody answers: %d", path, code)
		}
		for name, h := range map[string]string{"signed in": closed.URL, "behind a proxy": proxied.URL} {
			code, text, header := get(t, h+path, "X-User", "ann")
			if code != http.StatusUnauthorized || !strings.Contains(text, "netmon export --listen HOST:PORT --token-file FILE") || header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s, %s: %d %s", path, name, code, text)
			}
		}
	}
	if code, text, _ := get(t, open.URL+"/probe?target=x"); code != http.StatusNotFound {
		t.Errorf("pages measure: %d %s", code, text)
	}
}
