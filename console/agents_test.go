package console

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

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

// beater plays agents on an open mesh.
type beater struct {
	t  *testing.T
	js jetstream.JetStream
}

func (b beater) beat(a wire.Alive) {
	b.t.Helper()
	a.At, a.Kinds = time.Now().UTC(), []string{}
	data, err := json.Marshal(a)
	if err == nil {
		_, err = b.js.Publish(b.t.Context(), "agent."+a.Agent+".alive", data)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// TestForgetAgent_OnAnOpenMesh: whoever may write heartbeats there, writes it.
func TestForgetAgent_OnAnOpenMesh(t *testing.T) {
	b := natstest.Start(t)
	play := beater{t, natstest.JetStream(t, natstest.Connect(t, b))}
	c, err := Connect(b.Connect)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	play.beat(wire.Alive{Agent: "oslo"})
	play.beat(wire.Alive{Agent: "paris", Leaving: true})

	heard, ready := make(chan wire.Alive, 10), make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	followed := make(chan error, 1)
	go func() {
		followed <- c.FollowAgents(ctx, nil, func() { close(ready) }, func(a wire.Alive, _ time.Time) { heard <- a })
	}()
	<-ready
	next := func(agent string, gone bool) {
		t.Helper()
		if a := <-heard; a.Agent != agent || a.Gone != gone {
			t.Errorf("heard %+v, want %s, gone %v", a, agent, gone)
		}
	}
	next("oslo", false)
	next("paris", false)
	listed := func(want ...string) {
		t.Helper()
		agents, err := c.Agents(t.Context())
		var got []string
		for _, a := range agents {
			got = append(got, a.Agent)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("agents %v, %v; want %v", got, err, want)
		}
	}
	refused := func(agent, why string) {
		t.Helper()
		if err := c.ForgetAgent(t.Context(), agent); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("forget %s: %v, want %q", agent, err, why)
		}
	}
	refused("oslo", "it is online")
	refused("rome", "no agent of that name is known")
	refused("a.b", "agent id")
	listed("oslo", "paris")
	if err := c.ForgetAgent(t.Context(), "paris"); err != nil {
		t.Fatal(err)
	}
	listed("oslo")
	next("paris", true)
	refused("paris", "no agent of that name is known")
	play.beat(wire.Alive{Agent: "paris"})
	listed("oslo", "paris")
	next("paris", false)
	stop()
	if err := <-followed; err != nil {
		t.Error(err)
	}
}
