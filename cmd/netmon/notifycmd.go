package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/internal/exit"
	"netmon/wire"
)

func notifyCommand() *cli.Command {
	return &cli.Command{
		Name:      "notify",
		ArgsUsage: cmdline.Nothing,
		Usage:     "show whether channels work, and test one",
		UsageText: "netmon notify ls|test",
		Action: func(c *cli.Context) error {
			return usage("notify what? want ls or test CHANNEL, got %q", c.Args().First())
		},
		Subcommands: []*cli.Command{
			{
				Name: "ls", ArgsUsage: cmdline.Nothing, Usage: "each channel: who sends for it, whether it is ready, what waits", UsageText: "netmon notify ls [-o FORM]",
				Description: "Exit 0: all that are not paused are ready, 1: one is not, or nobody sends for it.",
				Flags:       []cli.Flag{brokerFlag(), listFlag()}, Action: notifyList,
			},
			{
				Name: "test", ArgsUsage: cmdline.Channel, Usage: "have a message sent that says that it is a test, and show the answer", UsageText: "netmon notify test CHANNEL [-o json]",
				Description: "Exit 0: the other side took it, 1: it did not, or nobody sends for the channel.",
				Flags:       []cli.Flag{brokerFlag(), outputFlag("text", "json")}, Action: notifyTest,
			},
		},
	}
}

func notifyList(c *cli.Context) error {
	if err := checkForm(c); err != nil {
		return err
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		list, err := cl.Channels(ctx)
		if err != nil {
			return err
		}
		if err := printList(c, output.Channels(list, "no channel is saved: nobody is notified; netmon docs alerts shows how to add one")); err != nil {
			return err
		}
		if slices.ContainsFunc(list, func(h console.ChannelHealth) bool { return !h.Works() }) {
			return exit.With(exitNo, nil)
		}
		return nil
	})
}

func notifyTest(c *cli.Context) error {
	name, err := oneArg(c, "channel")
	if err != nil {
		return err
	}
	if err := wire.CheckToken(name); err != nil {
		return usage("channel %w", err)
	}
	form := c.String("output")
	if form != "" && form != "text" && form != "json" {
		return usage("--output: want text or json, got %q", form)
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		reply, err := cl.TestChannel(ctx, name)
		if err != nil {
			return err
		}
		if form == "json" {
			if _, err := output.List(c.App.Writer, form, "NotifyReplies", []wire.NotifyReply{reply}); err != nil {
				return err
			}
		} else {
			fmt.Fprintln(c.App.Writer, console.TestText(reply))
		}
		if reply.Outcome != wire.Sent {
			return exit.With(exitNo, nil)
		}
		return nil
	})
}
