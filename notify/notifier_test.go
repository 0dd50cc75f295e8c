package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

func taken(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "thanks") }

// TestNotifier_Sends: what is decided is sent, signed, noted, and shown on the status;
// what the other side was shown already is not sent once more.
func TestNotifier_Sends(t *testing.T) {
	t.Setenv("NETMON_SECRET_HOOK", "s3cret")
	m := newMesh(t)
	r := receive(t, taken)
	m.save(hook("hook", r.URL+"/netmon", `,"secret":"${env:NETMON_SECRET_HOOK}"`))
	m.run(nil)
	m.store(about("hook", "web-1", 1, wire.ReasonOpened))
	d := m.delivery("hook", "web-1", func(d wire.Delivery) bool { return d.Outcome == wire.Sent })
	if d.N != 1 || d.Shown != 1 || d.Key != "web-1-hook-1" || d.Attempts != 1 || d.By != "desk" || d.Answer != "200 OK thanks" || d.First.IsZero() {
		t.Errorf("delivery %+v", d)
	}
	got := r.requests()
	if len(got) != 1 {
		t.Fatalf("%d requests, want 1", len(got))
	}
	h := got[0].Header
	if h.Get("Idempotency-Key") != "web-1-hook-1" || h.Get("User-Agent") != "netmon/1.2.3" || h.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", h)
	}
	stamp, signature, _ := strings.Cut(h.Get("Netmon-Signature"), ",v1=")
	mac := hmac.New(sha256.New, []byte("s3cret"))
	mac.Write([]byte(strings.TrimPrefix(stamp, "t=") + "." + string(got[0].Body)))
	if hex.EncodeToString(mac.Sum(nil)) != signature {
		t.Errorf("signature %q does not fit", h.Get("Netmon-Signature"))
	}
	var p Payload
	if err := json.Unmarshal(got[0].Body, &p); err != nil || p.Key != d.Key || p.Reason != wire.ReasonOpened || p.Incident.ID != "web-1" || !strings.HasPrefix(p.Title, "DOWN: ") || !strings.Contains(p.Text, "web: down since") || p.Mesh != "netmon" {
		t.Errorf("payload %+v (%v)", p, err)
	}
	m.await("an empty queue", func() bool { return m.queued() == 0 }, nil)

	st := m.status("hook", func(s wire.ChannelStatus) bool { return s.Sent == 1 && s.Backlog == 0 })
	if !st.Ready || st.By != "desk" || st.LastSent.IsZero() || st.Revision == 0 {
		t.Errorf("status %+v", st)
	}

	// A notice of what was shown asks for nothing.
	i, n := about("hook", "web-1", 1, wire.ReasonChanged)
	n.N, i.Channels[0].N = 2, 2
	m.store(i, n)
	if d := m.delivery("hook", "web-1", func(d wire.Delivery) bool { return d.N == 2 }); d.Outcome != wire.Sent || d.Attempts != 0 || d.Shown != 1 {
		t.Errorf("delivery %+v", d)
	}
	i, n = about("hook", "web-1", 1, wire.ReasonRepeated)
	n.N, i.Channels[0].N = 3, 3
	m.store(i, n)
	m.delivery("hook", "web-1", func(d wire.Delivery) bool { return d.N == 3 && d.Attempts == 1 })
	if got := r.requests(); len(got) != 1 || got[0].Header.Get("Idempotency-Key") != "web-1-hook-3" {
		t.Errorf("%d requests, want the one of the repeat", len(got))
	}
}

