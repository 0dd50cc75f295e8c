package push

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"netmon/internal/natstest"
	"netmon/internal/tail"
	"netmon/internal/testlog"
	"netmon/wire"
)

// memory answers as Prometheus does: a request is taken whole or not at all, a sample of a
// series is in order, and none is older than an hour before the newest of all.
type memory struct {
	last     map[seriesKey]time.Time
	head     time.Time
	taken    map[uint64]bool
	requests int
}

func newMemory() *memory { return &memory{last: map[seriesKey]time.Time{}, taken: map[uint64]bool{}} }

func (m *memory) answer(b *Batch) error {
	m.requests++
	last := map[seriesKey]time.Time{}
	items := b.items()
	sortBySeries(items)
	for _, x := range items {
		if x.at.Before(m.head.Add(-time.Hour)) {
			return &Refusal{Reason: tooOld, Err: errors.New("out of bounds")}
		}
		newest := m.last[x.key()]
		if at := last[x.key()]; at.After(newest) {
			newest = at
		}
		if x.at.Before(newest) {
			return &Refusal{Reason: outOfOrder, Err: errors.New("out of order sample")}
		}
		last[x.key()] = x.at
	}
	for _, x := range items {
		if m.last[x.key()] = x.at; x.at.After(m.head) {
			m.head = x.at
		}
		if x.result != nil {
			m.taken[x.result.Sequence] = true
		}
	}
	return nil
}

// publish stores results of twelve series at times of their own.
func (m *mesh) publish(at ...time.Time) {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, at := range at {
		i := len(m.sent)
		r := wire.Result{Agent: meshAgents[i%len(meshAgents)], Monitor: meshMonitors[i/len(meshAgents)%len(meshMonitors)], Kind: "tcp", Target: "192.0.2.1:443",
			Started: at, LateNS: max(0, int64(time.Since(at))), Outcome: wire.OK}
		sent := numbered(m.t, r, uint64(i+1))
		if _, err := m.js.Publish(m.t.Context(), "results."+r.Agent+"."+r.Monitor, sent.Data); err != nil {
			m.t.Fatal(err)
		}
		m.sent = append(m.sent, sent)
	}
}

func every(from time.Time, step time.Duration, n int) (out []time.Time) {
	for i := range n {
		out = append(out, from.Add(time.Duration(i)*step))
	}
	return out
}

// TestPusher_AfterAnOutage: a receiver that finds hours of results too old is not asked for
// each of them, and gets what it takes.
func TestPusher_AfterAnOutage(t *testing.T) {
	m := newMesh(t)
	now := time.Now().UTC()
	m.publish(every(now.Add(-6*time.Hour), 10*time.Second, 6*360)...) // 100 batches of 22
	r := newMemory()
	r.head = now // it measures other things
	f := &fake{answer: r.answer}
	p := m.pusher(t.TempDir(), to("picky", f))
	eventually(t, "all is sent or refused", func() bool { return p.Stats()[0].Results == uint64(len(m.sent)) })
	_ = p.stop()
	young, missing := 0, 0
	for _, s := range m.sent {
		if !s.Started.Before(now.Add(-time.Hour)) {
			if young++; !r.taken[s.Sequence] {
				missing++
			}
		}
	}
	if missing > 8 { // at most those of one series in one batch: docs/adr/0077
		t.Errorf("%d of %d are missing", missing, young)
	}
	if s := p.Stats()[0]; s.Refused[tooOld] != uint64(len(m.sent)-young) || s.Refused[outOfOrder] != uint64(missing) || s.Repeated > 0 {
		t.Errorf("%+v, %d are young, %d missing", s, young, missing)
	}
	if r.requests > 120 {
		t.Errorf("%d requests for %d results", r.requests, len(m.sent))
	}
	t.Logf("%d requests for %d results, of which %d are too old", r.requests, len(m.sent), len(m.sent)-young)
}

// TestPusher_LostAnswer: a batch that the receiver has, since its answer was lost, costs a
// few requests, and none of it counts as refused.
func TestPusher_LostAnswer(t *testing.T) {
	m := newMesh(t)
	m.publish(every(time.Now().UTC().Add(-30*time.Minute), time.Second, 100)...)
	r := newMemory()
	lost := false
	f := &fake{answer: func(b *Batch) error {
		if err := r.answer(b); err != nil {
			return err
		}
		if !lost {
			lost = true
			return errors.New("the answer is lost")
		}
		return nil
	}}
	p := m.pusher(t.TempDir(), to("one", f))
	eventually(t, "all is sent", func() bool { return p.Stats()[0].Results == 100 })
	_ = p.stop()
	if s := p.Stats()[0]; len(s.Refused) > 0 || s.Repeated == 0 || len(r.taken) != 100 || r.requests > 10 {
		t.Errorf("%+v, %d taken by %d requests", s, len(r.taken), r.requests)
	}
}

