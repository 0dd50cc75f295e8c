package push

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"netmon/internal/need"
	"netmon/probes/kinds"
	"netmon/wire"
)

func (m *mesh) remoteWrite(folder, address string) *running {
	m.t.Helper()
	tags := &Tags{}
	d, err := RemoteWrite(Endpoint{URL: address}, kinds.All(), tags)
	if err != nil {
		m.t.Fatal(err)
	}
	d.Most, d.Every = 200, time.Millisecond
	return m.pusherWithTags(tags, folder, d)
}

// TestRemoteWrite_LostAnswers: Prometheus takes a batch and its answer is lost. It refuses
// that batch from then on, and nothing else is lost or counted as refused.
func TestRemoteWrite_LostAnswers(t *testing.T) {
	need.Time(t)
	_, base := realPrometheus(t)
	to, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	var asked, lost atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1)%3 != 1 || lost.Load() >= 4 {
			forward.ServeHTTP(w, r)
			return
		}
		lost.Add(1)
		answer := httptest.NewRecorder()
		forward.ServeHTTP(answer, r)
		panic(http.ErrAbortHandler) // the connection ends
	}))
	t.Cleanup(s.Close)
	m := newMesh(t)
	m.sends(700)
	p := m.remoteWrite(t.TempDir(), s.URL+"/api/v1/write")
	m.sends(300)
	eventually(t, "all is sent", func() bool { return p.Stats()[0].Results == 1000 })
	if s := p.Stats()[0]; len(s.Refused) > 0 || s.Repeated == 0 || s.Retries != uint64(lost.Load()) {
		t.Errorf("%d answers were lost: %+v", lost.Load(), s)
	}
	m.wantInPrometheus(base)
}

// TestRemoteWrite_Late: a result that comes after newer ones of its series is refused by
// Prometheus, and costs the others nothing.
func TestRemoteWrite_Late(t *testing.T) {
	need.Time(t)
	_, base := realPrometheus(t)
	m := newMesh(t)
	m.sends(200)
	p := m.remoteWrite(t.TempDir(), base+"/api/v1/write")
	eventually(t, "all is sent", func() bool { return p.Stats()[0].Results == 200 })
	late := m.sent[20].Result
	late.Started = late.Started.Add(-time.Millisecond)
	r := numbered(t, late, 100_000)
	if _, err := m.js.Publish(t.Context(), "results."+r.Agent+"."+r.Monitor, r.Data); err != nil {
		t.Fatal(err)
	}
	m.sends(300)
	eventually(t, "the rest is sent", func() bool { return p.Stats()[0].Results == 501 })
	if s := p.Stats()[0]; s.Refused[outOfOrder] != 1 || len(s.Refused) != 1 || s.Repeated != 0 {
		t.Errorf("%+v", s)
	}
	m.wantInPrometheus(base)
}

// TestRemoteWrite_Verdicts: a state that does not change stays in Prometheus.
func TestRemoteWrite_Verdicts(t *testing.T) {
	need.Time(t)
	_, base := realPrometheus(t)
	m := newMesh(t)
	for i, name := range meshMonitors {
		m.verdict(name, []wire.VerdictState{wire.VerdictUp, wire.VerdictDown}[i%2], time.Now().Add(-time.Minute).UTC())
	}
	m.remoteWrite(t.TempDir(), base+"/api/v1/write")
	eventually(t, "each monitor has one state", func() bool {
		up := promPoints(t, base, `netmon_verdict{state="up"}`)
		down := promPoints(t, base, `netmon_verdict{state="down"}`)
		is := 0.0
		for _, points := range []map[string]map[int64]float64{up, down} {
			for _, values := range points {
				last := int64(0)
				for at := range values {
					last = max(last, at)
				}
				is += values[last]
			}
		}
		return len(up) == len(meshMonitors) && len(down) == len(meshMonitors) && is == float64(len(meshMonitors))
	})
}
