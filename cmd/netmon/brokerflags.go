package main

import (
	"context"
	"slices"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/internal/cmdline"
	"netmon/internal/endpoint"
)

// brokerFlag is --broker. A command that has it is given --context and --creds
// too, and what c.String("broker") says has been decided before it runs.
func brokerFlag() cli.Flag {
	return cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "broker", Category: cmdline.ForBroker, DefaultText: "that of the context, else " + console.DefaultBroker,
		Usage: "`URL` of the broker; several, by commas, of a cluster [$NETMON_BROKER]"})
}

func endpointFlags() []cli.Flag {
	return []cli.Flag{
		cmdline.Takes(cmdline.Contexts, &cli.StringFlag{Name: "context", Category: cmdline.ForBroker, Usage: "`NAME` of a broker, as netmon context ls shows them [$NETMON_CONTEXT]"}),
		cmdline.Takes(cmdline.Files, &cli.StringSliceFlag{Name: "creds", Category: cmdline.ForBroker, Usage: "`FILE` of NATS credentials, twice for a JWT and its seed; or the folder of an identity [$NETMON_CREDS]"}),
	}
}

// withEndpoint makes a command that has --broker decide on one before it runs.
// One that has its own Before decides there, if at all.
func withEndpoint(c *cli.Command) {
	if cmdline.Find(c.Flags, "broker") == nil || cmdline.Find(c.Flags, "creds") != nil {
		return
	}
	c.Flags = slices.Concat(c.Flags, endpointFlags())
	if c.Before == nil {
		c.Before = decideEndpoint
	}
}

// decideEndpoint says with which broker the command has to do.
func decideEndpoint(c *cli.Context) error {
	if c.IsSet("broker") && c.String("broker") == "" {
		return usage("--broker: want a URL such as nats://host:4222, got nothing")
	}
	e, err := endpoint.Choose(c.String("broker"), c.String("context"), c.StringSlice("creds"))
	if err != nil {
		return err
	}
	if err := endpoint.CheckCreds(e.Creds); err != nil {
		return usage("credentials for %s, by %s: %w", endpoint.Redact(e.URL), e.From, err)
	}
	invocationOf(c).broker = decision{endpoint: e, asked: c.IsSet("broker")}
	return c.Set("broker", e.URL)
}

// endpointOf is what withEndpoint decided.
func endpointOf(c *cli.Context) endpoint.Endpoint {
	if e := invocationOf(c).broker.endpoint; e.URL != "" {
		return e
	}
	return endpoint.Endpoint{URL: c.String("broker"), From: "--broker"}
}

// withBroker runs do with a connected console: the prompt's, for its commands.
func withBroker(c *cli.Context, do func(ctx context.Context, cl *console.Client) error) error {
	if s := invocationOf(c).session; s != nil {
		return s.with(c.Context, do)
	}
	p := endpointOf(c)
	cl, err := console.ConnectAs(p.Person(), p.Connect, endpoint.ConnectBy(c.Context)...)
	if err != nil {
		return p.Explain(err)
	}
	defer cl.Close()
	return do(c.Context, cl)
}
