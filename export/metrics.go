package export

import (
	"context"
	"net/http"
	"time"

	"netmon/console"
	"netmon/console/view"
)

// metrics answers /metrics.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	model := s.o.Mesh.known(r.Context())
	trip := s.trip(r.Context(), model)
	s.answers.respond(w, r, func(out *Writer) {
		s.gather(out, model)
		if trip > 0 {
			out.Family("netmon_broker_rtt_seconds", "How long the broker took to answer during the scrape, in seconds; absent where it did not within a second.", Gauge)
			out.Sample(nil, trip.Seconds())
		}
		if s.o.More != nil {
			s.o.More(out)
		}
	})
}

// trip is how long the broker takes to answer now, 0 where that is not known.
func (s *Server) trip(ctx context.Context, model Model) time.Duration {
	if s.o.RoundTrip == nil || !model.Link().Lost.IsZero() {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, tripWithin)
	defer cancel()
	took, err := s.o.RoundTrip(ctx)
	if err != nil {
		return 0
	}
	return took
}

// gather writes all that is known.
func (s *Server) gather(w *Writer, model Model) {
	m, now := s.o.Mesh, time.Now()
	writeBuild(w, m.version)
	link := model.Link()
	writeConnected(w, link.Lost.IsZero())
	sn := model.Snapshot(view.Query{Sort: view.ByName, Calm: true})
	can := writeReadable(w, model, sn.Incidents, now)
	if can&console.PartAgents != 0 {
		writeAgents(w, model.Agents())
	}
	const judged = console.PartMonitors | console.PartVerdicts
	if can&judged == judged {
		writeVerdicts(w, sn.Monitors)
		writeJudge(w, sn)
	}
	if can&console.PartIncidents != 0 {
		writeIncidents(w, sn.Incidents)
		writeChannels(w, sn.Channels, now)
	}
	const placed = console.PartMonitors | console.PartAgents | console.PartResults
	if can&placed == placed {
		m.series.Write(w, now)
	}
}
