package export

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"reflect"
	"sync"
	"time"

	"netmon/internal/httpserve"
	"netmon/probes"
	"netmon/wire"
)

// Agent is an agent of this process.
type Agent interface {
	Now() (now wire.Alive, linked, ok bool)
	Running() []wire.Monitor
}

// Own serves what one agent measures, and how it is, whether or not there is a broker.
type Own struct {
	version string
	series  *Series
	answers *answers
	access  Access
	agent   Agent

	mu      sync.Mutex     // guards running
	running []wire.Monitor // as the series has them
}

// NewOwn knows nothing yet.
func NewOwn(kinds probes.List, version string) *Own {
	o := &Own{version: version, series: NewSeries(kinds, time.Now()), answers: newAnswers()}
	o.series.most = mostUnsaved // which monitors there are is known at the first scrape
	return o
}

// Measured takes a result of the agent. It may be called from any goroutine.
func (o *Own) Measured(r *wire.Result) { o.series.Result(r, began(r, time.Now())) }

// Serve answers scrapers on l until ctx ends, and closes it.
func (o *Own) Serve(ctx context.Context, l net.Listener, a Agent, access Access, log *slog.Logger) error {
	o.agent, o.access = a, access
	if err := httpserve.Serve(ctx, l, o.handler(), httpserve.Usual(), log); err != nil {
		return fmt.Errorf("serve metrics: %w", err)
	}
	return nil
}

func (o *Own) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/metrics", o.answers.bound(o.metrics))
	mux.HandleFunc("/-/healthy", func(w http.ResponseWriter, _ *http.Request) { say(w, "netmon is healthy\n") })
	mux.HandleFunc("/-/ready", o.answers.bound(func(w http.ResponseWriter, r *http.Request) {
		why := ""
		if _, _, ok := o.agent.Now(); !ok {
			why = "the agent has not begun yet"
		}
		o.access.sayReady(w, r, why)
	}))
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		say(w, "netmon: an agent\n\n/metrics  what this agent measures, and its own health, for Prometheus (with honor_labels: true)\n")
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "an agent has /metrics alone: netmon export has /sd and /probe", http.StatusNotFound)
	})
	return o.access.guard(mux)
}

func (o *Own) metrics(w http.ResponseWriter, r *http.Request) {
	now, linked, ok := o.agent.Now()
	if ok {
		o.place(o.agent.Running())
		o.series.Agents([]Present{{ID: now.Agent, Labels: now.Labels, Online: true}})
	}
	o.answers.respond(w, r, func(out *Writer) {
		writeBuild(out, o.version)
		if !ok {
			return
		}
		writeConnected(out, linked)
		writeAlive(out, []*wire.Alive{&now})
		o.series.Write(out, time.Now())
	})
}

// place tells the series which monitors run, where they are others than before: their labels are
// made once.
func (o *Own) place(running []wire.Monitor) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.running != nil && reflect.DeepEqual(running, o.running) {
		return
	}
	o.running = running
	saved := make([]wire.Saved, len(running))
	for i := range running {
		saved[i].Monitor = running[i]
	}
	o.series.Monitors(saved)
}
