package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/broker/access"
	"netmon/console"
	"netmon/console/output"
	"netmon/console/shellwords"
	"netmon/identity"
	"netmon/internal/cmdline"
	"netmon/internal/endpoint"
	"netmon/internal/userdirs"
	"netmon/wire"
)

func accessCommand() *cli.Command {
	return &cli.Command{
		Name:      "access",
		ArgsUsage: cmdline.Nothing,
		Usage:     "list who has access, shut somebody out, change keys",
		UsageText: "netmon access ls|revoke|resume|rotate|consumers|authority|nats|export",
		Action: func(c *cli.Context) error {
			return usage("access what? want ls, revoke, resume, rotate, consumers, authority, nats or export, got %q", c.Args().First())
		},
		Subcommands: []*cli.Command{accessLs(), accessRevoke(), accessResume(), accessRotate(), accessConsumers(), accessAuthority(), accessNats(), accessExport()},
	}
}

func accessLs() *cli.Command {
	return &cli.Command{
		Name:      "ls",
		ArgsUsage: cmdline.Nothing,
		Usage:     "list the identities, also those that did not join yet",
		UsageText: "netmon access ls [--by NAME] [-o FORM]",
		Description: "A line for several agents (netmon token new agent --uses) is listed with how often\nit may still be used; BY of an agent that came by it names it. To shut out whoever came by\none, or was let in by an admin:\n\n" +
			"   netmon access ls --by NAME -o name | xargs -n 1 netmon access revoke",
		Flags: []cli.Flag{brokerFlag(), listFlag(),
			cmdline.Takes(cmdline.Identity, &cli.StringFlag{Name: "by", Usage: "only those whom the admin `NAME` let in, or who came by the line of that name"})},
		Action: func(c *cli.Context) error {
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				identities, err := cl.Identities(ctx)
				if err != nil {
					return err
				}
				if by := c.String("by"); by != "" {
					identities = slices.DeleteFunc(identities, func(i wire.Identity) bool { return i.By != by && i.Token != by })
				}
				return printList(c, output.Identities(identities))
			})
		},
	}
}

func accessRevoke() *cli.Command {
	return aboutOne(wire.AccessRevoke, "shut somebody out, now", "Connections with the key end at once, and it never comes in again. The name may\nbe given again, with another key. A line that was not used, or not by as many as it\nis for, is worthless from now on; those who came by it stay: netmon access ls\n--by NAME lists them.\nAn agent is in no list and no count any more, and its results stay.",
		"is shut out")
}

func accessResume() *cli.Command {
	return aboutOne(wire.AccessResume, "let a suspended agent in again, now", "The broker suspends an agent that stores more than its share of the results. A\nsuspension ends by itself; netmon access ls says when, and why there is one. The\nagent tries again within 5 minutes.",
		"is let in again")
}

// aboutOne does something to one identity; done says so.
func aboutOne(op wire.AccessOp, does, description, done string) *cli.Command {
	return &cli.Command{
		Name:        string(op),
		ArgsUsage:   cmdline.Identity,
		Usage:       does,
		UsageText:   "netmon access " + string(op) + " NAME",
		Description: description,
		Flags:       []cli.Flag{brokerFlag()},
		Action: func(c *cli.Context) error {
			name, err := oneArg(c, "name")
			if err != nil {
				return err
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				if _, err := cl.Access(ctx, wire.AccessCommand{Op: op, Name: name}); err != nil {
					return err
				}
				fmt.Fprintf(c.App.Writer, "%s %s\n", name, done)
				return nil
			})
		},
	}
}

func accessRotate() *cli.Command {
	return &cli.Command{
		Name:        "rotate",
		ArgsUsage:   cmdline.Agent,
		Usage:       "change a key: that of an agent, or your own",
		UsageText:   "netmon access rotate [AGENT]",
		Description: "The new key is made where the old one is. The old one is shut out once the new one\nis in use; nothing is lost meanwhile. That of a notifier changes on its own host:\nnetmon access rotate --creds STATE/identity",
		Flags:       []cli.Flag{brokerFlag()},
		Action: func(c *cli.Context) error {
			if c.NArg() > 1 {
				return usage("unexpected %q: %s", c.Args().Get(1), c.Command.UsageText)
			}
			own := ownIdentity(c)
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				if agent := c.Args().First(); agent != "" {
					return rotateAgent(ctx, c, cl, agent)
				}
				if own == "" {
					return usage("rotate whose key? the broker in use was not joined with a token: name an agent")
				}
				ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
				defer cancel()
				if err := identity.Rotate(ctx, cl.Conn(), own); err != nil {
					return err
				}
				fmt.Fprintln(c.App.Writer, "your key was replaced, and the previous one is shut out")
				return nil
			})
		},
	}
}

