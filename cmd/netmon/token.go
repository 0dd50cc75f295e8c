package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/broker"
	"netmon/console"
	"netmon/identity"
	"netmon/internal/cmdline"
	"netmon/internal/endpoint"
	"netmon/wire"
)

func tokenCommand() *cli.Command {
	return &cli.Command{
		Name:      "token",
		ArgsUsage: cmdline.Nothing,
		Usage:     "let agents and people join: make a line to paste on another host",
		UsageText: "netmon token new agent|console|notifier",
		Action: func(c *cli.Context) error {
			return usage("token what? want new%s; netmon access ls lists the lines that were made, and netmon access revoke ends one", gotWord(c))
		},
		Subcommands: []*cli.Command{{
			Name:      "new",
			ArgsUsage: cmdline.Nothing,
			Usage:     "make a line to join by",
			UsageText: "netmon token new agent|console|notifier",
			Action: func(c *cli.Context) error {
				return usage("a token for what? want agent, console or notifier%s", gotWord(c))
			},
			Subcommands: []*cli.Command{tokenAgent(), tokenConsole(), tokenNotifier()},
		}},
	}
}

func expiresFlag() cli.Flag {
	return &cli.DurationFlag{Name: "expires", Value: time.Hour, Usage: "how long the line may wait, as a `DURATION`"}
}

func tokenAgent() *cli.Command {
	return &cli.Command{
		Name:      "agent",
		ArgsUsage: cmdline.Nothing,
		Usage:     "for an agent, or for several",
		UsageText: "netmon token new agent --id ID [--replace] | --uses N  [--expires DURATION] [--label NAME=VALUE]...",
		Description: "The line holds a secret. An agent makes its key itself; the broker keeps a hash of\nthe secret and the public keys of those who came by it.\n\n" +
			"With --uses, several hosts use the same line; each agent is named by its --id, else\nafter its host. netmon access ls shows how often the line was used and\nwho came by it, and netmon access revoke NAME ends it. Whoever has the line may\n" +
			"join: give it no more uses and no more time than it needs.\n\n" +
			"With --replace the name is already in use, by an agent that lost its state or moves.\nThat agent keeps running until the line is used, and is shut out then. Name, labels\nand monitors stay.\n\n" +
			"   netmon token new agent --id paris --label region=eu\n   netmon token new agent --uses 50 --expires 24h --label region=eu\n   netmon token new agent --id paris --replace",
		Flags: []cli.Flag{brokerFlag(), expiresFlag(),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "id", Usage: "`ID` of the agent"}),
			cmdline.Takes(cmdline.Text, &cli.StringSliceFlag{Name: "label", Usage: "`NAME=VALUE` to choose agents by, such as region=eu; may be repeated"}),
			&cli.IntFlag{Name: "uses", Value: 1, Usage: "let up to `N` agents join by the line, 10000 at most"},
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "name", Usage: "with --uses, `NAME` of the line in netmon access ls", DefaultText: "one is made"}),
			replaceFlag()},
		Action: func(c *cli.Context) error {
			labels, err := parseLabels(c.StringSlice("label"))
			if err != nil {
				return err
			}
			q := wire.AccessCommand{Name: c.String("id"), Role: wire.RoleAgent, Labels: labels, Replace: c.Bool("replace"), Uses: c.Int("uses")}
			switch {
			case q.Uses < 1:
				return usage("--uses: want 1 or more, got %d", q.Uses)
			case q.Uses > 1 && q.Name != "":
				return usage("--id: with --uses %d each agent has an id of its own, by its --id or its host's name: leave out one of them; --name names the line", q.Uses)
			case q.Uses > 1:
				q.Name = c.String("name")
			case c.String("name") != "":
				return usage("--name: is for a line of several uses: give --uses, too, or --id instead")
			case q.Name == "":
				return usage("--id: is missing: give it, or --uses for several agents: %s", c.Command.UsageText)
			}
			return newToken(c, q, "netmon agent --join ", "")
		},
	}
}

func replaceFlag() cli.Flag {
	return &cli.BoolFlag{Name: "replace", Usage: "for a name in use: whoever has its key is shut out once the line is used", DisableDefaultText: true}
}

