package main

import (
	"context"
	"fmt"

	"netmon/internal/host"

	"github.com/urfave/cli/v2"

	"netmon/broker"
	"netmon/broker/access"
	"netmon/internal/cmdline"
	"netmon/internal/endpoint"
	"netmon/internal/userdirs"
	"netmon/probes/kinds"
)

func controllerCommand() *cli.Command {
	return &cli.Command{
		Name:      "controller",
		ArgsUsage: cmdline.Nothing,
		Usage:     "run the controller beside a NATS server that is not netmon's",
		UsageText: "netmon controller [--broker nats://HOST:4222] [--replicas 3] [--access FOLDER] [--monitors FOLDER]",
		Description: "With --access it also lets in whom you let in: FOLDER is the one that netmon\naccess export made the server's configuration from.\n\n" +
			"   netmon access export --store FOLDER --out conf --advertise nats.example.org\n   nats-server -c conf/nats-server.conf\n" +
			"   netmon controller --access FOLDER/access --broker tls://nats.example.org:4222",
		Flags: append(append(limitFlags(), metricsFlags()...), brokerFlag(), logFlag(), stateOfControllerFlag(userdirs.Shown(userdirs.State("controller"))), notifyPolicyFlag(), noNotifierFlag(), monitorsFolderFlag(), monitorsPruneFlag(),
			cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: "access", Usage: "`FOLDER` of the mesh's keys and identities"})),
		Action: func(c *cli.Context) error {
			log, err := logger(c)
			if err != nil {
				return err
			}
			if err := checkSizes(c, "results-size"); err != nil {
				return err
			}
			limits := limitsFrom(c, broker.DefaultLimits())
			folder, err := historyFolder(c, "")
			if err != nil {
				return err
			}
			files, err := filesOf(c)
			if err != nil {
				return err
			}
			e := endpointOf(c)
			ctl := host.Outside{Endpoint: e, Files: files, Limits: limits, History: host.History{Folder: folder, Kinds: kinds.All()}, Log: log, Ready: func() { fmt.Fprintf(c.App.Writer, "controller ready at %s\n", endpoint.Redact(e.URL)) }}
			if ctl.NotifierOptions, err = ownNotifierOf(c, log, false); err != nil {
				return err
			}
			if folder := c.String("access"); folder != "" {
				if !access.Exists(folder) {
					return usage("--access %s: there are no keys of a mesh: netmon access export makes them", folder)
				}
				if ctl.Authority, err = access.Open(folder, nil, log); err != nil {
					return err
				}
				defer ctl.Authority.Close()
			}
			served, err := listenMetrics(c, log)
			if err != nil {
				return err
			}
			defer served.close()
			return served.beside(c.Context, endpoint.BrokerOf(e).Who, ctl.Connection(), log, func(ctx context.Context) error {
				served.say(c.App.Writer)
				return ctl.Run(ctx)
			})
		},
	}
}
