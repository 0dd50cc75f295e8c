package notify

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/retry"
	"netmon/wire"
)

// gate sits before the stream of deliveries as the broker's does, and refuses some.
func (m *mesh) gate(refuse func(wire.Delivery) string) {
	m.t.Helper()
	if _, err := m.js.UpdateStream(m.t.Context(), refusing(m.t, m, true)); err != nil {
		m.t.Fatal(err)
	}
	sub, err := m.nc.Subscribe(wire.AllDeliveries, func(msg *nats.Msg) {
		d, err := wire.DecodeDelivery(msg.Subject, msg.Data)
		if err != nil {
			m.t.Error(err)
		}
		answer := map[string]any{"stream": wire.IncidentsStream, "seq": 1}
		if why := refuse(d); why != "" {
			answer = map[string]any{"error": jetstream.APIError{Code: 403, ErrorCode: retry.RefusedCode, Description: why}}
		}
		data, err := json.Marshal(answer)
		if err != nil {
			m.t.Error(err)
		}
		msg.Respond(data)
	})
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { sub.Unsubscribe() })
	if err := m.nc.Flush(); err != nil {
		m.t.Fatal(err)
	}
}

// TestNotifier_Refused: what the mesh will never take is reported in short, and where it
// takes not even that the notice ends nevertheless.
func TestNotifier_Refused(t *testing.T) {
	m := newMesh(t)
	r := receive(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) })
	m.save(hook("hook", r.URL, ""))
	var short, refused atomic.Int64
	m.gate(func(d wire.Delivery) string {
		switch {
		case d.Incident == "web-2":
			refused.Add(1)
			return "incident: none has the id"
		case d.Error != "":
			return "it is too long"
		}
		if d.Outcome == wire.Undelivered && d.N == 1 {
			short.Add(1)
		}
		return ""
	})
	m.run(nil)
	m.store(about("hook", "web-1", 1, wire.ReasonOpened))
	m.await("a short word", func() bool { return short.Load() > 0 }, nil)
	m.store(about("hook", "web-2", 1, wire.ReasonOpened))
	m.await("two refusals", func() bool { return refused.Load() > 1 }, nil)
	m.await("an empty queue", func() bool { return m.queued() == 0 }, nil)
	if got := r.requests(); len(got) != 2 || short.Load() != 1 || refused.Load() != 2 {
		t.Errorf("%d messages, %d short words, %d refusals", len(got), short.Load(), refused.Load())
	}
}

// TestNotifier_LongAnswers: an error whose every character takes six bytes of JSON fits.
func TestNotifier_LongAnswers(t *testing.T) {
	m := newMesh(t)
	r := receive(t, func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, strings.Repeat("<&>", 3000), http.StatusForbidden)
	})
	m.save(hook("hook", r.URL, ""))
	m.run(nil)
	m.store(about("hook", "web-1", 1, wire.ReasonOpened))
	d := m.delivery("hook", "web-1", func(d wire.Delivery) bool { return true })
	if data := m.last("deliveries.hook.web-1"); len(data) > wire.MaxDelivery || d.Outcome != wire.Undelivered || !strings.HasPrefix(d.Error, "403 Forbidden") {
		t.Errorf("%d bytes: %+v", len(data), d)
	}
	st := m.status("hook", func(s wire.ChannelStatus) bool { return s.Failed == 1 })
	if data, err := json.Marshal(st); err != nil || len(data) > wire.MaxDelivery {
		t.Errorf("the status is %d bytes long: %v", len(data), err)
	}
}
