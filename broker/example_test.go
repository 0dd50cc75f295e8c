package broker_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker"
	"netmon/wire"
)

// A broker in this process, which no port leads to. With Listen others can
// connect, too.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "netmon-example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	b, err := broker.Start(ctx, broker.Options{Store: dir})
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()

	nc, err := b.Connect()
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		log.Fatal(err)
	}
	// The streams and buckets of the mesh; on a nats-server of yours, too.
	if err := broker.Provision(ctx, js, b.DefaultLimits()); err != nil {
		log.Fatal(err)
	}
	stream, err := js.Stream(ctx, wire.ResultsStream)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(stream.CachedInfo().Config.Name, stream.CachedInfo().Config.Subjects)
	// Output: RESULTS [results.*.*]
}
