// Ownkind is a program of one's own around netmon: an agent that measures a kind
// which netmon does not have, ssh, beside those that it has. It runs a broker and the
// agent in one process, starts a monitor of the target that it was given, and prints
// results as they come.
//
//	go run ./examples/ownkind example.com:22
//
// A real one connects the agent to the broker that is there.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/agent"
	"netmon/broker"
	"netmon/probes/kinds"
	"netmon/wire"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ownkind:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("give one target, such as example.com:22")
	}
	dir, err := os.MkdirTemp("", "ownkind")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	b, err := broker.Start(ctx, broker.Options{Store: filepath.Join(dir, "store")}) // within this process alone
	if err != nil {
		return err
	}
	defer b.Close()
	nc, err := b.Connect()
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	if err := broker.Provision(ctx, js, broker.DefaultLimits()); err != nil {
		return err
	}

	connected := make(chan struct{}, 1)
	a, err := agent.New(agent.Options{
		ID: "oslo", State: filepath.Join(dir, "agent"), Version: "1.0.0",
		Kinds:   append(kinds.All(), kind()),
		Connect: b.Connect,
		Opened: func() { // again after each reconnect
			select {
			case connected <- struct{}{}:
			default:
			}
		},
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	defer func() {
		cancel()
		<-ended
	}()
	select {
	case <-connected:
	case err := <-ended:
		ended <- nil
		return err
	}
	return follow(ctx, nc, args[0])
}

// follow starts a monitor and prints its results until ctx ends.
func follow(ctx context.Context, nc *nats.Conn, target string) error {
	subject, err := wire.ResultSubject("oslo", "own")
	if err != nil {
		return err
	}
	results, err := nc.SubscribeSync(subject)
	if err != nil {
		return err
	}
	command, err := wire.CommandSubject("oslo")
	if err != nil {
		return err
	}
	start, err := json.Marshal(wire.Command{Op: wire.OpStart, Monitors: []wire.Monitor{{
		Name: "own", Kind: "ssh", Target: target, Every: wire.Duration(time.Second),
	}}})
	if err != nil {
		return err
	}
	reply, err := nc.RequestWithContext(ctx, command, start)
	if err != nil {
		return err
	}
	fmt.Printf("the agent says: %s\n", reply.Data)
	for {
		m, err := results.NextMsgWithContext(ctx)
		if errors.Is(err, context.Canceled) {
			return nil
		}
		if err != nil {
			return err
		}
		r, err := wire.DecodeResult(m.Subject, m.Data)
		if err != nil {
			return err
		}
		fmt.Printf("%s %s %s %s %s\n", r.Outcome, r.Failure, r.Summary, r.Error, r.Details)
	}
}
