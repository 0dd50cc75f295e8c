package export

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"netmon/console/view"
	"netmon/probes/kinds"
	"netmon/wire"
)

// meshWorld answers as a model does that counts states alone.
type meshWorld struct {
	world
	mesh *view.Mesh
}

func (w *meshWorld) Snapshot(q view.Query) view.Snapshot { return w.mesh.Snapshot(q, time.Now()) }

// BenchmarkScrape is one scrape of 1,000 monitors on 3 agents, all of it.
func BenchmarkScrape(b *testing.B) {
	w := &meshWorld{world: *newWorld(), mesh: view.NewBare(time.Now())}
	w.saved = nil
	rome := w.agents[0]
	rome.Agent = "rome"
	w.agents = append(w.agents, rome)
	m := newMesh(kinds.All(), "1.2.3")
	m.begin = func(func(*wire.Result, time.Time)) Model { return w }
	m.Begin()
	now := time.Now()
	for i := range 1000 {
		saved := *w.save(fmt.Sprintf("shop-%04d", i), "https", fmt.Sprintf("https://shop-%04d.example/", i), "")
		w.mesh.Saved(saved.Name, &saved, nil, now)
		w.mesh.Verdict(wire.Verdict{Monitor: saved.Name, State: wire.VerdictUp, Since: now, Revision: saved.Revision, N: 1, Quorum: wire.VerdictQuorum{Up: []string{"oslo", "paris", "rome"}}}, now)
		for _, a := range w.agents {
			d := int64(12_345_678)
			m.take(&wire.Result{Agent: a.Agent, Monitor: saved.Name, Kind: "https", Target: saved.Target, Started: now, ElapsedNS: d, LatencyNS: &d, Outcome: wire.OK, Revision: saved.Revision, Address: "192.0.2.1",
				Details: []byte(`{"connect_ns":1000000,"tls_ns":2000000,"processing_ns":3000000,"transfer_ns":4000000,"status_code":200,"protocol":"HTTP/2.0"}`)}, now)
		}
	}
	s := NewServer(Options{Mesh: m, Access: here})
	h := s.Handler()
	once := httptest.NewRecorder()
	h.ServeHTTP(once, httptest.NewRequest("GET", "http://localhost/metrics", nil))
	lines := bytes.Count(once.Body.Bytes(), []byte("\n")) - bytes.Count(once.Body.Bytes(), []byte("\n# "))
	for b.Loop() {
		r := httptest.NewRequest("GET", "http://localhost/metrics", nil)
		out := httptest.NewRecorder()
		out.Body = nil
		h.ServeHTTP(out, r)
		if out.Code != 200 {
			b.Fatal(out.Code)
		}
	}
	b.ReportMetric(float64(lines), "samples")
}
