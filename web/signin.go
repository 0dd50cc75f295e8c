package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"netmon/console"
)

// Lent is a key that somebody may lend their name to, for some hours: made here, its seed
// never leaves this process.
type Lent interface {
	Key() string // public
	// Accept takes the mesh's word that the key counts, a [netmon/wire.Credential], and
	// connects by it. until is when it ends.
	Accept(ctx context.Context, credential []byte) (who Actor, until time.Time, err error)
}

// Bounds of signing in.
const (
	mostSignIns   = 500             // under way at a time
	ticketWithin  = 2 * time.Minute // from the key to the mesh's word on it
	codeWithin    = 5 * time.Minute // from there to the browser
	credentialMax = 16 << 10        // bytes
)

// signIns are those under way: keys that were given out, and links that nobody used yet.
type signIns struct {
	mu    sync.Mutex // guards what follows
	keys  map[string]lentKey
	links map[[sha256.Size]byte]lentLink
}

type lentKey struct {
	lent Lent
	at   time.Time
}

type lentLink struct {
	who       Actor
	at, until time.Time
}

// sweep forgets what took too long. mu is held.
func (p *signIns) sweep() {
	for k, x := range p.keys {
		if time.Since(x.at) > ticketWithin {
			delete(p.keys, k)
		}
	}
	for k, x := range p.links {
		if time.Since(x.at) > codeWithin {
			delete(p.links, k)
			if x.who.Close != nil {
				go x.who.Close()
			}
		}
	}
}

// dropOldest forgets the key that was asked for first. mu is held.
func (p *signIns) dropOldest() {
	oldest := ""
	for k, x := range p.keys {
		if oldest == "" || x.at.Before(p.keys[oldest].at) {
			oldest = k
		}
	}
	delete(p.keys, oldest)
}

// endAll ends what nobody used, and waits.
func (p *signIns) endAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k, x := range p.links {
		delete(p.links, k)
		if x.who.Close != nil {
			x.who.Close()
		}
	}
}

var errSignIns = errors.New("too many people are signing in: try again in a minute")

// lendKey gives a key to whoever asks, to be signed by their netmon.
func (s *Server) lendKey(w http.ResponseWriter, r *http.Request) {
	if s.o.Lend == nil {
		answerJSON(w, http.StatusNotFound, map[string]string{"error": "this mesh has no identities: nobody has a name to lend. Open the link that netmon web printed"})
		return
	}
	lent, err := s.o.Lend()
	if err != nil {
		answerJSON(w, http.StatusInternalServerError, map[string]string{"error": console.Printable(err.Error())})
		return
	}
	p := &s.signing
	p.mu.Lock()
	p.sweep()
	if len(p.keys) >= mostSignIns { // who asked last comes through
		p.dropOldest()
	}
	ticket := rand.Text()
	p.keys[ticket] = lentKey{lent, time.Now()}
	p.mu.Unlock()
	answerJSON(w, http.StatusOK, Offered{ticket, lent.Key()})
}

// Offered is the answer to POST /session/key: the key that the mesh is to let act.
type Offered struct {
	Ticket string `json:"ticket"` // to be given back with the credential
	Key    string `json:"key"`    // a public NKey, U...
}

// Granted is what POST /session/credential takes.
type Granted struct {
	Ticket     string          `json:"ticket"`
	Credential json.RawMessage `json:"credential"` // the mesh's word on the key
}

// Link is the answer to it.
type Link struct {
	Path string `json:"path"` // of a link that signs in one browser, once
}

// acceptKey takes the mesh's word on a key, and answers with a link for one browser.
func (s *Server) acceptKey(w http.ResponseWriter, r *http.Request) {
	var g Granted
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, credentialMax))
	if err := d.Decode(&g); err != nil {
		answerJSON(w, http.StatusBadRequest, map[string]string{"error": "the body cannot be read: " + console.Printable(err.Error())})
		return
	}
	p := &s.signing
	p.mu.Lock()
	p.sweep()
	x, ok := p.keys[g.Ticket]
	delete(p.keys, g.Ticket)
	p.mu.Unlock()
	if !ok {
		answerJSON(w, http.StatusNotFound, map[string]string{"error": "the ticket is not known, or was used: sign in again"})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), writeWithin)
	defer cancel()
	who, until, err := x.lent.Accept(ctx, g.Credential)
	if err != nil {
		answerJSON(w, http.StatusForbidden, map[string]string{"error": console.Printable(err.Error())})
		return
	}
	code := rand.Text()
	p.mu.Lock()
	if len(p.links) >= mostSignIns {
		err = errSignIns
	} else {
		p.links[sha256.Sum256([]byte(code))] = lentLink{who, time.Now(), until}
	}
	p.mu.Unlock()
	if err != nil {
		if who.Close != nil {
			who.Close()
		}
		answerJSON(w, http.StatusServiceUnavailable, map[string]string{"error": err.Error()})
		return
	}
	answerJSON(w, http.StatusOK, Link{"/session/new?code=" + code})
}

func answerJSON(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // who does not read it is gone
}

// sessionView is what the page of a session is given.
type sessionView struct {
	CSRF            string
	Name, Role, How string
	Until           string
	Code, As        string // of a link that is not used yet
	Token           bool   // a printed link signs in
	Lends           bool   // so does netmon web login
	Open            bool
	Where           string // address for netmon web login
	Proxied         bool
	ByProxy         bool // says who one is
}

