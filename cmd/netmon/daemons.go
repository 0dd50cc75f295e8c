package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"netmon/internal/host"

	"github.com/urfave/cli/v2"

	"netmon/broker"
	"netmon/console"
	"netmon/export"
	"netmon/internal/cmdline"
	"netmon/internal/endpoint"
	"netmon/internal/membership"
	"netmon/internal/userdirs"
	"netmon/probes/kinds"
)

func listenFlag() cli.Flag {
	return cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "listen", Value: "127.0.0.1:4222", Usage: "`HOST:PORT` that agents and consoles connect to"})
}

func storeFlag() cli.Flag {
	return cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: "store", Value: userdirs.State("broker"), Usage: "`FOLDER` of saved monitors and results"})
}

func agentFlags() []cli.Flag {
	return []cli.Flag{
		cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "id", Value: membership.HostID(), DefaultText: "the host's name", Usage: "`ID` of the agent: 1 to 64 of A-Z a-z 0-9 _ -, not - first"}),
		cmdline.Takes(cmdline.Text, &cli.StringSliceFlag{Name: "label", Usage: "`NAME=VALUE` to choose agents by, such as region=eu; may be repeated"}),
		cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "spool-size", Value: "1GiB", Usage: "keep at most this `SIZE` of results while the broker is away; the oldest go first"}),
		&cli.DurationFlag{Name: "spool-age", Value: 7 * 24 * time.Hour, Usage: "and none older than this `DURATION`"},
		policyFlag(),
	}
}

func brokerCommand() *cli.Command {
	return &cli.Command{
		Name:      "broker",
		ArgsUsage: cmdline.Nothing,
		Usage:     "run the broker: a NATS server with JetStream, and the controller",
		UsageText: "netmon broker [--listen 127.0.0.1:4222] [--store FOLDER] [--config FILE] [--monitors FOLDER]",
		Description: "Where a --config lets in whoever comes, the broker does not start, and lists what\nis open and what closes it, unless there is --insecure. A broker without one that\nothers can reach lets in only whom you let in, over TLS:\n\n" +
			"   netmon broker --listen 0.0.0.0:4222\n   netmon token new agent --id paris        a line to paste on the other host\n" +
			"   netmon token new console --name anna --role operator",
		Flags: append(append(limitFlags(), accessFlags()...), listenFlag(), storeFlag(), bringAlongFlag(), logFlag(),
			cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: "config", Usage: "nats-server configuration `FILE`, for clusters, TLS and accounts; replaces --listen"}),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "http", Usage: "`HOST:PORT` of nats-server's monitoring pages, which ask nobody who they are"}),
			&cli.IntFlag{Name: "max-connections", Value: broker.DefaultClientLimits().Connections, Usage: "take at most `N` agents and consoles at once"},
			&cli.BoolFlag{Name: "no-controller", Usage: "run the server only"}, stateOfControllerFlag("that of --store, else "+userdirs.Shown(userdirs.State("controller"))), notifyPolicyFlag(), noNotifierFlag(), monitorsFolderFlag(), monitorsPruneFlag()),
		Action: func(c *cli.Context) error {
			log, err := logger(c)
			if err != nil {
				return err
			}
			if err := checkSizes(c, "results-size"); err != nil {
				return err
			}
			o := host.BrokerOptions{AskAll: c.Bool("access"), NoController: c.Bool("no-controller"), Talk: c.App.ErrWriter,
				Options: broker.Options{MaxStore: storeFrom(c), Listen: c.String("listen"), Store: c.String("store"), Config: c.String("config"), HTTP: c.String("http"), Insecure: c.Bool("insecure"), BringAlong: c.String("bring-along"), Log: log}}
			if n := c.Int("max-connections"); n < 1 {
				return usage("--max-connections: want 1 or more, got %d", n)
			} else if c.IsSet("max-connections") || o.Config == "" {
				o.ClientLimits.Connections = n
			}
			switch {
			case o.Config != "" && o.AskAll:
				return usage("--access: who may come in says the file of --config: leave one of them out, or have netmon access export write the file")
			case o.Config != "" && o.BringAlong != "":
				return usage("--bring-along: with --config the accounts are those of the file: leave one of them out; docs/security.md has the way with nats stream backup")
			case o.Config != "" && !c.IsSet("store"):
				o.Store = ""
			case o.Config == "" && o.Store == "":
				return userdirs.Homeless("--store")
			case o.Config == "":
				o.Advertise = c.String("advertise")
			}
			folder, err := historyFolder(c, o.Store)
			if err != nil {
				return err
			}
			files, err := filesOf(c)
			if err != nil {
				return err
			}
			if files != nil && o.NoController {
				return usage("--monitors: it is the controller that keeps what is saved by files: leave --no-controller out")
			}
			s := host.Serving{Files: files, History: host.History{Folder: folder, Kinds: kinds.All()}}
			if s.Notifier, err = ownNotifierOf(c, log, false); err != nil {
				return err
			}
			b, err := host.Start(c.Context, o)
			if err != nil {
				return err
			}
			defer b.Close()
			ready := sync.OnceFunc(func() {
				fmt.Fprintf(c.App.Writer, "broker ready on %s\n", b.URL())
				b.PrintAccess(c.App.ErrWriter)
			})
			if o.NoController {
				s.Notifier = nil
				ready()
				return b.Serve(c.Context, s)
			}
			limits := limitsFrom(c, b.DefaultLimits())
			s.Limits, s.Kept = &limits, ready            // what is asked of it next finds the streams
			late := time.AfterFunc(readyPatience, ready) // in a cluster it may take others
			defer late.Stop()
			return b.Serve(c.Context, s)
		},
	}
}

