package main

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/internal/cmdline"
	"netmon/internal/endpoint"
	"netmon/internal/host"
	"netmon/internal/membership"
	"netmon/internal/userdirs"
	"netmon/notify/policyfile"
	"netmon/wire"
)

func notifierCommand() *cli.Command {
	return &cli.Command{
		Name:      "notifier",
		ArgsUsage: cmdline.Nothing,
		Usage:     "run a notifier: send notices from this host",
		UsageText: "netmon notifier --join LINE | --broker nats://HOST:4222 [--notify-policy FILE]",
		Description: "netmon up, broker and controller run a notifier, too. This one is for a host that\nreaches what they do not, or has secrets that they should not have. Each channel\nbelongs to one notifier at a time; one that lacks a channel's secrets leaves it to\nothers.\n" +
			"LINE is what `netmon token new notifier` prints. It is needed once.\n\n" +
			"   netmon token new notifier --name alerts\n   netmon notifier --join tls://HOST:4222/join/TOKEN/PIN",
		Flags: []cli.Flag{brokerFlag(), logFlag(), notifyPolicyFlag(),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "name", Value: membership.HostID(), DefaultText: "the host's name", Usage: "`NAME` of the notifier, to choose among several of one host"}),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "join", EnvVars: []string{membership.LineEnv}, Usage: "`LINE` that lets this notifier in, - for that on standard input; once it did, the notifier has its own key"}),
			cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: "state", Usage: "`FOLDER` of its key (default: " + userdirs.Shown(userdirs.State("notifier-NAME")) + ")"})},
		Before: decideForAgent,
		Action: func(c *cli.Context) error {
			log, err := logger(c)
			if err != nil {
				return err
			}
			if err := wire.CheckToken(c.String("name")); err != nil {
				return usage("--name %w", err)
			}
			o, err := notifierOptionsOf(c, log, false) // before a line is used
			if err != nil {
				return err
			}
			line, err := membership.ReadLine(c.Context, c.App.Reader, c.String("join"))
			if err != nil {
				return err
			}
			joined, err := membership.FindNotifier(c.Context, membership.Wanted{
				ID: c.String("name"), IDGiven: c.IsSet("name"), State: c.String("state"), Line: line,
				Endpoint: endpointOf(c), BrokerGiven: c.IsSet("broker"), CredsGiven: len(c.StringSlice("creds")) > 0,
				Undecided: invocationOf(c).broker.err, Say: c.App.ErrWriter,
			})
			if err != nil {
				return err
			}
			o.Opened = func() {
				fmt.Fprintf(c.App.Writer, "notifier %s connected to %s\n", joined.Name, endpoint.Redact(joined.URL))
			}
			return host.RunNotifier(c.Context, *o, joined)
		},
	}
}

func notifyPolicyFlag() cli.Flag {
	return cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: "notify-policy", EnvVars: []string{"NETMON_NOTIFY_POLICY"},
		Usage: "`FILE` that says what channels may reach, and where secrets may go (default: the first there is of " + strings.Join(policyfile.Paths(), ", ") + "; else a policy that denies cloud metadata, link-local addresses and this host, and lets no secret go anywhere)"})
}

func noNotifierFlag() cli.Flag {
	return &cli.BoolFlag{Name: "no-notifier", Usage: "send nothing from this process: netmon notifier does elsewhere", DisableDefaultText: true}
}

// ownNotifierOf is what flags say of the notifier of a process that runs more than that;
// nil for none. Where loopback says so, channels may reach this host.
func ownNotifierOf(c *cli.Context, log *slog.Logger, loopback bool) (*host.NotifierOptions, error) {
	if c.Bool("no-notifier") {
		return nil, nil
	}
	return notifierOptionsOf(c, log, loopback)
}

func notifierOptionsOf(c *cli.Context, log *slog.Logger, loopback bool) (*host.NotifierOptions, error) {
	p, file, err := policyfile.Find(c.String("notify-policy"), loopback)
	if err != nil {
		return nil, err
	}
	return &host.NotifierOptions{Policy: p, File: file, Version: version, Log: log}, nil
}

// channelsOf are the channels that files have.
func channelsOf(w console.Wanted) (out []wire.Channel) {
	for _, s := range w.Settings {
		if c, ok := s.(*wire.Channel); ok {
			out = append(out, *c)
		}
	}
	return out
}
