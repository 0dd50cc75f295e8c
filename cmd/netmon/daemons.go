package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/urfave/cli/v2"

	"netmon/broker"
	"netmon/controller"
)

func listenFlag() cli.Flag {
	return &cli.StringFlag{Name: "listen", Value: "127.0.0.1:4222", Usage: "`HOST:PORT` that agents and consoles connect to"}
}

func storeFlag() cli.Flag {
	return &cli.StringFlag{Name: "store", Value: stateDir("broker"), Usage: "`FOLDER` of saved monitors and results"}
}

func agentFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "id", Value: hostID(), DefaultText: "the host's name", Usage: "`ID` of the agent: 1 to 64 of A-Z a-z 0-9 _ -, not - first"},
		&cli.StringSliceFlag{Name: "label", Usage: "`NAME=VALUE` to choose agents by, such as region=eu; may be repeated"},
		&cli.StringFlag{Name: "spool-size", Value: "1GiB", Usage: "keep at most this `SIZE` of results while the broker is away; the oldest go first"},
		&cli.DurationFlag{Name: "spool-age", Value: 7 * 24 * time.Hour, Usage: "and none older than this `DURATION`"},
		policyFlag(),
	}
}

func brokerCommand() *cli.Command {
	return &cli.Command{
		Name:      "broker",
		Usage:     "run the broker: a NATS server with JetStream, and the controller",
		UsageText: "netmon broker [--listen 127.0.0.1:4222] [--store FOLDER] [--config FILE]",
		Description: "Where a --config lets in whoever comes, the broker does not start, and lists what\nis open and what closes it, unless there is --insecure. A broker without one that\nothers can reach lets in only whom you let in, over TLS:\n\n" +
			"   netmon broker --listen 0.0.0.0:4222\n   netmon token new agent --id paris        a line to paste on the other host\n" +
			"   netmon token new console --name anna --role operator",
		Flags: append(append(limitFlags(), accessFlags()...), listenFlag(), storeFlag(), bringAlongFlag(), logFlag(),
			&cli.StringFlag{Name: "config", Usage: "nats-server configuration `FILE`, for clusters, TLS and accounts; replaces --listen"},
			&cli.StringFlag{Name: "http", Usage: "`HOST:PORT` of nats-server's monitoring pages, which ask nobody who they are"},
			&cli.IntFlag{Name: "max-connections", Value: broker.DefaultGuard().Connections, Usage: "take at most `N` agents and consoles at once"},
			&cli.BoolFlag{Name: "no-controller", Usage: "run the server only"}),
		Action: func(c *cli.Context) error {
			log, err := logger(c)
			if err != nil {
				return err
			}
			if err := checkSizes(c, "results-size"); err != nil {
				return err
			}
			o := broker.Options{MaxStore: storeFrom(c), Listen: c.String("listen"), Store: c.String("store"), Config: c.String("config"), HTTP: c.String("http"), Insecure: c.Bool("insecure"), BringAlong: c.String("bring-along"), Log: log}
			if n := c.Int("max-connections"); n < 1 {
				return usage("--max-connections: want 1 or more, got %d", n)
			} else if c.IsSet("max-connections") || o.Config == "" {
				o.Guard.Connections = n
			}
			if o.Config != "" && c.Bool("access") {
				return usage("--access: who may come in says the file of --config: leave one of them out, or have netmon access export write the file")
			}
			if o.Config != "" && o.BringAlong != "" {
				return usage("--bring-along: with --config the accounts are those of the file: leave one of them out; docs/security.md has the way with nats stream backup")
			}
			if o.Config != "" && !c.IsSet("store") {
				o.Store = ""
			}
			if o.Config == "" && o.Store == "" {
				return errHomeless("--store")
			}
			if o.Config == "" {
				if o.Access, err = openAccess(c, o.Listen, o.Store, log); err != nil {
					return err
				}
				if o.Access != nil {
					defer o.Access.Close()
				}
				o.Advertise = c.String("advertise")
			}
			if o.Access != nil && c.Bool("no-controller") {
				return usage("--no-controller: without it no agent learns whom to obey, and this broker asks who people are: leave it out, or add --insecure")
			}
			b, err := broker.Start(c.Context, o)
			if err != nil {
				return refusal(err)
			}
			defer b.Close()
			warnOpen(c.App.ErrWriter, b, o.Config == "")
			id, err := identify(c, b, o.Access, log)
			if err != nil {
				return err
			}
			defer id.forget()
			tellBrought(c.Context, c.App.ErrWriter, b, id, "")
			fmt.Fprintf(c.App.Writer, "broker ready on %s\n", b.URL())
			id.tell(c.App.ErrWriter)
			var wg sync.WaitGroup
			defer wg.Wait()
			kept := make(chan struct{}) // the audit's stream, too
			var limits broker.Limits    // none of ours without a controller
			if c.Bool("no-controller") {
				close(kept)
			} else {
				limits = limitsFrom(c, b.DefaultLimits())
				wg.Go(func() {
					controls{connect: id.controller, limits: limits, access: id.access(), rooms: b.Rooms, ready: sync.OnceFunc(func() { close(kept) }), log: log}.run(c.Context)
				})
			}
			wg.Go(func() { id.serve(c.Context, b, kept, nil, log) })
			wg.Go(func() { keepMemory(c.Context, log) })
			wg.Go(func() { b.KeepRoom(c.Context, id.controller, limits) })
			return b.Run(c.Context)
		},
	}
}

