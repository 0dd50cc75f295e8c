package console

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"netmon/internal/natstest"
	"netmon/wire"
)

// TestAgents_NoneIsMissingWhileTheyAreHeard: a heartbeat takes the place of the
// one before, also in the middle of reading them.
func TestAgents_NoneIsMissingWhileTheyAreHeard(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	js := natstest.JetStream(t, nc)
	const n = 20
	beat := func(i int) {
		a := wire.Alive{Agent: fmt.Sprintf("agent-%02d", i), At: time.Now().UTC(), Kinds: []string{}}
		data, err := json.Marshal(a)
		if err != nil {
			t.Error(err)
		}
		if _, err := js.Publish(t.Context(), "agent."+a.Agent+".alive", data); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	}
	for i := range n {
		beat(i)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				beat(i % n)
			}
		}
	}()
	c, err := Connect(b.Connect)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 50 {
		list, err := c.Agents(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(list) != n {
			t.Fatalf("%d agents, want %d", len(list), n)
		}
	}
	close(stop)
	<-stopped
}