// TestPusher_LateSeries: an agent whose results are late costs a few requests, and no
// result of others.
func TestPusher_LateSeries(t *testing.T) {
	m := newMesh(t)
	now := time.Now().UTC()
	r := newMemory()
	for _, name := range meshMonitors {
		r.last[seriesKey{"rome", name}] = now // somebody else sent newer ones
	}
	m.publish(every(now.Add(-30*time.Minute), time.Second, 600)...)
	f := &fake{answer: r.answer}
	d := to("one", f)
	d.Most = 1000
	p := m.pusher(t.TempDir(), d)
	eventually(t, "all is sent", func() bool { return p.Stats()[0].Results == 600 })
	_ = p.stop()
	if s := p.Stats()[0]; s.Refused[outOfOrder] != 200 || len(r.taken) != 400 {
		t.Errorf("%+v, %d taken", s, len(r.taken))
	}
	if r.requests > 200 {
		t.Errorf("%d requests", r.requests)
	}
	t.Logf("%d requests for 600 results, of which 200 are late", r.requests)
}

// TestRemoteWrite_RefusesAll: a 400 that has nothing to do with what is sent loses nothing,
// and one that has is for good.
func TestRemoteWrite_RefusesAll(t *testing.T) {
	var correct atomic.Bool
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case !correct.Load():
			http.Error(w, "Client sent an HTTP request to an HTTPS server.", http.StatusBadRequest)
		case len(body) > 100 && strings.Contains(string(body), "oslo"):
			http.Error(w, "label value is odd", http.StatusBadRequest)
		}
	}))
	t.Cleanup(s.Close)
	m := newMesh(t)
	m.publish(every(time.Now().UTC().Add(-time.Minute), time.Second, 30)...)
	p := m.remoteWrite(t.TempDir(), s.URL)
	eventually(t, "it is tried again", func() bool { return p.Stats()[0].Retries > 2 })
	if s := p.Stats()[0]; s.Results > 0 || len(s.Refused) > 0 || p.said.Count("to an empty request, too") != 1 {
		t.Errorf("%+v %s", s, p.said)
	}
	correct.Store(true)
	eventually(t, "all is sent", func() bool { return p.Stats()[0].Results == 30 })
	if s := p.Stats()[0]; s.Refused[invalid] == 0 || s.Refused[invalid] > 20 {
		t.Errorf("%+v", s)
	}
}

// TestPusher_OneBroken: a destination where nothing can be sent any more ends alone.
func TestPusher_OneBroken(t *testing.T) {
	m := newMesh(t)
	m.sends(10)
	f := &fake{}
	p := m.pusher(t.TempDir(), NDJSONStream(closedPipe(t), "standard output"), to("other", f))
	eventually(t, "it is reported", func() bool { return p.said.Count("nothing more is sent there") == 1 })
	m.sends(500)
	eventually(t, "the other one has all", f.has(510))
	if err := p.stop(); err == nil || !strings.Contains(err.Error(), "standard output: nobody reads it any more") {
		t.Errorf("%v", err)
	}
}

// TestOpenAt_BrokerAway: a broker that is away is waited for.
func TestOpenAt_BrokerAway(t *testing.T) {
	m := newMesh(t)
	m.sends(10)
	stream, err := m.js.Stream(t.Context(), wire.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	if err := m.js.DeleteStream(t.Context(), wire.ResultsStream); err != nil {
		t.Fatal(err)
	}
	var log testlog.Buffer
	opened := make(chan error, 1)
	go func() {
		reader, err := openAt(t.Context(), m.js, wire.ResultsStream, Place{}, tail.From{}, slog.New(slog.NewTextHandler(&log, nil)))
		if err == nil {
			reader.Stop()
		}
		opened <- err
	}()
	eventually(t, "it is reported", func() bool { return log.Count("a stream cannot be read") == 1 })
	if _, err := m.js.CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

// TestPusher_TwoMeshes: positions are those of one mesh.
func TestPusher_TwoMeshes(t *testing.T) {
	folder := t.TempDir()
	first, second := newMesh(t), newMesh(t)
	f, g := &fake{}, &fake{}
	p, q := first.pusher(folder, to("one", f)), second.pusher(folder, to("one", g))
	first.sends(10)
	second.sends(20)
	eventually(t, "both have all", func() bool { return f.has(10)() && g.has(20)() })
	if err := errors.Join(p.stop(), q.stop()); err != nil {
		t.Error(err)
	}
	_ = natstest.Restart(t, first.b)
	first.sends(5)
	_ = first.pusher(folder, to("one", f))
	eventually(t, "it continues after a restart of the broker", f.has(15))
	if n, _ := f.took(); len(n) != 15 {
		t.Errorf("%d", len(n))
	}
}

func TestMiddle(t *testing.T) {
	for text, want := range map[string]int{"a1 a1 a1 a1 b1": 4, "a1 b1 b1 b1 b1": 1, "a1 a1 b1 b1 c1": 2, "a1 a1 a2 a2 a2": 2, "a1 a1 a1 a1": 2, "a1 b1": 1} {
		var items []item
		for name := range strings.FieldsSeq(text) {
			items = append(items, item{agent: name[:1], monitor: name[1:]})
		}
		if got := middle(items); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
	if got := fmt.Sprint(newest([]item{{agent: "a"}, {agent: "b"}})); got != "1" {
		t.Errorf("newest is %s", got)
	}
}
