// Package natstest gives tests a real broker in this process. It must not be
// used inside a testing/synctest bubble: nats.go keeps timers for the process.
package natstest

import (
	"context"
	"net/url"
	"testing"
	"time"

	"netmon/broker"
	"netmon/internal/freeport"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// patience is how long a test waits for what comes at once, unless the machine is busy.
const patience = time.Minute

// Start starts a provisioned broker on a loopback port, which stays the test's, and
// an empty store. It is closed at the end of the test.
func Start(t testing.TB) *broker.Broker {
	t.Helper()
	b := start(t, broker.Options{Listen: freeport.Addr(t), Store: t.TempDir()})
	nc := Connect(t, b)
	defer nc.Close()
	if err := broker.Provision(t.Context(), JetStream(t, nc), broker.DefaultLimits()); err != nil {
		t.Fatalf("Provision: %v", err)
	}
	return b
}

// Restart starts a new broker on the port and the store of b, which it closes
// first if that was not done. Connections over TCP come back by themselves,
// those made by b.Connect do not. For an outage of some length, close b
// yourself and call Restart at its end.
func Restart(t testing.TB, b *broker.Broker) *broker.Broker {
	t.Helper()
	b.Close()
	u, err := url.Parse(b.URL())
	if err != nil {
		t.Fatal(err)
	}
	return start(t, broker.Options{Listen: u.Host, Store: b.Store()})
}

// Connect connects over TCP, as an agent of another host would, and gives up
// neither on a broker that is unreachable nor before the end of the test.
func Connect(t testing.TB, b *broker.Broker, opts ...nats.Option) *nats.Conn {
	t.Helper()
	return connect(t, b.URL(), opts...)
}

func connect(t testing.TB, url string, opts ...nats.Option) *nats.Conn {
	t.Helper()
	all := append([]nats.Option{nats.Timeout(patience), nats.MaxReconnects(-1), nats.ReconnectWait(20 * time.Millisecond), nats.ReconnectJitter(0, 0)}, opts...)
	nc, err := nats.Connect(url, all...)
	if err != nil {
		t.Fatalf("connect to %s: %v", url, err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// JetStream is the stream API of the connection.
func JetStream(t testing.TB, nc *nats.Conn) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func start(t testing.TB, o broker.Options) *broker.Broker {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	b, err := broker.Start(ctx, o)
	if err != nil {
		t.Fatalf("start the broker: %v", err)
	}
	t.Cleanup(b.Close)
	return b
}
