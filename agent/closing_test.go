package agent

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"netmon/internal/natstest"
	"netmon/probes"
	"netmon/wire"
)

// closing is a probe that says whether it was closed, and whether a run was under
// way then, or followed.
type closing struct {
	prober
	running, runs, closed, early atomic.Int64
}

func (c *closing) Begin(done func(wire.Result)) (probes.Pending, bool) {
	c.runs.Add(1)
	c.running.Store(1)
	if c.closed.Load() > 0 {
		c.early.Add(1)
	}
	p, ok := c.prober.Begin(func(r wire.Result) {
		c.running.Store(0)
		done(r)
	})
	return p, ok
}

func (c *closing) Close() error {
	c.closed.Add(1)
	c.early.Add(c.running.Load())
	return nil
}

// TestRunner_ClosesWhatStops: what a probe keeps between two runs is closed when
// its monitor stops: at once where no run is under way, else at its end.
func TestRunner_ClosesWhatStops(t *testing.T) {
	for name, takes := range map[string]time.Duration{"between two runs": 0, "while it runs": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t.Context())
				probe := &closing{prober: &begun{takes: takes}}
				m := monitor("web", 10*time.Second)
				x := b.start(t.Context(), m, probe, time.Time{})
				time.Sleep(25 * time.Second)
				if n := probe.closed.Load(); n > 0 {
					t.Errorf("closed %d times while it goes on", n)
				}
				b.stop(x)
				synctest.Wait()
				if n := probe.closed.Load(); n != 1 {
					t.Errorf("closed %d times when it stopped", n)
				}
				time.Sleep(time.Minute)
				b.end()
				if probe.runs.Load() == 0 || probe.early.Load() > 0 {
					t.Errorf("%d runs, %d of them when it was closed", probe.runs.Load(), probe.early.Load())
				}
			})
		})
	}
}

// TestRunner_ClosesOnce: a monitor that stops when all runs have been cut at shutdown
// is closed by one of the two alone: Close may not be called twice at once.
func TestRunner_ClosesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs, cut := context.WithCancel(t.Context())
		b := newBench(t.Context())
		probe := &closing{prober: &begun{takes: time.Hour}}
		x := b.start(runs, monitor("web", 10*time.Second), probe, time.Time{})
		for probe.runs.Load() == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		b.finish(0, cut)
		b.stop(x)
		synctest.Wait()
		if n := probe.closed.Load(); n != 1 || probe.runs.Load() != 1 {
			t.Errorf("closed %d times after %d runs", n, probe.runs.Load())
		}
		b.end()
	})
}

// TestAgent_ClosesKeptConnections: a connection that is kept ends with its monitor,
// with what the monitor was before a change, and with a probe on demand.
func TestAgent_ClosesKeptConnections(t *testing.T) {
	open, closed := make(chan net.Conn, 10), make(chan net.Conn, 10)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ConnState = func(c net.Conn, state http.ConnState) {
		switch state {
		case http.StateIdle:
			open <- c
		case http.StateClosed:
			closed <- c
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	l := launch(t, "paris", t.TempDir(), over(b))
	l.awaitOpen()
	command := func(op, path string) {
		t.Helper()
		r := ask(t, nc, "paris", fmt.Sprintf(`{"op":%q,"monitors":[{"name":"web","kind":"http","target":%q,"every":"1h","options":{"keep_alive":true}}]}`, op, s.URL+path))
		if !r.OK {
			t.Fatalf("%s: %+v", op, r)
		}
	}
	command("probe", "/")
	await(t, open, "the probe on demand")
	await(t, closed, "its connection to be closed")
	command("start", "/a")
	ask(t, nc, "paris", `{"op":"run","names":["web"]}`)
	first := await(t, open, "the first run")
	command("start", "/b")
	if got := await(t, closed, "the connection of the monitor before its change to be closed"); got != first {
		t.Errorf("another one was closed")
	}
	ask(t, nc, "paris", `{"op":"run","names":["web"]}`)
	second := await(t, open, "the run after the change")
	ask(t, nc, "paris", `{"op":"stop","names":["web"]}`)
	if got := await(t, closed, "the connection of a monitor that was stopped to be closed"); got != second {
		t.Errorf("another one was closed")
	}
}