// TestNotifier_ByTheIncident: a notice that is older than what the incident says of the
// channel stands for the newer one, and one that is known to be handled for nothing.
func TestNotifier_ByTheIncident(t *testing.T) {
	m := newMesh(t)
	r := receive(t, taken)
	m.save(hook("hook", r.URL, ""))
	m.run(nil)
	i, n := about("hook", "web-1", 5, wire.ReasonResolved)
	n.N, n.Reason = 2, wire.ReasonChanged
	m.store(i, n)
	if d := m.delivery("hook", "web-1", func(d wire.Delivery) bool { return true }); d.N != 5 || d.Key != "web-1-hook-5" {
		t.Errorf("delivery %+v, want that of notice 5", d)
	}
	i, n = about("hook", "web-2", 3, wire.ReasonChanged)
	i.Channels[0].Delivered = 3
	m.store(i, n)
	m.await("an empty queue", func() bool { return m.queued() == 0 }, nil)
	if got := r.requests(); len(got) != 1 {
		t.Errorf("%d requests, want 1", len(got))
	}
	// One that is gone, and one that is part of another.
	m.publish("notices.hook.gone", wire.Notice{Channel: "hook", Incident: "gone", N: 1, Reason: wire.ReasonOpened, Of: 1})
	if d := m.delivery("hook", "gone", func(d wire.Delivery) bool { return true }); d.Outcome != wire.Undelivered || !strings.Contains(d.Error, "not stored") {
		t.Errorf("delivery %+v", d)
	}
	i, n = about("hook", "web-3", 2, wire.ReasonChanged)
	i.State, i.Into = wire.IncidentMerged, "web-1"
	m.store(i, n)
	m.await("an empty queue", func() bool { return m.queued() == 0 }, nil)
	if len(r.requests()) != 0 || m.last("deliveries.hook.web-3") != nil {
		t.Error("an incident that goes on in another one was told of")
	}
}