// stateOfControllerFlag says where a controller keeps history.
func stateOfControllerFlag(byDefault string) cli.Flag {
	return cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: "state", Usage: "`FOLDER` in which the controller keeps history", DefaultText: byDefault})
}

// historyFolder is that folder: what was given, else beside the streams of a store, else
// this user's own.
func historyFolder(c *cli.Context, store string) (string, error) {
	switch {
	case c.String("state") != "":
		return c.String("state"), nil
	case store != "":
		return broker.HistoryFolder(store), nil
	case userdirs.State("controller") == "":
		return "", userdirs.Homeless("--state")
	}
	return userdirs.State("controller"), nil
}

// limitFlags bound what the broker keeps. The oldest results go first.
func limitFlags() []cli.Flag {
	return []cli.Flag{
		&cli.DurationFlag{Name: "results-age", Usage: "keep results for this `DURATION`", DefaultText: "168h"},
		cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "results-size", Usage: "keep results of this `SIZE` on disk, such as 10GiB; in a cluster, and of a controller beside a nats-server, before compression", DefaultText: "4GiB, or half of the disk's room"}),
		&cli.IntFlag{Name: "replicas", Value: 1, Usage: "copies of each stream in a cluster: 1, 3 or 5"},
	}
}

// checkSizes reads the sizes among the flags before anything is started.
func checkSizes(c *cli.Context, names ...string) error {
	for _, name := range names {
		if _, err := console.ParseSize(c.String(name)); c.IsSet(name) && err != nil {
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
	if n, err := console.ParseSize(c.String("results-size")); err == nil {
		l.ResultsBytes = n
	}
	return l
}

// storeFrom is what the store may use where a size of results was asked for; with a
// configuration file that is the file's to say.
func storeFrom(c *cli.Context) int64 {
	if n, err := console.ParseSize(c.String("results-size")); err == nil && c.String("config") == "" {
		return broker.StoreFor(n)
	}
	return 0
}
func agentCommand() *cli.Command {
	return &cli.Command{
		Name:      "agent",
		ArgsUsage: cmdline.Nothing,
		Usage:     "run an agent: measure here, and report to a broker",
		UsageText: "netmon agent --join LINE | --broker nats://HOST:4222 --id paris --label region=eu [--state FOLDER]",
		Description: "LINE is what `netmon token new agent` prints. It is needed once: the agent makes a\nkey, keeps it in its state folder, and comes back with it. --id chooses among\nseveral agents of one host; by a line for several hosts the agent is called so, else\nas its host is. A line on a command line can be read in the list of\nprocesses, and one on standard input or in NETMON_JOIN cannot.\n\n" +
			"   netmon agent --join tls://HOST:4222/join/TOKEN/PIN\n   netmon agent --join - < line\n   netmon agent --id paris",
		Flags: append(append(agentFlags(), metricsFlags()...), brokerFlag(), logFlag(),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "join", EnvVars: []string{membership.LineEnv}, Usage: "`LINE` that lets this agent in, - for that on standard input; once it did, the agent has its own key"}),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "js-domain", EnvVars: []string{"NETMON_JS_DOMAIN"}, Usage: "`DOMAIN` of JetStream, for an agent behind a leaf node", DefaultText: "is found"}),
			cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: "state", Usage: "`FOLDER` of what the agent keeps (default: " + userdirs.Shown(userdirs.State("agent-ID")) + ")"})),
		Before: decideForAgent,
		Action: func(c *cli.Context) error {
			log, err := logger(c)
			if err != nil {
				return err
			}
			settings, err := agentOptionsOf(c) // before a line is used
			if err != nil {
				return err
			}
			m, err := memberBy(c)
			if err != nil {
				return err
			}
			settings.Log = log
			settings.Opened = func() {
				fmt.Fprintf(c.App.Writer, "agent %s connected to %s\n", m.ID, endpoint.Redact(m.URL))
			}
			served, err := listenMetrics(c, log)
			if err != nil {
				return err
			}
			defer served.close()
			own := export.NewOwn(kinds.All(), version)
			if served != nil {
				settings.Measured = own.Measured
			}
			a, err := host.NewAgent(settings, m.State, m)
			if err != nil {
				return err
			}
			if served == nil {
				return host.RunAgent(c.Context, a)
			}
			served.say(c.App.Writer)
			return served.while(c.Context, func(ctx context.Context) error { return host.RunAgent(ctx, a) }, func(ctx context.Context) error { return own.Serve(ctx, served.l, a, served.by.Access, log) }, log)
		},
	}
}

// accessFlags are those of what runs a broker.
func accessFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "access", Usage: "let in only whom you let in, over TLS; always so where others can reach --listen", DisableDefaultText: true},
		cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "advertise", Usage: "`HOST[:PORT]` that others reach this broker by", DefaultText: "the address of --listen"}),
		&cli.BoolFlag{Name: "insecure", Usage: "listen without TLS and authentication: whoever reaches the port commands your agents", DisableDefaultText: true},
	}
}

func bringAlongFlag() cli.Flag {
	return cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "bring-along", Usage: "continue with what `ACCOUNT` of --store keeps, open or a key, also where what is in use must be set aside for it: a start says which there are"})
}
