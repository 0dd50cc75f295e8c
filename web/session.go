package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"netmon/console"
	"netmon/wire"
)

// Actor changes the mesh in somebody's name. What it does is signed by a key that the mesh
// knows for that name, where the mesh has identities: the broker and the agents check the
// role, whatever these pages think of it.
type Actor struct {
	Name   string    // as the mesh knows who acts
	Role   wire.Role // what they may do; on a mesh without identities wire.RoleAdmin
	Client *console.Client
	Ops    *console.Ops
	// Gone says why it can do nothing any more, such as a revoked identity; nil while it can.
	// A nil Gone is one that lasts.
	Gone func() error
	// Close ends it, when the session is over; nil where there is nothing to end.
	Close func()
}

// Bounds of sessions.
const (
	mostLive     = 40                  // live pages of one session
	mostSessions = 200                 // at a time
	tokenLasts   = 30 * 24 * time.Hour // a session by the printed link
	changesEach  = time.Second / 4
	changesBurst = 30 // changes of one session at once
	signInEach   = time.Second
	signInBurst  = 30   // attempts to sign in, of one address
	signInFrom   = 1000 // addresses that are known; more begin again
)

// byProxy is how somebody signed in whom the proxy names.
const byProxy = "the proxy"

var errSessions = errors.New("as many people are signed in as may be: try again later")

// session is one browser that may change things, or one person whom a proxy names.
type session struct {
	key   [sha256.Size]byte // of the cookie, which is kept nowhere
	csrf  string            // that each form of it holds
	who   Actor
	name  string // of who signed in; that of who acts, unless a proxy says another one
	until time.Time
	how   string // it signed in, for people
	pace  *rate.Limiter
	ctx   context.Context // until it ends
	end   context.CancelFunc

	mu   sync.Mutex // guards what follows
	done []outcome  // what came of its newest changes
	last int        // number of the newest
	live int        // pages that are
}

// sessions are those who signed in.
type sessions struct {
	mu      sync.Mutex // guards what follows
	of      map[[sha256.Size]byte]*session
	byProxy map[string]*session
	signIns map[netip.Prefix]*rate.Limiter // by who asks

	closing sync.WaitGroup // of what ended
}

func newSessions() *sessions {
	return &sessions{of: map[[sha256.Size]byte]*session{}, byProxy: map[string]*session{}, signIns: map[netip.Prefix]*rate.Limiter{}}
}

// maySignIn bounds the attempts of an address: of a network of IPv6, which one host has.
func (all *sessions) maySignIn(from netip.Addr) bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	bits := 32
	if from.Is6() {
		bits = 64
	}
	p, _ := from.Prefix(bits)
	if all.signIns[p] == nil {
		if len(all.signIns) >= signInFrom {
			clear(all.signIns)
		}
		all.signIns[p] = rate.NewLimiter(rate.Every(signInEach), signInBurst)
	}
	return all.signIns[p].Allow()
}

// open begins a session, and returns the cookie's value.
func (all *sessions) open(ctx context.Context, who Actor, how string, lasts time.Duration) (*session, string, error) {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.sweep()
	if len(all.of) >= mostSessions {
		return nil, "", errSessions
	}
	cookie := rand.Text()
	x := newSession(ctx, who, how)
	x.key, x.until = sha256.Sum256([]byte(cookie)), time.Now().Add(lasts)
	all.of[x.key] = x
	return x, cookie, nil
}

func newSession(ctx context.Context, who Actor, how string) *session {
	x := &session{csrf: rand.Text(), who: who, name: who.Name, how: how, pace: rate.NewLimiter(rate.Every(changesEach), changesBurst)}
	x.ctx, x.end = context.WithCancel(ctx)
	return x
}

// ofCookie is the session of a request's cookie; nil where there is none that counts.
func (all *sessions) ofCookie(value string) *session {
	if value == "" {
		return nil
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	x := all.of[sha256.Sum256([]byte(value))]
	if x == nil || all.over(x) {
		return nil
	}
	return x
}

// ofProxy is the session of somebody whom a proxy names. It holds nothing but the token of
// forms, so that the oldest goes where there are too many.
func (all *sessions) ofProxy(ctx context.Context, name string, who Actor) *session {
	all.mu.Lock()
	defer all.mu.Unlock()
	if x := all.byProxy[name]; x != nil {
		if !all.over(x) {
			x.until = time.Now().Add(time.Hour)
			return x
		}
	}
	all.sweep()
	if len(all.byProxy) >= mostSessions { // whom it named last stays
		var oldest *session
		for _, x := range all.byProxy {
			if oldest == nil || x.until.Before(oldest.until) {
				oldest = x
			}
		}
		all.drop(oldest)
	}
	x := newSession(ctx, who, byProxy)
	x.name, x.until = name, time.Now().Add(time.Hour)
	all.byProxy[name] = x
	return x
}

// over ends a session that no longer counts, and says so. mu is held.
func (all *sessions) over(x *session) bool {
	if time.Now().Before(x.until) && x.ctx.Err() == nil && (x.who.Gone == nil || x.who.Gone() == nil) {
		return false
	}
	all.drop(x)
	return true
}

// drop ends a session. mu is held.
func (all *sessions) drop(x *session) {
	if all.of[x.key] == x {
		delete(all.of, x.key)
	}
	if all.byProxy[x.name] == x {
		delete(all.byProxy, x.name)
	}
	x.end()
	if x.who.Close != nil {
		all.closing.Go(x.who.Close) // it may ask the broker
	}
}

// sweep ends what no longer counts. mu is held.
func (all *sessions) sweep() {
	for _, x := range all.of {
		all.over(x)
	}
	for _, x := range all.byProxy {
		all.over(x)
	}
}

// look ends sessions that are over, from time to time: live pages of theirs end with them.
func (all *sessions) look(ctx context.Context, also func()) {
	tick := time.NewTicker(lookEach)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			all.mu.Lock()
			all.sweep()
			all.mu.Unlock()
			also()
		}
	}
}

// until is when a session ends.
func (all *sessions) until(x *session) time.Time {
	all.mu.Lock()
	defer all.mu.Unlock()
	return x.until
}

func (all *sessions) signOut(x *session) {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.drop(x)
}

func (all *sessions) endAll() {
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, x := range all.of {
		all.drop(x)
	}
	for _, x := range all.byProxy {
		all.drop(x)
	}
}

// may says whether a session's role includes what a role may do.
func (x *session) may(least wire.Role) bool {
	switch least {
	case wire.RoleViewer:
		return true
	case wire.RoleOperator:
		return x.who.Role == wire.RoleOperator || x.who.Role == wire.RoleAdmin
	}
	return x.who.Role == wire.RoleAdmin
}

// watches counts a live page of the session, and says whether it may be one more.
func (x *session) watches(more int) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.live+more > mostLive {
		return false
	}
	x.live += more
	return true
}

// owns says whether a form's token is that of the session.
func (x *session) owns(token string) bool {
	return subtle.ConstantTimeCompare([]byte(token), []byte(x.csrf)) == 1
}

type sessionKey struct{}

// sessionOf is the session of a request that guard let pass; nil where nobody signed in.
func sessionOf(r *http.Request) *session {
	x, _ := r.Context().Value(sessionKey{}).(*session)
	return x
}