// ownIdentity is the folder of who gives the command, "" for nobody who joined.
func ownIdentity(c *cli.Context) string {
	if s := invocationOf(c).session; s != nil {
		at, _, _ := s.now()
		return at.Identity
	}
	return endpointOf(c).Identity
}

func rotateAgent(ctx context.Context, c *cli.Context, cl *console.Client, agent string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := cl.Command(ctx, agent, wire.Command{Op: wire.OpRotate})
	if err != nil {
		return fmt.Errorf("agent %s: %w", agent, err)
	}
	if r.Error != nil {
		return fmt.Errorf("agent %s: %w", agent, r.Error)
	}
	fmt.Fprintf(c.App.Writer, "%s changes its key; netmon access ls shows it as rotating until the old one is shut out\n", agent)
	return nil
}

func accessNats() *cli.Command {
	return &cli.Command{
		Name:        "nats",
		ArgsUsage:   cmdline.Nothing,
		Usage:       "print a line that gives the nats program your identity",
		UsageText:   "netmon access nats",
		Description: "It makes a context of that program and selects it:\n\n   eval \"$(netmon access nats)\" && nats sub 'results.>'",
		Flags:       []cli.Flag{brokerFlag()},
		Action: func(c *cli.Context) error {
			own := ownIdentity(c)
			if own == "" {
				fmt.Fprintf(c.App.Writer, "nats context save netmon --server %s --select\n", shellwords.Quote(endpoint.Redact(endpointOf(c).URL)))
				return nil
			}
			id, err := identity.Load(own)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.App.Writer, "nats context save netmon --server %s --creds %s --tlsca %s --inbox-prefix %s --select\n",
				shellwords.Quote(id.URL), shellwords.Quote(identity.Creds(own)), shellwords.Quote(identity.CA(own)), shellwords.Quote(id.Inbox()))
			return nil
		},
	}
}

func accessExport() *cli.Command {
	return &cli.Command{
		Name:      "export",
		ArgsUsage: cmdline.Nothing,
		Usage:     "write what a nats-server of your own needs to know the same identities",
		UsageText: "netmon access export --out FOLDER --advertise HOST [--store FOLDER]",
		Description: "Makes a mesh's keys in --store where there are none. The keys stay there: run\n`netmon controller --access STORE/access` beside the server, and it lets people in\nand shuts them out there.\n\n" +
			"   netmon access export --out conf --advertise nats.example.org\n   cd conf && nats-server -c nats-server.conf",
		Flags: []cli.Flag{storeFlag(),
			cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: "out", Usage: "`FOLDER` for the configuration; made when missing"}),
			cmdline.Takes(cmdline.Text, &cli.StringSliceFlag{Name: "advertise", Usage: "`HOST` that others reach the server by, for its certificate; may be repeated"}),
			&cli.IntFlag{Name: "port", Value: 4222, Usage: "`PORT` to listen on"}},
		Action: func(c *cli.Context) error {
			out := c.String("out")
			if out == "" {
				return usage("--out: is missing: want a folder for the configuration")
			}
			if c.String("store") == "" {
				return userdirs.Homeless("--store")
			}
			folder := access.FolderOf(c.String("store"))
			a, err := access.Open(folder, c.StringSlice("advertise"), nil)
			if err != nil {
				return err
			}
			defer a.Close()
			if err := a.Export(out, c.Int("port")); err != nil {
				return err
			}
			// An admin for who runs this: without a broker of ours nobody else makes one.
			host := "127.0.0.1"
			if hosts := c.StringSlice("advertise"); len(hosts) > 0 {
				host = hosts[0]
			}
			if err := a.WriteAdmin(a.Admin(), fmt.Sprintf("tls://%s:%d", host, c.Int("port"))); err != nil {
				return err
			}
			fmt.Fprintf(c.App.Writer, "wrote %s\n", out)
			fmt.Fprintf(c.App.ErrWriter, "run there:  nats-server -c nats-server.conf\nand here:   netmon controller --access %s --broker tls://%s:%d\n", folder, host, c.Int("port"))
			return nil
		},
	}
}
