package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"netmon/broker"
	"netmon/broker/access"
	"netmon/internal/endpoint"
)

func controllerCommand() *cli.Command {
	return &cli.Command{
		Name:      "controller",
		Usage:     "run the controller beside a NATS server that is not netmon's",
		UsageText: "netmon controller [--broker nats://HOST:4222] [--replicas 3] [--access FOLDER]",
		Description: "With --access it also lets in whom you let in: FOLDER is the one that netmon\naccess export made the server's configuration from.\n\n" +
			"   netmon access export --store FOLDER --out conf --advertise nats.example.org\n   nats-server -c conf/nats-server.conf\n" +
			"   netmon controller --access FOLDER/access --broker tls://nats.example.org:4222",
		Flags: append(limitFlags(), brokerFlag(), logFlag(),
			&cli.StringFlag{Name: "access", Usage: "`FOLDER` of the mesh's keys and identities"}),
		Action: func(c *cli.Context) error {
			log, err := logger(c)
			if err != nil {
				return err
			}
			if err := checkSizes(c, "results-size"); err != nil {
				return err
			}
			limits := limitsFrom(c, broker.DefaultLimits())
			e := endpointOf(c)
			ready := func() { fmt.Fprintf(c.App.Writer, "controller ready at %s\n", endpoint.Redact(e.URL)) }
			folder := c.String("access")
			if folder == "" {
				controls{connect: e.Connect, limits: limits, ready: ready, log: log}.run(c.Context)
				return nil
			}
			if !access.Exists(folder) {
				return usage("--access %s: there are no keys of a mesh: netmon access export makes them", folder)
			}
			a, err := access.Open(folder, nil, log)
			if err != nil {
				return err
			}
			defer a.Close()
			return outside(c.Context, a, e.URL, limits, log, ready)
		},
	}
}

// outside controls, and lets in, at servers that are not embedded.
func outside(ctx context.Context, a *access.Authority, url string, limits broker.Limits, log *slog.Logger, ready func()) error {
	credential, err := a.Outside(access.Controller, "controller")
	if err != nil {
		return err
	}
	ofSystem, err := a.System()
	if err != nil {
		return err
	}
	connect := func(o ...nats.Option) (*nats.Conn, error) {
		return nats.Connect(url, append(append([]nats.Option{nats.IgnoreAuthErrorAbort()}, credential...), o...)...)
	}
	again := make(chan struct{}, 1) // a server that comes back may know old accounts only
	forgotten := func(*nats.Conn) {
		select {
		case again <- struct{}{}:
		default:
		}
	}
	system, err := nats.Connect(url, append(ofSystem, nats.IgnoreAuthErrorAbort(), nats.ConnectHandler(forgotten), nats.ReconnectHandler(forgotten), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(time.Second))...)
	if err != nil {
		return err
	}
	defer system.Close()
	push := func(ctx context.Context, accounts []access.Account) error { return access.Push(ctx, system, accounts) }
	var wg sync.WaitGroup
	first, _, _ := strings.Cut(url, ",") // who joins at one server of a cluster is told of the others
	wg.Go(func() { serveAccess(ctx, a, connect, access.Service{Push: push, URL: first, Again: again}, log) })
	rooms := func(ctx context.Context) []broker.ServerRoom { return broker.Rooms(ctx, system) }
	wg.Go(func() { controls{connect, limits, accessOf(a), rooms, ready, log}.run(ctx) })
	wg.Wait()
	return nil
}
