package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/wire"
)

func accessAuthority() *cli.Command {
	return &cli.Command{
		Name:      "authority",
		ArgsUsage: cmdline.Nothing,
		Usage:     "see the mesh's own keys, and change all of them while it runs",
		UsageText: "netmon access authority [-o FORM]",
		Description: "The authority is what the broker's access folder holds: who has those files owns the\nmesh. Where somebody may have seen them, change them:\n\n" +
			"   netmon access authority            its fingerprint, and how far a change is\n   netmon access authority rotate     make other keys, and bring everybody over",
		Flags: []cli.Flag{brokerFlag(), outputFlag("text", "json")},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usage("unexpected %q: %s", c.Args().First(), "netmon access authority [rotate]")
			}
			form := c.String("output")
			if form != "" && form != "text" && form != "json" {
				return usage("-o: want text or json, got %q", form)
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				s, err := cl.Authority(ctx, wire.AccessCommand{Op: wire.AccessAuthority})
				if err != nil {
					return err
				}
				if form == "json" {
					return output.JSON(c.App.Writer, s)
				}
				output.Authority(c.App.Writer, s)
				return nil
			})
		},
		Subcommands: []*cli.Command{authorityRotate()},
	}
}

func authorityRotate() *cli.Command {
	return &cli.Command{
		Name:      "rotate",
		ArgsUsage: cmdline.Nothing,
		Usage:     "change all of the mesh's own keys while everybody stays",
		UsageText: "netmon access authority rotate [--without NAME | --without-missing | --abort]",
		Description: "The broker makes another authority, and agents and consoles that are in fetch it and\ntheir credentials from it. Once all have done so it takes over: the broker restarts\nwithin a second or two, agents keep measuring, and the earlier keys are refused. The command\nwaits for that; without it the change continues as well. A person has it after any\ncommand. Who is missing is named, and stays out if you continue without.\n\n" +
			"   netmon access authority rotate\n   netmon access authority rotate --without tokyo     it joins again later\n   netmon access authority rotate --abort",
		Flags: []cli.Flag{brokerFlag(),
			cmdline.Takes(cmdline.Identity, &cli.StringSliceFlag{Name: "without", Usage: "continue without the identity `NAME`, which then has to join again; may be repeated"}),
			&cli.BoolFlag{Name: "without-missing", Usage: "continue without all who are missing now", DisableDefaultText: true},
			&cli.BoolFlag{Name: "abort", Usage: "give it up, before the switch", DisableDefaultText: true}},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usage("unexpected %q: %s", c.Args().First(), c.Command.UsageText)
			}
			q := wire.AccessCommand{Op: wire.AccessAuthorityRotate, Without: c.StringSlice("without"), Missing: c.Bool("without-missing")}
			if c.Bool("abort") {
				if len(q.Without) > 0 || q.Missing {
					return usage("--abort: cancels the change: leave out --without and --without-missing")
				}
				q = wire.AccessCommand{Op: wire.AccessAuthorityAbort}
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				s, err := cl.Authority(ctx, q)
				if err != nil {
					return err
				}
				if q.Op == wire.AccessAuthorityAbort {
					fmt.Fprintf(c.App.Writer, "given up: %s stays the authority\n", s.Pin)
					return nil
				}
				return output.Rotation{Out: c.App.Writer, Talk: c.App.ErrWriter}.Await(ctx, cl, s)
			})
		},
	}
}
