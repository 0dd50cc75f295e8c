package retry_test

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/natstest"
	"netmon/internal/retry"
	"netmon/wire"
)

// TestNewest reads the last message of a subject as the server that leads its stream has it.
func TestNewest(t *testing.T) {
	js := natstest.JetStream(t, natstest.Connect(t, natstest.Start(t)))
	if _, err := retry.Newest(t.Context(), js, wire.IncidentsStream, "incidents.x"); !errors.Is(err, jetstream.ErrMsgNotFound) {
		t.Errorf("where there is nothing: %v", err)
	}
	var sequence uint64
	for _, text := range []string{"1", "2"} {
		ack, err := js.Publish(t.Context(), "incidents.x", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		sequence = ack.Sequence
	}
	m, err := retry.Newest(t.Context(), js, wire.IncidentsStream, "incidents.x")
	if err != nil || string(m.Data) != "2" || m.Sequence != sequence || m.Subject != "incidents.x" || m.Time.IsZero() {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := retry.Newest(t.Context(), js, "NONE", "incidents.x"); err == nil || errors.Is(err, jetstream.ErrMsgNotFound) {
		t.Errorf("of no stream: %v", err)
	}
}
