package web

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"netmon/console"
	"netmon/console/view"
	"netmon/probes"
	"netmon/wire"
)

// Model is what is shown: a [console.Model]. It answers at once.
type Model interface {
	Snapshot(q view.Query) view.Snapshot
	Link() console.Link
	Troubles() []console.Trouble
	Subscribe() (changed <-chan struct{}, stop func())
	Ready() <-chan struct{} // closed when what is stored was read
}

// Archive is what is asked of the broker when somebody looks at what no model follows: a
// [console.Client].
type Archive interface {
	Graph(ctx context.Context, monitor, agent string, from, to time.Time, columns int) (console.Graph, error)
	Uptime(ctx context.Context, f console.UptimeFilter) ([]console.UptimeRow, time.Time, error)
	Losses(ctx context.Context, monitor string, agents []string, from, to time.Time, columns int) ([]console.AgentLoss, error)
	Last(ctx context.Context, monitor string, handle func(wire.Result)) error
	PastIncidents(ctx context.Context, from time.Time) (list []wire.Incident, short map[string]string, err error)
	ListSettings(ctx context.Context, sorts ...wire.Sort) ([]wire.Setting, error)
}

// Options of New.
type Options struct {
	// Follow begins to follow the mesh until ctx ends. It is called when somebody looks, and
	// again after nobody did for a while.
	Follow  func(ctx context.Context) Model
	Archive Archive
	// Write writes a monitor as it stands in a file.
	Write func(m wire.Saved) (string, error)
	// History are the revisions of a monitor, the newest first.
	History func(ctx context.Context, name string) ([]console.Revision, error)
	// Metrics answers /metrics and /sd where these pages are open; nil: nobody does.
	Metrics http.Handler
	// Kinds are those that a monitor may have: forms have a field for each of their options.
	Kinds probes.List
	// Open lets everybody read who reaches these pages; else only who signed in does.
	Open bool
	// Own is in whose name this process serves; who has Token, which the printed link holds,
	// acts in that name. Without a Token nobody does.
	Own   Actor
	Token string
	// Lend makes a key for somebody who signs in by netmon web login; nil where the mesh has
	// no identities.
	Lend    func() (Lent, error)
	Proxy   Proxy
	TLS     *tls.Config // to serve with; nil: in clear
	Secure  bool        // browsers reach these pages by https alone
	Hosts   []string    // that requests may be for, beside those of this computer; a port does not matter
	Broker  string      // its address, as it is shown
	Version string
	Log     *slog.Logger

	// Viewers is how many may watch at a time; 0 is [MaxViewers].
	Viewers int
	pace    time.Duration // least time between two frames of a feed; 0 is the usual
	within  time.Duration // for a request, its header and its body; 0 is headerWithin
}

// Bounds of a server.
const (
	MaxViewers     = 1000             // pages that are live at a time
	maxConnections = 2 * MaxViewers   // open at a time; more wait
	maxHeader      = 16 << 10         // bytes of a request's header
	headerWithin   = 5 * time.Second  // for a request's header
	idleWithin     = 60 * time.Second // for the next request of a connection
	writeWithin    = 10 * time.Second // for one answer, or one event of a live page
	endWithin      = 2 * time.Second  // for ending sessions, when these pages end
)

// Server answers with pages.
type Server struct {
	o        Options
	source   source
	feeds    feeds
	past     past
	sessions *sessions
	signing  signIns
	ctx      context.Context
	stop     context.CancelFunc
}

// New makes a server. Close ends what it began.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Viewers <= 0 {
		o.Viewers = MaxViewers
	}
	if o.pace <= 0 {
		o.pace = paceUsual
	}
	if o.within <= 0 {
		o.within = headerWithin
	}
	o.Broker, o.Version = console.Printable(o.Broker), console.Printable(o.Version)
	s := &Server{o: o}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.feeds.open, s.feeds.most = map[string]*feed{}, o.Viewers
	s.sessions = newSessions()
	s.signing.keys, s.signing.links = map[string]lentKey{}, map[[sha256.Size]byte]lentLink{}
	go s.sessions.look(s.ctx, func() {
		s.signing.mu.Lock()
		defer s.signing.mu.Unlock()
		s.signing.sweep()
	})
	s.past.kept, s.past.slots = map[string]*kept{}, make(chan struct{}, askedMost)
	return s
}

