package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/monitorfile"
	"netmon/internal/cmdline"
	"netmon/internal/endpoint"
	"netmon/probes/kinds"
	"netmon/web"
	"netmon/wire"
)

// webAddress is where the pages are, unless somebody says otherwise; where it is taken,
// netmon up takes any other port.
const webAddress = "127.0.0.1:4280"

// webOff is the word for no pages.
const webOff = "off"

func webCommand() *cli.Command {
	return &cli.Command{
		Name:      "web",
		ArgsUsage: cmdline.Nothing,
		Usage:     "serve live pages of the mesh to browsers on this host",
		UsageText: "netmon web [--listen 127.0.0.1:4280]",
		Description: "Prints a link. The pages show monitors, the worst first, each monitor with its agents,\nplots and outages, the matrix, agents and incidents, as they change. They change\n" +
			"nothing, and ask nobody who they are: so they are for this host alone. To see them on\nanother one, forward the port:\n\n" +
			"   ssh -L 4280:127.0.0.1:4280 HOST\n\nnetmon up serves them, too: see its --web.",
		Flags: []cli.Flag{brokerFlag(), logFlag(),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "listen", Value: webAddress, Usage: "`HOST:PORT` of this host to serve them on"})},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usage("web takes no arguments, got %q: the address is given as --listen", c.Args().First())
			}
			log, err := logger(c)
			if err != nil {
				return err
			}
			address, err := webListen("--listen", c.String("listen"))
			if err != nil {
				return err
			}
			at := endpointOf(c)
			there := endpoint.BrokerOf(at)
			cl, err := console.ConnectAs(there.Who, there.Connect)
			if err != nil {
				return at.Explain(err)
			}
			defer cl.Close()
			l, err := net.Listen("tcp", address)
			if err != nil {
				return fmt.Errorf("--listen: %w", err)
			}
			fmt.Fprintf(c.App.Writer, "netmon %s: pages of %s on %s\n", version, endpoint.Redact(at.URL), linkOf(l))
			return serveWeb(c.Context, cl, l, endpoint.Redact(at.URL), log)
		},
	}
}

func webFlag() cli.Flag {
	return cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "web", Value: webAddress, Usage: "serve live pages on this `HOST:PORT` of this host, or " + webOff})
}

// webListen checks an address for pages. They ask nobody who they are, so nobody else may
// reach them.
func webListen(flag, address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", usage("%s: want HOST:PORT, such as %s, got %q", flag, webAddress, address)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return "", usage("%s: want a port of 0 to 65535, got %q", flag, address)
	}
	ip := net.ParseIP(host)
	if host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", usage("%s: want an address of this host alone, such as %s, got %q: the pages ask nobody who they are; from another host use ssh -L %s:127.0.0.1:%s", flag, webAddress, address, port, port)
	}
	return address, nil
}

// listenWeb opens the pages of netmon up, nil where none are wanted. Where the usual port is
// taken it is any other one: nobody asked for that.
func listenWeb(c *cli.Context) (net.Listener, error) {
	address := c.String("web")
	if address == webOff {
		return nil, nil
	}
	address, err := webListen("--web", address)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", address)
	if err != nil && !c.IsSet("web") {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("--web: %w", err)
	}
	return l, nil
}

func linkOf(l net.Listener) string {
	u := url.URL{Scheme: "http", Host: l.Addr().String(), Path: "/"}
	return u.String()
}

// serveWeb serves pages until ctx ends.
func serveWeb(ctx context.Context, cl *console.Client, l net.Listener, broker string, log *slog.Logger) error {
	var following sync.WaitGroup
	defer following.Wait()
	follow := func(ctx context.Context) web.Model {
		model := cl.Model(console.ModelOptions{Past: true, Uptimes: true, Phases: kinds.All().Phases})
		following.Go(func() { model.Run(ctx) })
		return model
	}
	s := web.New(web.Options{Follow: follow, Archive: cl, Broker: broker, Version: version, Log: log, Write: writtenMonitor,
		History: func(ctx context.Context, name string) ([]console.Revision, error) {
			store, err := cl.Monitors(ctx)
			if err != nil {
				return nil, err
			}
			return store.History(ctx, name)
		}})
	return s.Serve(ctx, l)
}

// writtenMonitor is a monitor as it stands in a file.
func writtenMonitor(m wire.Saved) (string, error) {
	var b strings.Builder
	err := monitorfile.Write(&b, console.Wanted{Monitors: []wire.Saved{m}}, "")
	return b.String(), err
}