// TestNotifier_Newer: a notice that replaces one that is tried again is tried at once,
// counts on from it, and sends what is true then.
func TestNotifier_Newer(t *testing.T) {
	m := newMesh(t)
	open := make(chan struct{})
	r := receive(t, func(w http.ResponseWriter, _ *http.Request) {
		select {
		case <-open:
		default:
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	m.save(hook("hook", r.URL, ""))
	m.run(func(n *Notifier) { n.timings.backoff.first, n.timings.backoff.most = time.Hour, time.Hour })
	m.store(about("hook", "web-1", 1, wire.ReasonOpened))
	first := m.delivery("hook", "web-1", func(d wire.Delivery) bool { return d.Outcome == wire.Retrying })
	if first.Attempts != 1 || !strings.Contains(first.Error, "502 Bad Gateway") || first.Next.Sub(first.At) != time.Hour {
		t.Errorf("delivery %+v", first)
	}
	if st := m.status("hook", func(s wire.ChannelStatus) bool { return s.Failed == 1 }); st.Ready || !strings.Contains(st.Problem, "502") || st.Backlog != 1 {
		t.Errorf("status %+v", st)
	}
	close(open)
	m.store(about("hook", "web-1", 4, wire.ReasonResolved))
	d := m.delivery("hook", "web-1", func(d wire.Delivery) bool { return d.Outcome == wire.Sent })
	if d.N != 4 || d.Shown != 4 || d.Attempts != 2 || !d.First.Equal(first.First) {
		t.Errorf("delivery %+v after %+v", d, first)
	}
}

// TestNotifier_GivenUp: a message that is not taken for as long as is tried is undelivered.
func TestNotifier_GivenUp(t *testing.T) {
	m := newMesh(t)
	r := receive(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	m.save(hook("hook", r.URL, ""))
	m.run(func(n *Notifier) { n.timings.backoff.until = 150 * time.Millisecond })
	m.store(about("hook", "web-1", 1, wire.ReasonOpened))
	d := m.delivery("hook", "web-1", func(d wire.Delivery) bool { return d.Outcome == wire.Undelivered })
	if d.Attempts < 2 || !strings.Contains(d.Error, "not accepted for 150ms: 503") || !d.Next.IsZero() {
		t.Errorf("delivery %+v", d)
	}
	m.await("an empty queue", func() bool { return m.queued() == 0 }, nil)
}

// TestNotifier_SlowDelaysItself: a channel, and an incident, that is not taken holds up no
// other.
func TestNotifier_SlowDelaysItself(t *testing.T) {
	m := newMesh(t)
	hang := make(chan struct{})
	slow := receive(t, func(w http.ResponseWriter, req *http.Request) {
		if strings.HasPrefix(req.Header.Get("Idempotency-Key"), "web-1-") {
			<-hang
		}
	})
	defer close(hang)
	fast := receive(t, taken)
	m.save(hook("slow", slow.URL, ""))
	m.save(hook("fast", fast.URL, ""))
	m.run(nil)
	for _, id := range []string{"web-1", "web-2"} {
		m.store(about("slow", id, 1, wire.ReasonOpened))
		m.store(about("fast", id, 1, wire.ReasonOpened))
	}
	for _, of := range [][2]string{{"fast", "web-1"}, {"fast", "web-2"}, {"slow", "web-2"}} {
		m.delivery(of[0], of[1], func(d wire.Delivery) bool { return d.Outcome == wire.Sent })
	}
	if m.last("deliveries.slow.web-1") != nil {
		t.Error("what hangs is sent")
	}
}

// TestNotifier_Changes: another revision of a channel is what sends from then on; one
// that is deleted, paused or wrong sends nothing, and says why.
func TestNotifier_Changes(t *testing.T) {
	m := newMesh(t)
	a, b := receive(t, taken), receive(t, taken)
	m.save(hook("hook", a.URL, ""))
	m.run(nil)
	m.store(about("hook", "web-1", 1, wire.ReasonOpened))
	m.delivery("hook", "web-1", func(d wire.Delivery) bool { return d.Outcome == wire.Sent })
	m.save(hook("hook", b.URL, ""))
	m.store(about("hook", "web-1", 2, wire.ReasonResolved))
	m.delivery("hook", "web-1", func(d wire.Delivery) bool { return d.N == 2 && d.Outcome == wire.Sent })
	if len(a.requests())+len(b.requests()) != 2 {
		t.Error("want two messages")
	}
	m.save(hook("hook", b.URL, `,"paused":true`))
	m.status("hook", func(s wire.ChannelStatus) bool { return !s.Ready && s.Problem == "it is paused" })
	m.save(hook("hook", "ftp://x", `,"colour":"red"`))
	m.status("hook", func(s wire.ChannelStatus) bool {
		return !s.Ready && strings.Contains(s.Problem, `url: want a URL`) && strings.Contains(s.Problem, `unknown field "colour"`)
	})
	m.save(hook("hook", b.URL, ""))
	m.status("hook", func(s wire.ChannelStatus) bool { return s.Ready })
	if err := m.alerting.Delete(t.Context(), "channel.hook"); err != nil {
		t.Fatal(err)
	}
	kv, err := m.js.KeyValue(t.Context(), wire.ControlBucket)
	if err != nil {
		t.Fatal(err)
	}
	m.await("the lease to be let go", func() bool { _, err := kv.Get(t.Context(), "notifier.hook"); return err != nil }, nil)
}

// TestNotifier_Test: somebody tries a channel, and hears what the other side said.
func TestNotifier_Test(t *testing.T) {
	m := newMesh(t)
	status := http.StatusOK
	r := receive(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	m.save(hook("hook", r.URL, ""))
	m.run(func(n *Notifier) { n.timings.testsMost = 2 })
	m.status("hook", func(s wire.ChannelStatus) bool { return s.Ready })
	ask := func(text string) (reply wire.NotifyReply) {
		t.Helper()
		answer, err := m.nc.Request("notify.hook.cmd", []byte(text), patience)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(answer.Data, &reply); err != nil {
			t.Fatal(err)
		}
		return reply
	}
	if got := ask(`{"op":"test","by":"anna@desk"}`); got.Outcome != wire.Sent || got.Answer != "200 OK" || got.By != "desk" || got.TookNS <= 0 {
		t.Errorf("reply %+v", got)
	}
	var p Payload
	if got := r.requests(); len(got) != 1 || json.Unmarshal(got[0].Body, &p) != nil || !strings.HasPrefix(p.Title, "TEST: a test by anna@desk") || !strings.Contains(p.Text, "nothing is wrong") {
		t.Errorf("sent %+v", p)
	}
	if got := ask(`{"op":"boom"}`); got.Outcome != wire.Undelivered || !strings.Contains(got.Error, `op: want test, got "boom"`) {
		t.Errorf("reply %+v", got)
	}
	status = http.StatusForbidden
	if got := ask(`{"op":"test","by":""}`); got.Outcome != wire.Undelivered || got.Error != "403 Forbidden" {
		t.Errorf("reply %+v", got)
	}
	if got := ask(`{"op":"test","by":""}`); !strings.Contains(got.Error, "at most 2 tests") {
		t.Errorf("reply %+v", got)
	}
}
