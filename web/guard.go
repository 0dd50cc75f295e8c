package web

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"netmon/console"
	"netmon/internal/httpserve"
	"netmon/wire"
)

// policy is the Content-Security-Policy of every answer: what is ours and nothing else, no
// inline script, no inline style, no frame.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Proxy is what stands between browsers and these pages, and says who they are.
type Proxy struct {
	From []netip.Prefix // its addresses; from others nothing is answered. None: there is no proxy
	User string         // header in which it names who asks, such as X-Forwarded-User; "": it names nobody
	// Role of who it names. A viewer reads. An operator changes things in the name of the
	// identity that serves these pages: nobody else signs for them.
	Role wire.Role
}

// guard refuses what no page of ours asks for, finds out who asks, and says in every answer
// what a browser may do with it.
func (s *Server) guard(next http.Handler) http.Handler {
	same := http.NewCrossOriginProtection() // of what changes something
	next = same.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Vary", "Accept-Encoding, Cookie")
		if s.o.Secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		// Each answer is taken in time, and no body is larger than a form: what streams, or
		// takes longer, says so itself.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeWithin)) // where the connection has one
		if r.Method != http.MethodPost {
			r.Body = http.NoBody
		}
		r.Body = http.MaxBytesReader(w, r.Body, formMost)
		switch {
		case !httpserve.IsHere(r.Host, s.o.Hosts...):
			// The name is of another site that resolves to us: DNS rebinding.
			http.Error(w, "these pages are not for the host "+httpserve.Quote(r.Host)+": name it with --host to have it answered", http.StatusMisdirectedRequest)
			return
		case !s.fromProxy(r):
			http.Error(w, "these pages are reached through their proxy alone", http.StatusForbidden)
			return
		case s.o.Open && httpserve.WasForwarded(r):
			http.Error(w, "a proxy stands in front of these pages, which ask nobody who they are: name it with netmon web --proxy (docs/web.md)", http.StatusForbidden)
			return
		case httpserve.FromElsewhere(r):
			http.Error(w, "another site asked for this: open the page itself", http.StatusForbidden)
			return
		case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost:
			h.Set("Allow", "GET, HEAD, POST")
			http.Error(w, "want GET, HEAD or POST", http.StatusMethodNotAllowed)
			return
		}
		if !s.o.Open && forScrapers(r.URL.Path) {
			h.Set("WWW-Authenticate", `Bearer realm="netmon"`)
			http.Error(w, "people sign in to these pages, which a scraper does not: netmon export --listen HOST:PORT --token-file FILE serves it metrics", http.StatusUnauthorized)
			return
		}
		who := s.whoAsks(r)
		if who != nil {
			r = r.WithContext(context.WithValue(r.Context(), sessionKey{}, who))
		}
		if r.Method == http.MethodGet && r.URL.Path == "/" && r.URL.Query().Has("token") {
			s.byToken(w, r)
			return
		}
		if who == nil && !s.o.Open && !forStrangers(r.URL.Path) {
			s.signInFirst(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// forScrapers says what no page is: Prometheus asks for it.
func forScrapers(path string) bool { return path == "/metrics" || path == "/sd" }

// forStrangers says what everybody may ask for: it shows nothing of the mesh.
func forStrangers(path string) bool {
	return strings.HasPrefix(path, "/static/") || path == "/session" || strings.HasPrefix(path, "/session/")
}

// whoAsks is the session of a request; nil for none.
func (s *Server) whoAsks(r *http.Request) *session {
	if c, err := r.Cookie(s.cookieName(r)); err == nil {
		if x := s.sessions.ofCookie(c.Value); x != nil {
			return x
		}
	}
	p := s.o.Proxy
	if len(p.From) == 0 || p.User == "" {
		return nil
	}
	name := r.Header.Get(p.User)
	if name == "" || len(name) > 200 || len(r.Header.Values(p.User)) > 1 {
		return nil
	}
	who := s.o.Own
	who.Close, who.Gone = nil, nil // it is not the session's
	if p.Role != wire.RoleOperator || who.Ops == nil {
		who = Actor{Name: who.Name, Client: who.Client, Role: wire.RoleViewer}
	} else if who.Role == wire.RoleAdmin {
		who.Role = wire.RoleOperator
	}
	return s.sessions.ofProxy(s.ctx, console.Printable(name), who)
}

// fromProxy says that a request comes from the proxy, where there is one.
func (s *Server) fromProxy(r *http.Request) bool {
	if len(s.o.Proxy.From) == 0 {
		return true
	}
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	ip := at.Addr().Unmap().WithZone("")
	return slices.ContainsFunc(s.o.Proxy.From, func(p netip.Prefix) bool { return p.Contains(ip) })
}
