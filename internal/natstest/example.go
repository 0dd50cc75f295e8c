package natstest

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker"
)

// ForExample starts a provisioned broker that is reached in this process alone, for
// examples, which have no testing.TB: see the example of package broker. The
// caller closes it.
func ForExample(ctx context.Context, store string) *broker.Broker {
	b, err := broker.Start(ctx, broker.Options{Store: store})
	if err != nil {
		panic(fmt.Errorf("start the broker: %w", err))
	}
	nc, err := b.Connect()
	if err != nil {
		panic(fmt.Errorf("connect: %w", err))
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err == nil {
		err = broker.Provision(ctx, js, b.DefaultLimits())
	}
	if err != nil {
		panic(fmt.Errorf("provision: %w", err))
	}
	return b
}
