package agent_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/agent"
	"netmon/internal/natstest"
	"netmon/probes/kinds"
	"netmon/wire"
)

// An agent in this process measures what it is told, and its results come on
// the subjects of package wire.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	dir, err := os.MkdirTemp("", "netmon-example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	b := natstest.ForExample(ctx, filepath.Join(dir, "broker")) // as the example of package broker does
	defer b.Close()
	nc, err := b.Connect()
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()

	a, err := agent.New(agent.Options{
		Kinds: kinds.All(),
		ID:    "paris", State: filepath.Join(dir, "agent"), Version: "1.0.0",
		Connect: b.Connect, // to a broker elsewhere: a function that calls nats.Connect
		Log:     slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()

	target, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer target.Close()
	results, err := nc.SubscribeSync("results.paris.web")
	if err != nil {
		log.Fatal(err)
	}
	// What is saved by a console is started by the controller. By hand:
	start, _ := json.Marshal(wire.Command{Op: wire.OpStart, Monitors: []wire.Monitor{
		{Name: "web", Kind: "tcp", Target: target.Addr().String(), Every: wire.Duration(time.Second)}}})
	for { // until the agent takes commands
		if _, err = nc.Request("agent.paris.cmd", start, 10*time.Second); err != nats.ErrNoResponders {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		log.Fatal(err)
	}
	m, err := results.NextMsg(time.Minute)
	if err != nil {
		log.Fatal(err)
	}
	r, err := wire.DecodeResult(m.Subject, m.Data)
	fmt.Println(r.Agent, r.Monitor, r.Outcome, r.Summary, err)

	stop() // it says goodbye, and keeps what is not delivered yet
	fmt.Println(<-ended)
	// Output:
	// paris web ok connected <nil>
	// <nil>
}
