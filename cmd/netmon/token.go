package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/wire"
)

func tokenCommand() *cli.Command {
	return &cli.Command{
		Name:      "token",
		Usage:     "let somebody join: make a line to paste on the other host",
		UsageText: "netmon token new agent|console",
		Action: func(c *cli.Context) error {
			return usage("token what? want new, got %q", c.Args().First())
		},
		Subcommands: []*cli.Command{{
			Name:      "new",
			Usage:     "make a line that works once",
			UsageText: "netmon token new agent|console",
			Action: func(c *cli.Context) error {
				return usage("a token for what? want agent or console, got %q", c.Args().First())
			},
			Subcommands: []*cli.Command{tokenAgent(), tokenConsole()},
		}},
	}
}

func expiresFlag() cli.Flag {
	return &cli.DurationFlag{Name: "expires", Value: time.Hour, Usage: "how long the line may wait, as a `DURATION`"}
}

func tokenAgent() *cli.Command {
	return &cli.Command{
		Name:        "agent",
		Usage:       "for an agent",
		UsageText:   "netmon token new agent --id ID [--label NAME=VALUE]...",
		Description: "The line holds a secret that works once. The agent makes its key itself; the\nbroker keeps a hash of the secret and, after it is used, the public key.\n\n   netmon token new agent --id paris --label region=eu",
		Flags: []cli.Flag{brokerFlag(), expiresFlag(),
			&cli.StringFlag{Name: "id", Usage: "`ID` of the agent"},
			&cli.StringSliceFlag{Name: "label", Usage: "`NAME=VALUE` to choose agents by, such as region=eu; may be repeated"}},
		Action: func(c *cli.Context) error {
			labels, err := parseLabels(c.StringSlice("label"))
			if err != nil {
				return err
			}
			return newToken(c, wire.AccessCommand{Name: c.String("id"), Role: wire.RoleAgent, Labels: labels}, "--id", "netmon agent --join ")
		},
	}
}

func tokenConsole() *cli.Command {
	return &cli.Command{
		Name:        "console",
		Usage:       "for a person, or a program of one",
		UsageText:   "netmon token new console --name NAME [--role viewer|operator|admin]",
		Description: "A viewer reads results and state, an operator also commands agents and saves\nmonitors, an admin also lets others in.\n\n   netmon token new console --name anna --role operator",
		Flags: []cli.Flag{brokerFlag(), expiresFlag(),
			&cli.StringFlag{Name: "name", Usage: "`NAME` of whom the audit speaks"},
			&cli.StringFlag{Name: "role", Value: string(wire.RoleViewer), Usage: "`ROLE`: viewer, operator or admin"}},
		Action: func(c *cli.Context) error {
			role := wire.Role(c.String("role"))
			if role == wire.RoleAgent {
				return usage("--role agent: that is netmon token new agent --id ID")
			}
			return newToken(c, wire.AccessCommand{Name: c.String("name"), Role: role}, "--name", "netmon context add mesh --join ")
		},
	}
}

// newToken has the broker make a token, and prints the line for the other host.
func newToken(c *cli.Context, q wire.AccessCommand, flag, before string) error {
	if c.NArg() > 0 {
		return usage("unexpected %q: %s", c.Args().First(), c.Command.UsageText)
	}
	if q.Name == "" {
		return usage("%s: is missing: %s", flag, c.Command.UsageText)
	}
	q.Op, q.Expires = wire.AccessToken, wire.Duration(c.Duration("expires"))
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		r, err := cl.Access(ctx, q)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.App.ErrWriter, "works once, within %v, for %s %s; paste it on the other host:\n", q.Expires, q.Role, q.Name)
		fmt.Fprintf(c.App.Writer, "%s%s\n", before, r.Line)
		return nil
	})
}