// Close ends every live page.
func (s *Server) Close() { s.stop() }

// Serve answers on l until ctx ends, and closes it.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	defer s.Close()
	srv := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: s.o.within,
		ReadTimeout:       s.o.within,
		IdleTimeout:       idleWithin,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug),
	}
	ended := make(chan struct{})
	over := context.AfterFunc(ctx, func() {
		defer close(ended)
		s.Close() // live pages never end by themselves
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if srv.Shutdown(bounded) != nil {
			_ = srv.Close()
		}
	})
	defer over()
	l = limited(l, maxConnections)
	serve := srv.Serve
	if s.o.TLS != nil {
		srv.TLSConfig = s.o.TLS
		serve = func(l net.Listener) error { return srv.ServeTLS(l, "", "") }
	}
	if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the pages: %w", err)
	}
	<-ended // what is under way is answered
	s.endSessions()
	return nil
}

// endSessions ends what people lent, as far as the broker answers in time.
func (s *Server) endSessions() {
	over := make(chan struct{})
	go func() {
		defer close(over)
		s.sessions.endAll()
		s.signing.endAll()
		s.sessions.closing.Wait()
	}()
	t := time.NewTimer(endWithin)
	defer t.Stop()
	select {
	case <-over:
	case <-t.C:
	}
}

// Handler answers the requests, each of which it checks first.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	page := func(path string, key func(r *http.Request) (string, bool)) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			k, ok := key(r)
			if !ok {
				s.notFound(w, r)
				return
			}
			s.page(w, r, k)
		})
	}
	fixed := func(k string) func(*http.Request) (string, bool) {
		return func(*http.Request) (string, bool) { return k, true }
	}
	page("/{$}", fixed("monitors"))
	page("/matrix", fixed("matrix"))
	page("/agents", fixed("agents"))
	mux.HandleFunc("GET /incidents", s.incidents)
	page("/monitors/{name}", named("monitor"))
	page("/incidents/{name}", named("incident"))
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("GET /session", s.account)
	mux.HandleFunc("POST /session/key", s.signingIn(s.lendKey))
	mux.HandleFunc("POST /session/credential", s.signingIn(s.acceptKey))
	mux.HandleFunc("GET /session/new", s.newSession)
	mux.HandleFunc("POST /session/new", s.newSession)
	mux.HandleFunc("POST /session/end", s.signOut)
	mux.HandleFunc("GET /done/{number}", s.done)
	for _, x := range s.actions() {
		mux.HandleFunc("GET "+x.path, s.act(x))
		mux.HandleFunc("POST "+x.path, s.act(x))
	}
	mux.HandleFunc("GET /plot/{name}", s.plot)
	mux.HandleFunc("GET /silences", s.silencesPage)
	mux.HandleFunc("GET /audit", s.audit)
	mux.HandleFunc("GET /match", s.match)
	mux.Handle("GET /static/", assets)
	if s.o.Metrics != nil {
		mux.Handle("GET /metrics", s.o.Metrics)
		mux.Handle("GET /sd", s.o.Metrics)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "nothing can be changed here", http.StatusMethodNotAllowed)
			return
		}
		s.notFound(w, r)
	})
	return s.guard(mux)
}

// named is the key of a page about one thing, by its name in the path.
func named(what string) func(*http.Request) (string, bool) {
	return func(r *http.Request) (string, bool) {
		name := r.PathValue("name")
		return what + " " + name, wire.CheckElement(name) == nil
	}
}