// limitFlags bound what the broker keeps. The oldest results go first.
func limitFlags() []cli.Flag {
	return []cli.Flag{
		&cli.DurationFlag{Name: "results-age", Usage: "keep results for this `DURATION`", DefaultText: "168h"},
		&cli.StringFlag{Name: "results-size", Usage: "keep results of this `SIZE` on disk, such as 10GiB; in a cluster, and of a controller beside a nats-server, before compression", DefaultText: "4GiB, or half of the disk's room"},
		&cli.IntFlag{Name: "replicas", Value: 1, Usage: "copies of each stream in a cluster: 1, 3 or 5"},
	}
}

// checkSizes reads the sizes among the flags before anything is started.
func checkSizes(c *cli.Context, names ...string) error {
	for _, name := range names {
		if _, err := parseSize(c.String(name)); c.IsSet(name) && err != nil {
			return usage("--%s: %w", name, err)
		}
	}
	return nil
}

func limitsFrom(c *cli.Context, l broker.Limits) broker.Limits {
	l.Replicas = c.Int("replicas")
	if d := c.Duration("results-age"); d > 0 {
		l.ResultsAge = d
	}
	if n, err := parseSize(c.String("results-size")); err == nil {
		l.ResultsBytes = n
	}
	return l
}

// storeFrom is what the store may use where a size of results was asked for; with a
// configuration file that is the file's to say.
func storeFrom(c *cli.Context) int64 {
	if n, err := parseSize(c.String("results-size")); err == nil && c.String("config") == "" {
		return broker.StoreFor(n)
	}
	return 0
}

// parseSize reads a number of bytes with a binary unit.
func parseSize(s string) (int64, error) {
	for i, unit := range []string{"TiB", "GiB", "MiB", "KiB", "B"} {
		if number, ok := strings.CutSuffix(s, unit); ok {
			v, err := strconv.ParseFloat(number, 64)
			if n := v * math.Pow(1024, float64(4-i)); err == nil && n >= 1 && n < 1<<62 {
				return int64(n), nil
			}
		}
	}
	return 0, fmt.Errorf("want a size such as 500MiB or 4GiB, got %q", s)
}

// loopback says whether only this host can reach an address. What cannot be
// read is left to the broker, which says what is wrong with it.
func loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	return err != nil || broker.Loopback(host)
}

// controls is what a controller needs.
type controls struct {
	connect func(...nats.Option) (*nats.Conn, error)
	limits  broker.Limits
	access  controller.Access
	rooms   func(context.Context) []broker.ServerRoom // of the servers, as far as they tell; may be nil
	ready   func()                                    // called once the streams are there; may be nil
	log     *slog.Logger
}

// run provisions the mesh and controls it until ctx ends.
func (o controls) run(ctx context.Context) {
	for wait := 250 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 5*time.Second) {
		err := o.once(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		o.log.Error("controller", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

func (o controls) once(ctx context.Context) error {
	nc, err := o.connect(nats.Name("netmon controller"), nats.IgnoreAuthErrorAbort(), nats.MaxReconnects(-1), nats.ReconnectWait(250*time.Millisecond))
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	provision := func(ctx context.Context) error {
		err := broker.Provision(ctx, js, o.limits)
		var room *broker.RoomError
		if errors.As(err, &room) && o.rooms != nil {
			room.Servers = o.rooms(ctx)
		}
		var kept *broker.KeptError
		if errors.As(err, &kept) {
			o.log.Warn("the broker keeps some of its settings", "reason", kept)
			return nil
		}
		return err
	}
	if err := provision(ctx); err != nil {
		return err
	}
	if o.access.Adopt != nil { // before anybody may change what is saved; the controller tries again
		if err := o.access.Adopt(ctx, js); err != nil {
			o.log.Error("accept what was saved before", "error", err)
		}
	}
	if o.ready != nil {
		o.ready()
	}
	ctl, err := controller.New(nc, provision, o.access, o.log)
	if err != nil {
		return err
	}
	return ctl.Run(ctx)
}

func agentCommand() *cli.Command {
	return &cli.Command{
		Name:      "agent",
		Usage:     "run an agent: measure here, and report to a broker",
		UsageText: "netmon agent --join LINE | --broker nats://HOST:4222 --id paris --label region=eu [--state FOLDER]",
		Description: "LINE is what `netmon token new agent` prints. It is needed once: the agent makes a\nkey, keeps it in its state folder, and comes back with it. --id chooses among\nseveral agents of one host; by a line for several hosts the agent is called so, else\nas its host is. A line on a command line can be read in the list of\nprocesses, and one on standard input or in NETMON_JOIN cannot.\n\n" +
			"   netmon agent --join tls://HOST:4222/join/TOKEN/PIN\n   netmon agent --join - < line\n   netmon agent --id paris",
		Flags: append(agentFlags(), brokerFlag(), logFlag(),
			&cli.StringFlag{Name: "join", EnvVars: []string{joinEnv}, Usage: "`LINE` that lets this agent in, - for that on standard input; once it did, the agent has its own key"},
			&cli.StringFlag{Name: "state", Usage: "`FOLDER` of what the agent keeps (default: " + shownDir(stateDir("agent-ID")) + ")"}),
		Before: decideForAgent,
		Action: func(c *cli.Context) error {
			log, err := logger(c)
			if err != nil {
				return err
			}
			settings, err := agentSettingsOf(c) // before a line is used
			if err != nil {
				return err
			}
			m, err := memberOf(c)
			if err != nil {
				return err
			}
			a, err := newAgent(settings, m.state, log, m, func() {
				fmt.Fprintf(c.App.Writer, "agent %s connected to %s\n", m.id, redact(m.url))
			})
			if err != nil {
				return err
			}
			go balanceHeap(c.Context)
			return a.Run(c.Context)
		},
	}
}