func tokenConsole() *cli.Command {
	return &cli.Command{
		Name:        "console",
		ArgsUsage:   cmdline.Nothing,
		Usage:       "for a person, or a program of one",
		UsageText:   "netmon token new console --name NAME [--role viewer|operator|admin] [--replace]",
		Description: "A viewer reads results and state, an operator also commands agents and saves\nmonitors, an admin also lets others in. With --replace, for somebody who lost the\nkey, the role stays the same unless --role is given.\n\n   netmon token new console --name anna --role operator",
		Flags: []cli.Flag{brokerFlag(), expiresFlag(),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "name", Usage: "`NAME` of whom the audit speaks"}),
			cmdline.Takes(cmdline.OneOf("viewer", "operator", "admin"), &cli.StringFlag{Name: "role", Value: string(wire.RoleViewer), Usage: "`ROLE`: viewer, operator or admin"}),
			replaceFlag()},
		Action: func(c *cli.Context) error {
			q := wire.AccessCommand{Name: c.String("name"), Role: wire.Role(c.String("role")), Replace: c.Bool("replace")}
			after := ""
			switch {
			case q.Role == wire.RoleAgent:
				return usage("--role agent: that is netmon token new agent --id ID")
			case q.Role == wire.RoleNotifier:
				return usage("--role notifier: that is netmon token new notifier --name NAME")
			case q.Name == "":
				return usage("--name: is missing: %s", c.Command.UsageText)
			case q.Replace:
				after = " --replace" // the earlier context
				if !c.IsSet("role") {
					q.Role = ""
				}
			}
			return newToken(c, q, "netmon context add mesh --join ", after)
		},
	}
}

func tokenNotifier() *cli.Command {
	return &cli.Command{
		Name:        "notifier",
		ArgsUsage:   cmdline.Nothing,
		Usage:       "for a notifier: a program that sends notices",
		UsageText:   "netmon token new notifier --name NAME [--replace]",
		Description: "A notifier reads incidents and channels, sends notices, and reports whether they were\ndelivered. It commands and saves nothing, and lets nobody in.\n\n   netmon token new notifier --name mail1",
		Flags: []cli.Flag{brokerFlag(), expiresFlag(),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "name", Usage: "`NAME` of the notifier"}),
			replaceFlag()},
		Action: func(c *cli.Context) error {
			q := wire.AccessCommand{Name: c.String("name"), Role: wire.RoleNotifier, Replace: c.Bool("replace")}
			if q.Name == "" {
				return usage("--name: is missing: %s", c.Command.UsageText)
			}
			return newToken(c, q, "netmon notifier --join ", "")
		},
	}
}

// newToken has the broker make a token, and prints the line for the other host
// between what makes it a command.
func newToken(c *cli.Context, q wire.AccessCommand, before, after string) error {
	if c.NArg() > 0 {
		return usage("unexpected %q: %s", c.Args().First(), c.Command.UsageText)
	}
	q.Op, q.Expires = wire.AccessToken, wire.Duration(c.Duration("expires"))
	for _, e := range wire.FieldErrors(cmdline.AsTyped(c, q.CheckExpires())) {
		return usage("--%w", e)
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		r, err := cl.Access(ctx, q)
		if err != nil {
			return err
		}
		line, err := identity.ParseLine(r.Line)
		local := err == nil && broker.LoopbackAddress(endpoint.HostPort(line.URL))
		fmt.Fprintf(c.App.ErrWriter, "%s:\n", aboutToken(q, r, local))
		fmt.Fprintf(c.App.Writer, "%s%s%s\n", before, r.Line, after)
		if text := otherHostsText(line.URL, r.Hosts); text != "" {
			fmt.Fprintln(c.App.ErrWriter, text)
		}
		if local {
			fmt.Fprintln(c.App.ErrWriter, "WARNING: the broker listens on this host only, and so the line works here only. To let other hosts in,\n"+
				"stop it, start it with --listen 0.0.0.0:4222 (or --advertise HOST, the name that they reach it by), and make a new line.")
		}
		return nil
	})
}

// otherHostsText says which addresses may take the place of the one in a line.
func otherHostsText(url string, hosts []string) string {
	if len(hosts) == 0 {
		return ""
	}
	host, _, err := net.SplitHostPort(endpoint.HostPort(url))
	if err != nil {
		return ""
	}
	for i, h := range hosts {
		if strings.Contains(h, ":") {
			hosts[i] = "[" + h + "]"
		}
	}
	return fmt.Sprintf("%s is one of the addresses of the broker's host. If others do not reach it by that one,\nput another in its place: %s", host, console.Printable(strings.Join(hosts, ", ")))
}

// aboutToken says what the line is for that comes next; a local one works on this host alone.
func aboutToken(q wire.AccessCommand, r wire.AccessReply, local bool) string {
	where, each := "the other host", "each host"
	if local {
		where, each = "this host", "this host"
	}
	who := string(q.Role) + " " + q.Name
	if q.Role == "" {
		who = q.Name
	}
	switch {
	case q.Uses > 1 && len(r.Identities) == 1:
		name := r.Identities[0].Name
		return fmt.Sprintf("works %d times, within %v, as %s in netmon access ls (netmon access revoke %s ends it); paste it on %s", q.Uses, q.Expires, name, name, each)
	case q.Replace:
		return fmt.Sprintf("works once, within %v, for %s, and shuts out the key in use; paste it on the host that is to have the name", q.Expires, who)
	}
	return fmt.Sprintf("works once, within %v, for %s; paste it on %s", q.Expires, who, where)
}
