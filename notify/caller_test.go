package notify

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"netmon/wire"
)

// TestDeadman_CallsWhileAllIsWell: without a leading controller, with a silent mesh, and
// while a notice waits for long, nobody is called.
func TestDeadman_CallsWhileAllIsWell(t *testing.T) {
	m := newMesh(t)
	var calls atomic.Int64
	r := receive(t, func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodGet && req.ContentLength <= 0 {
			calls.Add(1)
		}
	})
	leader, err := m.js.KeyValue(t.Context(), wire.ControlBucket)
	if err != nil {
		t.Fatal(err)
	}
	m.save(`{"name":"alive","kind":"deadman","url":"` + r.URL + `/ping"}`)
	// Its interval is at least 10 s, so each case is another start.
	try := func(name, problem string) {
		t.Helper()
		before := calls.Load()
		_, stop := m.run(nil)
		defer stop()
		st := m.status("alive", func(s wire.ChannelStatus) bool {
			if problem == "" {
				return s.Ready && s.Sent > 0
			}
			return !s.Ready && strings.Contains(s.Problem, problem)
		})
		if called := calls.Load() > before; called != (problem == "") {
			t.Errorf("%s: called is %v, status %+v", name, called, st)
		}
	}
	try("nobody leads", "not called: no controller leads")
	keep := func() {
		if _, err := leader.Put(t.Context(), wire.LeaderKey, []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
	}
	keep()
	try("all is well", "")

	i, n := about("hook", "web-1", 1, wire.ReasonOpened)
	i.Channels[0].Decided = time.Now().Add(-time.Hour)
	m.store(i, n)
	m.save(hook("hook", r.URL, ""))
	keep()
	try("a notice waits", "not called: a notice of the channel hook waits for 1h")
	m.save(hook("hook", r.URL, `,"paused":true`))
	keep()
	try("the channel is paused", "")
	m.save(hook("hook", r.URL, ""))
	keep()
	try("the channel is back", "not called: a notice of the channel hook waits for 1h")
	if err := m.alerting.Delete(t.Context(), "channel.hook"); err != nil {
		t.Fatal(err)
	}
	keep()
	try("the channel is deleted", "")
	m.save(hook("hook", r.URL, ""))
	keep()
	try("the channel is saved again", "not called: a notice of the channel hook waits for 1h")
	i.Channels[0].Delivered, i.N = 1, 2
	m.publish("incidents.web-1", i)
	keep()
	try("it was sent", "")

	i, _ = about("hook", "broker-1", 1, wire.ReasonOpened)
	i.Channels[0].Delivered = 1
	i.Members[0].About = wire.AboutBroker
	m.publish("incidents.broker-1", i)
	keep()
	try("the mesh is silent", "not called: no agent is heard")
	i.State, i.Resolved, i.N = wire.IncidentResolved, time.Now(), 2
	i.Members[0].Until = time.Now()
	m.publish("incidents.broker-1", i)
	keep()
	try("it is heard again", "")
	r.Close()
	keep()
	try("nobody answers", "get 127.0.0.1:")
}

// again is a Sender whose other side forgets soon.
type again struct{ *Webhook }

func (again) Resend() (every, over time.Duration) {
	return 30 * time.Millisecond, 300 * time.Millisecond
}

// TestResend_WhileItIsOpen: what was sent is sent again while it is open and shortly
// after, as it is then; what was not sent, and what is over, is not.
func TestResend_WhileItIsOpen(t *testing.T) {
	m := newMesh(t)
	r := receive(t, taken)
	n := New(Options{Policy: openPolicy(t), Host: "desk"})
	quick(&n.timings)
	nc := m.nc
	c := &connection{Notifier: n, nc: nc, js: m.js, known: newKnown()}
	var err error
	if c.incidents, err = m.js.Stream(t.Context(), wire.IncidentsStream); err != nil {
		t.Fatal(err)
	}
	ch := channelOf(t, hook("hook", r.URL, ""))
	ch.sender = again{ch.sender.(*Webhook)}
	s := newSending(newWorker(t.Context(), c, "hook", 1, ch, nil), t.Context())
	outcome := wire.Sent
	tell := func(id string, told bool, state wire.IncidentState, resolved time.Time, n uint64) {
		i, _ := about("hook", id, n, wire.ReasonOpened)
		i.State, i.Resolved = state, resolved
		i.Channels[0].Notified = told
		if told {
			i.Channels[0].Outcome = outcome
		}
		m.publish("incidents."+id, i)
		c.known.add(&i)
	}
	c.known.setChannel("hook", true)
	tell("open", true, wire.IncidentOpen, time.Time{}, 1)
	tell("untold", false, wire.IncidentOpen, time.Time{}, 1)
	tell("over", true, wire.IncidentResolved, time.Now().Add(-time.Minute), 1)
	c.after = func(func(context.Context)) {}
	go s.resend(t.Context(), again{})
	keys := func() map[string]int {
		r.mu.Lock()
		defer r.mu.Unlock()
		out := map[string]int{}
		for _, q := range r.got {
			out[q.Header.Get("Idempotency-Key")]++
		}
		return out
	}
	m.await("it to be sent three times", func() bool { return keys()["open-hook-1"] >= 3 }, nil)
	if k := keys(); len(k) != 1 {
		t.Errorf("sent %v", k)
	}
	for k, newer := range []wire.SendOutcome{wire.Retrying, wire.Undelivered} { // what was shown does not lapse
		n := uint64(k + 2)
		outcome = newer
		tell("open", true, wire.IncidentOpen, time.Time{}, n)
		m.await("it to be sent while a newer notice is "+string(newer), func() bool { return keys()[fmt.Sprintf("open-hook-%d", n)] >= 2 }, nil)
	}
	outcome = wire.Sent
	tell("open", true, wire.IncidentResolved, time.Now(), 4)
	m.await("its end", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.got) > 0 && strings.Contains(string(r.got[len(r.got)-1].Body), `"title":"RESOLVED: `)
	}, nil)
	m.await("an end of that", func() bool { return len(s.openStates(300*time.Millisecond)) == 0 }, nil)
}

// TestResend_NotWhileAskedToWait: a service that asks to wait is sent nothing again, either.
func TestResend_NotWhileAskedToWait(t *testing.T) {
	m := newMesh(t)
	r := receive(t, taken)
	s := m.sendingBy(hook("hook", r.URL, ""))
	i, _ := about("hook", "web-1", 1, wire.ReasonOpened)
	m.publish("incidents.web-1", i)
	s.holdBack(time.Now().Add(time.Hour))
	if err := s.sendAgain(t.Context(), "web-1", i.Channels[0]); err != nil || len(r.requests()) != 0 {
		t.Errorf("it was sent: %v", err)
	}
	s.until = time.Time{}
	if err := s.sendAgain(t.Context(), "web-1", i.Channels[0]); err != nil || len(r.requests()) != 1 {
		t.Errorf("afterwards it was not sent: %v", err)
	}
}
