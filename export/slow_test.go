package export

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"netmon/console"
	"netmon/internal/httpserve"
	"netmon/internal/need"
	"netmon/probes/kinds"
	"netmon/wire"
)

// TestServe_SlowProbe: a measurement may take longer than a request's header and an answer of
// another path may, and ends when its scraper goes away.
func TestServe_SlowProbe(t *testing.T) {
	need.Time(t)
	w := newWorld()
	longer, gone := httpserve.Usual().HeaderTime+time.Second, make(chan struct{})
	m := newMesh(kinds.All(), "1.2.3")
	m.begin = func(func(*wire.Result, time.Time)) Model { return w }
	s := NewServer(Options{Mesh: m, Access: here, Measure: func(ctx context.Context, agent string, x wire.Monitor) console.Asked {
		wait := time.After(longer)
		if x.Target == "gone.example:1" {
			wait = nil
		}
		select {
		case <-ctx.Done():
			close(gone)
			return console.Asked{Err: ctx.Err()}
		case <-wait:
			return console.Asked{Agent: agent, Result: &wire.Result{Agent: agent, Kind: x.Kind, Target: x.Target, Outcome: wire.OK}}
		}
	}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	at := &site{t, &httptest.Server{URL: "http://" + l.Addr().String()}, m, s}
	at.want(http.StatusOK, "/probe?module=tcp_connect&target=slow.example:1", "probe_success 1")
	leaving, leave := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer leave()
	r, err := http.NewRequestWithContext(leaving, http.MethodGet, at.URL+"/probe?module=tcp_connect&target=gone.example:1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.DefaultClient.Do(r); err == nil {
		resp.Body.Close()
		t.Error("it is answered")
	}
	select {
	case <-gone:
	case <-time.After(patience):
		t.Error("it is measured for nobody")
	}
}
