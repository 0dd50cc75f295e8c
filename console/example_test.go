package console_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"netmon/console"
	"netmon/internal/natstest"
	"netmon/probes/kinds"
	"netmon/wire"
)

// A console saves a monitor, and reads what is saved. The controller has agents
// run it.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "netmon-example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	b := natstest.ForExample(ctx, dir) // as the example of package broker does
	defer b.Close()

	c, err := console.Connect(b.Connect) // elsewhere: a function that calls nats.Connect
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	ops := c.Ops(console.Checks{Monitor: kinds.All().CheckMonitor})
	web := wire.Monitor{Name: "web", Kind: "https", Target: "https://example.com/"}
	if _, err := ops.Add(ctx, wire.Saved{Monitor: web}); err != nil {
		log.Fatal(err)
	}
	_, err = ops.Add(ctx, wire.Saved{Monitor: wire.Monitor{Name: "db", Kind: "tcp", Target: "db"}})
	fmt.Println("the port is missing:", err != nil)

	store, err := c.Monitors(ctx)
	if err != nil {
		log.Fatal(err)
	}
	list, err := store.List(ctx)
	for _, m := range list {
		fmt.Println(m.Name, m.Kind, m.Target)
	}
	fmt.Println(err)
	// Output:
	// the port is missing: true
	// web https https://example.com/
	// <nil>
}