func (s *Server) sessionView(r *http.Request) sessionView {
	v := sessionView{Token: s.o.Token != "", Lends: s.o.Lend != nil, Open: s.o.Open, Where: s.origin(r), Proxied: s.o.Proxy.User != ""}
	if x := sessionOf(r); x != nil {
		v.CSRF, v.Name, v.Role, v.How, v.Until = x.csrf, console.AuthorText(x.name), string(x.who.Role), x.how, stamp(s.sessions.until(x))
		v.ByProxy = x.how == byProxy
	}
	return v
}

// origin is where browsers find these pages.
func (s *Server) origin(r *http.Request) string {
	scheme := "http"
	if s.o.Secure {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

// account is the page that says who one is here.
func (s *Server) account(w http.ResponseWriter, r *http.Request) {
	s.inner(w, r, http.StatusOK, "session", "Account", "session", s.sessionView(r))
}

// byToken signs in who opens the printed link. It is good for as long as this process runs:
// it stands in a terminal, and a person opens it there again.
func (s *Server) byToken(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("token")
	switch {
	case s.o.Token == "" || subtle.ConstantTimeCompare([]byte(token), []byte(s.o.Token)) != 1:
		s.say(w, r, http.StatusForbidden, "session", "This link is not, or no longer, good", "netmon prints a new link each time it starts: open that one.")
	default:
		own := s.o.Own
		own.Close = nil // it outlives the session
		s.signIn(w, r, own, "the link that netmon printed", tokenLasts)
	}
}

// signIn begins a session, and shows its first page.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request, who Actor, how string, lasts time.Duration) {
	if old := sessionOf(r); old != nil {
		s.sessions.signOut(old)
	}
	_, cookie, err := s.sessions.open(s.ctx, who, how, lasts)
	if err != nil {
		if who.Close != nil {
			who.Close()
		}
		s.say(w, r, http.StatusServiceUnavailable, "session", "You are not signed in", err.Error())
		return
	}
	http.SetCookie(w, &http.Cookie{Name: s.cookieName(r), Value: cookie, Path: "/", MaxAge: int(lasts.Seconds()), Secure: s.o.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}) // #nosec G124 -- on the host itself there is no TLS
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// cookieName has the port, since cookies of one host are those of all its ports.
func (s *Server) cookieName(r *http.Request) string {
	_, port, _ := net.SplitHostPort(r.Host)
	if s.o.Secure {
		return "__Host-netmon" + port
	}
	return "netmon" + port
}

// newSession shows whom a link signs in as; the button there does it, so that who only
// looks at a link, such as a chat program, does not use it up.
func (s *Server) newSession(w http.ResponseWriter, r *http.Request) {
	code := r.FormValue("code")
	p := &s.signing
	p.mu.Lock()
	p.sweep()
	key := sha256.Sum256([]byte(code))
	x, ok := p.links[key]
	if ok && r.Method == http.MethodPost {
		delete(p.links, key)
	}
	p.mu.Unlock()
	if !ok {
		s.say(w, r, http.StatusForbidden, "session", "This link is not good any more", fmt.Sprintf("It signs in one browser, once, within %d minutes. Make another one: netmon web login %s", int(codeWithin.Minutes()), s.origin(r)))
		return
	}
	if r.Method != http.MethodPost {
		v := s.sessionView(r)
		v.Code, v.As, v.Role, v.Until = code, console.AuthorText(x.who.Name), string(x.who.Role), stamp(x.until)
		s.inner(w, r, http.StatusOK, "session", "Sign in", "session-new", v)
		return
	}
	s.signIn(w, r, x.who, "netmon web login", time.Until(x.until))
}

// signOut ends a session.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	who := sessionOf(r)
	if who == nil {
		http.Redirect(w, r, "/session", http.StatusSeeOther)
		return
	}
	if !s.readForm(w, r, who) {
		return
	}
	s.sessions.signOut(who)
	http.SetCookie(w, &http.Cookie{Name: s.cookieName(r), Path: "/", MaxAge: -1, Secure: s.o.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}) // #nosec G124 -- on the host itself there is no TLS
	http.Redirect(w, r, "/session", http.StatusSeeOther)
}

// signInFirst says that one has to sign in, and how.
func (s *Server) signInFirst(w http.ResponseWriter, r *http.Request) {
	s.inner(w, r, http.StatusUnauthorized, "session", "Sign in first", "session", s.sessionView(r))
}

// from is who asks, as far as the proxy says it.
func (s *Server) from(r *http.Request) netip.Addr {
	at, _ := netip.ParseAddrPort(r.RemoteAddr)
	from := at.Addr()
	if len(s.o.Proxy.From) > 0 {
		list := strings.Split(r.Header.Get("X-Forwarded-For"), ",")
		if ip, err := netip.ParseAddr(strings.TrimSpace(list[len(list)-1])); err == nil {
			from = ip
		}
	}
	return from.Unmap().WithZone("")
}

// signingIn bounds the attempts of an address.
func (s *Server) signingIn(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.sessions.maySignIn(s.from(r)) {
			s.tooMany(w)
			return
		}
		next(w, r)
	}
}

func (s *Server) tooMany(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "5")
	http.Error(w, "too many attempts to sign in: try again in a few seconds", http.StatusTooManyRequests)
}
