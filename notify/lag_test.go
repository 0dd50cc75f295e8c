package notify

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// behind is a stream whose copies have of incidents what they had before.
type behind struct {
	jetstream.Stream
	had *jetstream.RawStreamMsg // nil: nothing
}

func (b behind) GetLastMsgForSubject(ctx context.Context, subject string) (*jetstream.RawStreamMsg, error) {
	switch {
	case !strings.HasPrefix(subject, "incidents."):
		return b.Stream.GetLastMsgForSubject(ctx, subject)
	case b.had == nil:
		return nil, jetstream.ErrMsgNotFound
	}
	return b.had, nil
}

// sendingBy is what sends by a channel of these settings, without a loop around it.
func (m *mesh) sendingBy(settings string) *sending {
	m.t.Helper()
	n := New(Options{Policy: openPolicy(m.t), Host: "desk", Log: slog.New(slog.DiscardHandler)})
	quick(&n.timings)
	c := &connection{Notifier: n, nc: m.nc, js: m.js, known: newKnown()}
	var err error
	if c.incidents, err = m.js.Stream(m.t.Context(), wire.IncidentsStream); err != nil {
		m.t.Fatal(err)
	}
	ch := channelOf(m.t, settings)
	return newSending(newWorker(m.t.Context(), c, ch.saved.Name, 1, ch, nil), m.t.Context())
}

// TestDeliver_CopyIsBehind: a copy of the stream that has an older state of an incident,
// or nothing of it, neither ends its notice nor has what is old sent.
func TestDeliver_CopyIsBehind(t *testing.T) {
	m := newMesh(t)
	r := receive(t, taken)
	for name, had := range map[string]bool{"nothing": false, "older": true} {
		s := m.sendingBy(hook("hook", r.URL, ""))
		lagging := behind{Stream: s.incidents}
		if had {
			i, _ := about("hook", name, 1, wire.ReasonOpened)
			m.publish("incidents."+name, i)
			var err error
			if lagging.had, err = s.incidents.GetLastMsgForSubject(t.Context(), "incidents."+name); err != nil {
				t.Fatal(err)
			}
		}
		i, n := about("hook", name, 5, wire.ReasonResolved)
		m.publish("incidents."+name, i)
		s.incidents = lagging
		if again, err := s.deliver(n); again != 0 || err != nil {
			t.Errorf("%s: again after %v, %v", name, again, err)
		}
		d := m.delivery("hook", name, func(wire.Delivery) bool { return true })
		if d.Outcome != wire.Sent || d.Shown != 5 {
			t.Errorf("%s: delivery %+v", name, d)
		}
		var p Payload
		got := r.requests()
		if len(got) != 1 {
			t.Fatalf("%s: %d messages", name, len(got))
		}
		if got[0].json(t, &p); p.Incident.State != wire.IncidentResolved {
			t.Errorf("%s: the state that was sent is %s", name, p.Incident.State)
		}
	}
}

// TestDeliver_NotThereYet: an incident that is not there at all is looked for again, and
// is gone when it was not there for long.
func TestDeliver_NotThereYet(t *testing.T) {
	m := newMesh(t)
	r := receive(t, taken)
	s := m.sendingBy(hook("hook", r.URL, ""))
	s.timings.gone = time.Hour
	for _, had := range []uint64{0, 1} { // nothing, and an older state
		if had > 0 {
			i, _ := about("hook", "web-1", had, wire.ReasonOpened)
			m.publish("incidents.web-1", i)
		}
		_, n := about("hook", "web-1", 5, wire.ReasonResolved)
		if again, err := s.deliver(n); again != s.timings.backoff.first || err != nil {
			t.Errorf("with %d: again after %v, %v", had, again, err)
		}
	}
	if m.last("deliveries.hook.web-1") != nil || len(r.requests()) > 0 {
		t.Error("something became of it")
	}
	i, n := about("hook", "web-1", 5, wire.ReasonResolved)
	m.publish("incidents.web-1", i)
	if again, err := s.deliver(n); again != 0 || err != nil || len(r.requests()) != 1 {
		t.Errorf("when it is there: again after %v, %v", again, err)
	}
	if len(s.missed) != 0 {
		t.Errorf("%v is remembered", s.missed)
	}

	_, n = about("hook", "web-2", 1, wire.ReasonOpened)
	if again, err := s.deliver(n); again == 0 || err != nil {
		t.Errorf("again after %v, %v", again, err)
	}
	s.missed["web-2"] = time.Now().Add(-2 * time.Hour)
	if again, err := s.deliver(n); again != 0 || err != nil {
		t.Errorf("after long: again after %v, %v", again, err)
	}
	if d := m.delivery("hook", "web-2", func(wire.Delivery) bool { return true }); d.Outcome != wire.Undelivered || !strings.Contains(d.Error, "not stored") || len(s.missed) != 0 {
		t.Errorf("delivery %+v, remembered %v", d, s.missed)
	}
}

