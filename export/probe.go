package export

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"netmon/console"
	"netmon/probes"
	"netmon/wire"
)

// How long a measurement may take: as long as the scraper waits, without what the answer takes.
// Without its header the usual is the most, as blackbox_exporter has it.
const (
	probeMost    = 2 * time.Minute
	probeOffset  = 500 * time.Millisecond
	probeLeast   = 100 * time.Millisecond
	scrapeHeader = "X-Prometheus-Scrape-Timeout-Seconds"
	usualModule  = "http_2xx"
)

// question is what a request to /probe asks.
type question struct {
	target, module, hostname, agent string
	debug                           bool
	timeout                         time.Duration
}

// asked reads a request. The error holds every mistake.
func asked(r *http.Request) (question, error) {
	v := r.URL.Query()
	q := question{target: v.Get("target"), module: v.Get("module"), hostname: v.Get("hostname"), agent: v.Get("agent"), debug: v.Get("debug") == "true", timeout: probeMost - probeOffset}
	if q.module == "" {
		q.module = usualModule
	}
	var p wire.Problems
	p.Add("", fewEnough(v))
	for _, name := range []string{"target", "module", "hostname", "agent", "debug"} {
		if n := len(v[name]); n > 1 {
			p.Addf(name, "is given %d times: want one", n)
		}
	}
	if q.hostname != "" {
		if err := probes.CheckHost(q.hostname); err != nil {
			p.Addf("hostname", "want the name of a host, got %q: %w", wire.Clip(q.hostname, 100), err)
		}
	}
	if q.agent != "" {
		if err := wire.CheckToken(q.agent); err != nil {
			p.Add("agent", err)
		}
	}
	if text := r.Header.Get(scrapeHeader); text != "" {
		seconds, err := strconv.ParseFloat(text, 64)
		switch {
		case err != nil || math.IsNaN(seconds) || seconds <= 0:
			p.Addf(scrapeHeader, "want seconds, more than 0, got %q", wire.Clip(text, 100))
		default:
			q.timeout = max(time.Duration(min(seconds, probeMost.Seconds())*float64(time.Second))-probeOffset, probeLeast)
		}
	}
	return q, p.Err()
}

// answer is what came of a question.
type answer struct {
	result  *wire.Result
	row     row    // its numbers
	from    string // whose last result it is; "" of a measurement
	monitor wire.Monitor
}

// refusal is why there is no answer, and with which status that is said.
type refusal struct {
	status int
	err    error
}

func (r *refusal) Error() string { return r.err.Error() }

func refuse(status int, text string, args ...any) error {
	return &refusal{status, fmt.Errorf(text, args...)}
}

// probe answers /probe, by blackbox_exporter's contract: probe_success 0 is the target's fault;
// where nothing could be measured there is an error, and no number.
func (s *Server) probe(w http.ResponseWriter, r *http.Request) {
	if !s.o.Access.Probe {
		http.Error(w, "nothing is measured here: netmon export --allow-probe lets whoever reaches it measure from the agents (docs/security.md)", http.StatusForbidden)
		return
	}
	q, err := asked(r)
	if err != nil {
		http.Error(w, errorText(err), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), q.timeout+probeOffset)
	defer cancel()
	model := s.o.Mesh.known(ctx)
	a, err := s.answer(ctx, model, q)
	status := http.StatusOK
	if err != nil {
		status = http.StatusServiceUnavailable
		if x, ok := err.(*refusal); ok {
			status = x.status
		}
	}
	switch {
	case q.debug:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		s.debug(w, a, err)
	case err != nil:
		http.Error(w, errorText(err), status)
	default:
		s.writeProbe(w, r, a)
	}
}

// answer finds the last result of a saved monitor that is asked for, or measures.
func (s *Server) answer(ctx context.Context, model Model, q question) (answer, error) {
	if why := unreadable(model, console.PartMonitors, time.Now()); why != "" {
		return answer{}, refuse(http.StatusServiceUnavailable, "%s", why)
	}
	want, err := s.resolve(model.Monitors(), q)
	if err != nil {
		return answer{}, err
	}
	if want.saved != nil {
		return s.last(model, want.saved, q.agent)
	}
	a := answer{monitor: want.monitor}
	agents, err := able(model, want, q.agent)
	if err == nil {
		a.result, err = s.measure(ctx, agents, &a.monitor)
	}
	if err == nil {
		a.row = s.o.Mesh.series.rowOf(a.result, began(a.result, time.Now()))
	}
	return a, err
}
