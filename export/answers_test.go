package export

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"netmon/console"
	"netmon/judge"
	"netmon/wire"
)

// TestAnswers_SlowReaders: who does not read its answers keeps nobody from theirs.
func TestAnswers_SlowReaders(t *testing.T) {
	w := newWorld()
	for i := range 20_000 { // more than a connection takes unread
		m := *w.save(fmt.Sprintf("m%d", i), "tcp", fmt.Sprintf("host-%d.example:1", i), "")
		w.judged(m.Name, judge.Up, wire.VerdictQuorum{})
	}
	s := w.serve(t, here)
	addr := strings.TrimPrefix(s.URL, "http://")
	for range makingMost + 1 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		fmt.Fprintf(c, "GET /metrics HTTP/1.1\r\nHost: %s\r\n\r\n", addr)
		if line, err := bufio.NewReaderSize(c, 16).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
			t.Fatal(line, err)
		}
	}
	if code, text, _ := s.get("/sd"); code != http.StatusOK {
		t.Errorf("%d %s", code, text)
	}
	if code, _, _ := s.get("/metrics"); code != http.StatusOK {
		t.Errorf("%d", code)
	}
}

// TestAnswers_Bound: one address takes some of the answers under way, and all addresses as many as there are.
func TestAnswers_Bound(t *testing.T) {
	a := newAnswers()
	held, begun := make(chan struct{}), make(chan struct{})
	h := a.bound(func(http.ResponseWriter, *http.Request) { begun <- struct{}{}; <-held })
	ask := func(from string) int {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		h(w, r)
		return w.Code
	}
	ended := make(chan int, answersMost)
	for i := range answersMost {
		go func() { ended <- ask(fmt.Sprintf("192.0.2.%d:%d", i/eachMost, i)) }()
		select {
		case <-begun:
		case <-time.After(patience):
			t.Fatalf("answer %d does not begin", i)
		}
		if i == eachMost-1 {
			if code := ask("192.0.2.0:9"); code != http.StatusServiceUnavailable {
				t.Errorf("one more of the same address: %d", code)
			}
		}
	}
	if code := ask("198.51.100.1:1"); code != http.StatusServiceUnavailable {
		t.Errorf("one more of all: %d", code)
	}
	close(held)
	for range answersMost {
		if code := <-ended; code != http.StatusOK {
			t.Errorf("%d", code)
		}
	}
	if a.all != 0 || len(a.by) != 0 {
		t.Errorf("%d answers are under way, by %v", a.all, a.by)
	}
}

// TestReady_ForStrangers: who shows no token learns that it is not ready, and not why.
func TestReady_ForStrangers(t *testing.T) {
	const token = "0123456789abcdef0123"
	w := newWorld()
	w.link.Lost = time.Now().Add(-time.Minute)
	s := w.serve(t, Access{Token: token})
	if code, text, _ := s.get("/-/ready"); code != http.StatusServiceUnavailable || text != "not ready\n" {
		t.Errorf("a stranger gets %d %q", code, text)
	}
	if code, text, _ := s.get("/-/ready", "Authorization", "Bearer "+token); code != http.StatusServiceUnavailable || !strings.Contains(text, "the broker is unreachable") {
		t.Errorf("who may scrape gets %d %q", code, text)
	}
}

// TestParameters are bounded.
func TestParameters(t *testing.T) {
	s := newWorld().serve(t, here)
	for _, path := range []string{"/sd?", "/probe?target=x&"} {
		s.want(http.StatusBadRequest, path+strings.Repeat("tag=x&", mostParameters+1), "want at most 50 parameters")
	}
}

// TestMesh_PlacesWhatCanBeRead: where monitors or agents cannot be read, the series know nothing of
// them, rather than that there are none.
func TestMesh_PlacesWhatCanBeRead(t *testing.T) {
	for _, part := range []console.Part{console.PartMonitors, console.PartAgents} {
		w := newWorld()
		w.troubles = []console.Trouble{{Part: part, Err: context.Canceled}}
		s := w.serve(t, here)
		s.mesh.known(t.Context())
		if s.mesh.series.monitors != nil || s.mesh.series.agents != nil {
			t.Errorf("without part %v: %v %v", part, s.mesh.series.monitors, s.mesh.series.agents)
		}
		w.troubles = nil
		s.mesh.known(t.Context())
		if len(s.mesh.series.monitors) != 1 || len(s.mesh.series.agents) != 2 {
			t.Errorf("with part %v: %v %v", part, s.mesh.series.monitors, s.mesh.series.agents)
		}
	}
	w := newWorld()
	w.unread, w.link.Lost = true, time.Now()
	s := w.serve(t, here)
	if s.mesh.known(t.Context()); s.mesh.series.monitors != nil {
		t.Error("before it is read")
	}
}
