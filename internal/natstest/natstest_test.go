package natstest

import (
	"testing"

	"netmon/wire"

	"github.com/nats-io/nats.go"
)

func TestRestart_KeepsDataAndConnections(t *testing.T) {
	b := Start(t)
	nc := Connect(t, b)
	js := JetStream(t, nc)
	if _, err := js.Publish(t.Context(), "results.paris.web", []byte("1")); err != nil {
		t.Fatal(err)
	}
	back := make(chan struct{}, 1)
	nc.SetReconnectHandler(func(*nats.Conn) { back <- struct{}{} })
	b2 := Restart(t, b)
	if b2.URL() != b.URL() {
		t.Errorf("URL %s, want %s as before", b2.URL(), b.URL())
	}
	select {
	case <-back:
	case <-t.Context().Done():
	}
	s, err := js.Stream(t.Context(), wire.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	if n := s.CachedInfo().State.Msgs; n != 1 {
		t.Errorf("%d results after the restart, want 1", n)
	}
}
