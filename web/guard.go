package web

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

// policy is the Content-Security-Policy of every answer: what is ours and nothing else, no
// inline script, no inline style, no frame.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guard refuses what no page of ours asks for, and says in every answer what a browser may
// do with it.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Vary", "Accept-Encoding")
		switch {
		case !s.knowsHost(r.Host):
			// The name is of another site that resolves to us: DNS rebinding.
			http.Error(w, "these pages are not for the host "+quoteHost(r.Host)+": name it with --web-host to have it answered", http.StatusMisdirectedRequest)
			return
		case fromElsewhere(r):
			http.Error(w, "another site asked for this: open the page itself", http.StatusForbidden)
			return
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "these pages change nothing: want GET or HEAD", http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// knowsHost says whether a request is for one of our names. A port does not matter: what
// forwards to us may have another one.
func (s *Server) knowsHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	if name == "localhost" || slices.ContainsFunc(s.o.Hosts, func(h string) bool { return strings.EqualFold(h, name) }) {
		return true
	}
	ip := net.ParseIP(name)
	return ip != nil && ip.IsLoopback()
}

// fromElsewhere says that a page of another site made the browser ask. A link from there
// may be followed: that is a navigation of the reader.
func fromElsewhere(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return (site == "cross-site" || site == "same-site") && r.Header.Get("Sec-Fetch-Mode") != "navigate"
}

// quoteHost is a host as it can be shown.
func quoteHost(host string) string {
	if len(host) > 80 {
		host = host[:80] + "…"
	}
	return "\"" + strings.Map(func(r rune) rune {
		if r < ' ' || r == '"' || r > '~' {
			return '?'
		}
		return r
	}, host) + "\""
}
