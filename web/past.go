package web

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"netmon/console"
	"netmon/wire"
)

// spans are those that a plot may be over, by the word in the address.
var spans = []span{{"1h", time.Hour}, {"24h", 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}, {"30d", 30 * 24 * time.Hour}, {"1y", 365 * 24 * time.Hour}}

type span struct {
	Word string
	long time.Duration
}

const (
	usualSpan   = 1                // of spans
	plotColumns = 180              // of a plot at most
	pastWithin  = 10 * time.Second // for one question
	keptMost    = 500              // answers that are kept
	askedMost   = 3                // questions at a time: history serves others, too
	outagesOver = 30 * 24 * time.Hour
)

// past keeps what history answered, for all who ask the same within a moment.
type past struct {
	slots chan struct{} // of questions that are asked at a time
	mu    sync.Mutex    // guards what follows
	kept  map[string]*kept
}

// kept is one answer, or one that is being waited for.
type kept struct {
	ready chan struct{} // closed when the rest is there
	at    time.Time
	value any
	err   error
}

// ask returns the answer to a question, of which one is as good as the next for so long. It
// is asked once at a time, for all who wait.
func (p *past) ask(ctx context.Context, key string, hold time.Duration, question func(ctx context.Context) (any, error)) (any, error) {
	p.mu.Lock()
	k := p.kept[key]
	if k == nil || k.over(hold) {
		k = &kept{ready: make(chan struct{})}
		if len(p.kept) >= keptMost {
			for old := range p.kept { // any: who waits still gets theirs
				delete(p.kept, old)
				break
			}
		}
		p.kept[key] = k
		go func() {
			p.slots <- struct{}{}
			bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), pastWithin)
			defer cancel()
			k.value, k.err = question(bounded)
			<-p.slots
			k.at = time.Now()
			close(k.ready)
		}()
	}
	p.mu.Unlock()
	select {
	case <-k.ready:
		return k.value, k.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// forget has a question asked again: its answer is another one now.
func (p *past) forget(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.kept, key)
}

// over says that an answer is there and too old; of an error, sooner.
func (k *kept) over(hold time.Duration) bool {
	select {
	case <-k.ready:
		if k.err != nil {
			hold = 5 * time.Second
		}
		return time.Since(k.at) > hold
	default:
		return false
	}
}

// plotOf is what a plot is of.
type plotOf struct {
	Name, Agent, Span string
	long              time.Duration
}

// plotAsked reads it from a request; what is not there is the usual.
func plotAsked(r *http.Request, name string) plotOf {
	p := plotOf{Name: name, Agent: r.FormValue("agent"), Span: spans[usualSpan].Word, long: spans[usualSpan].long}
	if wire.CheckElement(p.Agent) != nil {
		p.Agent = "" // all
	}
	for _, s := range spans {
		if s.Word == r.FormValue("span") {
			p.Span, p.long = s.Word, s.long
		}
	}
	return p
}

// hold is for how long one answer about it is as good as the next.
func (p plotOf) hold() time.Duration {
	return min(max(p.long/plotColumns/2, 20*time.Second), 10*time.Minute)
}

// graph is what history says of it.
func (s *Server) graph(ctx context.Context, p plotOf) (console.Graph, error) {
	v, err := s.past.ask(ctx, "graph "+p.Name+" "+p.Agent+" "+p.Span, p.hold(), func(ctx context.Context) (any, error) {
		to := time.Now()
		return s.o.Archive.Graph(ctx, p.Name, p.Agent, to.Add(-p.long), to, plotColumns)
	})
	if err != nil {
		return console.Graph{}, err
	}
	return v.(console.Graph), nil
}

// uptime is how a monitor was in the last 30 days; nil where nothing is known.
func (s *Server) uptime(ctx context.Context, name string) (*console.UptimeRow, error) {
	v, err := s.past.ask(ctx, "uptime "+name, time.Minute, func(ctx context.Context) (any, error) {
		to := time.Now()
		rows, _, err := s.o.Archive.Uptime(ctx, console.UptimeFilter{Monitors: []string{name}, From: to.Add(-outagesOver), To: to})
		return rows, err
	})
	if err != nil {
		return nil, err
	}
	rows := v.([]console.UptimeRow)
	if i := slices.IndexFunc(rows, func(r console.UptimeRow) bool { return r.Monitor == name }); i >= 0 {
		return &rows[i], nil
	}
	return nil, nil
}

// revisions are those of a monitor's configuration.
func (s *Server) revisions(ctx context.Context, name string) ([]console.Revision, error) {
	v, err := s.past.ask(ctx, "revisions "+name, 5*time.Second, func(ctx context.Context) (any, error) {
		return s.o.History(ctx, name)
	})
	if err != nil {
		return nil, err
	}
	return v.([]console.Revision), nil
}