// TestDeliver_OtherKind: a thread is of the service that named it.
func TestDeliver_OtherKind(t *testing.T) {
	m := newMesh(t)
	r := receive(t, taken)
	s := m.sendingBy(hook("hook", r.URL, ""))
	var threads []string
	s.channel.sender = threading{s.channel.sender, &threads}
	for n, kind := range []string{"webhook", "slack", ""} {
		i, notice := about("hook", "web-1", uint64(2*n+2), wire.ReasonChanged)
		m.publish("deliveries.hook.web-1", wire.Delivery{Channel: "hook", Incident: "web-1", N: notice.N - 1, Outcome: wire.Sent, Thread: "1700.5", Kind: kind})
		m.publish("incidents.web-1", i)
		if _, err := s.deliver(notice); err != nil {
			t.Fatal(err)
		}
		want := ""
		if kind == "webhook" {
			want = "1700.5"
		}
		if d := m.delivery("hook", "web-1", func(d wire.Delivery) bool { return d.N == notice.N }); d.Thread != want || d.Kind != "webhook" {
			t.Errorf("after one of %q: delivery %+v", kind, d)
		}
		if threads[n] != want {
			t.Errorf("after one of %q: sent in the thread %q, want %q", kind, threads[n], want)
		}
	}
}

// threading notes the threads that are sent in.
type threading struct {
	Sender
	threads *[]string
}

func (t threading) Send(ctx context.Context, env *Env, m *Message) (Receipt, error) {
	*t.threads = append(*t.threads, m.Thread)
	return t.Sender.Send(ctx, env, m)
}

// TestDeliver_Waits: neither what the other side asks for nor what a clock that was wrong
// noted has a message wait for longer than the longest pause.
func TestDeliver_Waits(t *testing.T) {
	b := usual.backoff
	now := time.Now().UTC()
	if d, ok := b.pause(1, now, now, 24*time.Hour); d != b.most || !ok {
		t.Errorf("asked for a day: %v, %v", d, ok)
	}
	m := newMesh(t)
	r := receive(t, taken)
	s := m.sendingBy(hook("hook", r.URL, ""))
	i, n := about("hook", "web-1", 1, wire.ReasonOpened)
	m.publish("incidents.web-1", i)
	far := wire.Delivery{Channel: "hook", Incident: "web-1", N: 1, Outcome: wire.Retrying, Attempts: 1, First: now.Add(5 * time.Hour), At: now.Add(5 * time.Hour), Next: now.Add(5*time.Hour + time.Minute)}
	m.publish("deliveries.hook.web-1", far)
	if again, err := s.deliver(n); again != 0 || err != nil || len(r.requests()) != 1 {
		t.Errorf("again after %v, %v", again, err)
	}
	if d := m.delivery("hook", "web-1", func(d wire.Delivery) bool { return d.Outcome == wire.Sent }); d.Attempts != 2 || d.First.After(time.Now()) {
		t.Errorf("delivery %+v", d)
	}
	s.channel.sender = tomorrow{s.channel.sender}
	i, n = about("hook", "web-2", 1, wire.ReasonOpened)
	m.publish("incidents.web-2", i)
	if again, err := s.deliver(n); again != s.timings.backoff.most || err != nil {
		t.Errorf("again after %v, %v", again, err)
	}
}

// tomorrow asks to wait for a day.
type tomorrow struct{ Sender }

func (tomorrow) Send(context.Context, *Env, *Message) (Receipt, error) {
	return Receipt{}, &Later{errors.New("429"), 24 * time.Hour}
}
