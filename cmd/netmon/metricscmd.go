package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/internal/cmdline"
)

// metricsFlags are those of a program that serves metrics beside what it does.
func metricsFlags() []cli.Flag {
	return append([]cli.Flag{
		cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "metrics", Usage: "serve /metrics to Prometheus on this `HOST:PORT`"}),
	}, scrapeFlags("metrics-")...)
}

// metrics is the listener of --metrics.
type metrics struct {
	by scraped
	l  net.Listener
}

// listenMetrics opens the listener of --metrics, nil where none is wanted.
func listenMetrics(c *cli.Context, log *slog.Logger) (*metrics, error) {
	if c.String("metrics") == "" {
		for _, name := range []string{"token-file", "tls-cert", "tls-key", "open"} {
			if c.IsSet("metrics-" + name) {
				return nil, usage("--metrics-%s: want --metrics HOST:PORT beside it", name)
			}
		}
		return nil, nil
	}
	by, err := scrapedBy(c, "metrics", "metrics-", false)
	if err != nil {
		return nil, err
	}
	by.Probe = false
	l, err := by.listen(log)
	if err != nil {
		return nil, err
	}
	return &metrics{by, l}, nil
}

func (m *metrics) close() {
	if m != nil {
		_ = m.l.Close()
	}
}

// say prints where the metrics are, if they are anywhere.
func (m *metrics) say(w io.Writer) {
	if m != nil {
		fmt.Fprintf(w, "  metrics:          %s\n", m.by.link(m.l))
	}
}

// beside runs work, and serves metrics of the mesh meanwhile, where that is wanted. connect
// makes a connection of its own; a broker that is away is waited for.
func (m *metrics) beside(ctx context.Context, who console.Person, connect func(...nats.Option) (*nats.Conn, error), log *slog.Logger, work func(context.Context) error) error {
	if m == nil {
		return work(ctx)
	}
	cl, err := console.ConnectAs(who, connect, nats.RetryOnFailedConnect(true))
	if err != nil {
		return err
	}
	defer cl.Close()
	return m.while(ctx, work, func(ctx context.Context) error { return serveMetrics(ctx, cl, m.l, m.by.Access, nil, log) }, log)
}

// while runs work, and serves meanwhile. That the serving ends ends nothing else.
func (m *metrics) while(ctx context.Context, work, serve func(context.Context) error, log *slog.Logger) error {
	serving, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	all.Go(func() {
		if err := serve(serving); err != nil {
			log.Error("metrics are not served any more", "error", err)
		}
	})
	return work(ctx)
}
