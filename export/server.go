package export

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"netmon/console"
	"netmon/console/view"
	"netmon/internal/httpserve"
	"netmon/probes"
	"netmon/wire"
)

// Model is what is known of the mesh: a [console.Model] that follows [Parts].
type Model interface {
	Snapshot(q view.Query) view.Snapshot
	Monitors() []wire.Saved
	Agents() []console.Agent
	Troubles() []console.Trouble
	Link() console.Link
	Ready() <-chan struct{} // closed when what is stored was read
}

// Parts are what a model of ours follows.
const Parts = console.PartStates | console.PartResults | console.PartIncidents

// Options of NewServer.
type Options struct {
	Mesh   *Mesh
	Access Access
	// Measure lets one agent measure: [console.Client.ProbeOn]. nil: nothing is measured here.
	Measure func(ctx context.Context, agent string, m wire.Monitor) console.Asked
	// RoundTrip asks the broker and says how long that took: [console.Client.RoundTrip]; nil: it is not said.
	RoundTrip func(ctx context.Context) (time.Duration, error)
	More      func(*Writer) // writes families of another package behind those of the mesh; nil: there are none
	Log       *slog.Logger
}

// Bounds of a server.
const (
	probesMost  = 100             // measurements under way at a time; more wait
	readyWithin = 5 * time.Second // a scrape waits so long for what is stored, after a start
	tripWithin  = time.Second     // for the broker, which is asked how long it takes
)

// Server answers scrapers.
type Server struct {
	o       Options
	kinds   probes.List
	answers *answers
	probes  chan struct{}
}

// NewServer makes one.
func NewServer(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Access.Probe {
		o.Mesh.words = true
	}
	return &Server{o: o, kinds: o.Mesh.kinds, answers: newAnswers(), probes: make(chan struct{}, probesMost)}
}

// Pages answers /metrics and /sd beside pages, which check their requests themselves.
func (s *Server) Pages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/metrics", s.answers.bound(s.metrics))
	mux.HandleFunc("/sd", s.answers.bound(s.discover))
	return mux
}

// Handler answers the requests, each of which it checks first.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/metrics", s.answers.bound(s.metrics))
	mux.HandleFunc("/sd", s.answers.bound(s.discover))
	mux.HandleFunc("/probe", s.probe)
	mux.HandleFunc("/-/healthy", func(w http.ResponseWriter, _ *http.Request) { say(w, "netmon is healthy\n") })
	mux.HandleFunc("/-/ready", s.answers.bound(func(w http.ResponseWriter, r *http.Request) {
		s.o.Access.sayReady(w, r, s.unready(r.Context()))
	}))
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { say(w, s.about()) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "there is nothing here: want one of /metrics, /sd, /probe", http.StatusNotFound)
	})
	return s.o.Access.guard(mux)
}

// unready says what of the mesh cannot be read, "" for nothing.
func (s *Server) unready(ctx context.Context) string {
	model := s.o.Mesh.known(ctx)
	for _, p := range parts[:len(parts)-1] { // a mesh may keep no incidents
		if why := unreadable(model, p.part, time.Now()); why != "" {
			return p.name + ": " + why
		}
	}
	return ""
}

// about says what is here.
func (s *Server) about() string {
	text := "netmon " + console.Printable(s.o.Mesh.version) + "\n\n" +
		"/metrics  what the mesh measures, and its own health, for Prometheus (with honor_labels: true)\n" +
		"/sd       the saved monitors, for http_sd_configs: ?kind=KIND, ?tag=NAME or ?tag=NAME=VALUE\n"
	if s.o.Access.Probe {
		text += "/probe    ?target=TARGET&module=MODULE, as blackbox_exporter has it: a module is one of its own\n          names, a kind of probe, or a saved monitor; &agent=AGENT, &hostname=NAME, &debug=true\n"
	}
	return text
}

// Serve answers on l until ctx ends, and closes it.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	b := httpserve.Usual()
	b.Write = probeMost + writeWithin // /metrics and the rest bound themselves
	if err := httpserve.Serve(ctx, l, s.Handler(), b, s.o.Log); err != nil {
		return fmt.Errorf("serve metrics: %w", err)
	}
	return nil
}

// say answers with a text.
func say(w http.ResponseWriter, text string) {
	_, _ = io.WriteString(w, text) // who does not read it is gone
}
