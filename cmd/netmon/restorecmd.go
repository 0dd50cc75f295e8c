package main

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"netmon/broker/access"
	"netmon/broker/backup"
	"netmon/console"
	"netmon/console/shellwords"
	"netmon/internal/cmdline"
	"netmon/internal/endpoint"
	"netmon/internal/host"
	"netmon/internal/timetext"
	"netmon/internal/userdirs"
	"netmon/wire"
)

func restoreCommand() *cli.Command {
	return &cli.Command{
		Name:      "restore",
		ArgsUsage: cmdline.Files,
		Usage:     "restore a backup into an empty store or an empty nats-server",
		UsageText: "netmon restore DIR --store FOLDER | netmon restore DIR --access FOLDER --broker URL",
		Description: "Verifies all of the backup first. The store must be empty, and no broker may run on\nit; start one there afterwards, on this host or another. Agents come back by their own\nkeys if they reach the address. Whoever was shut out since the backup is in again.\n--access and --broker are for a nats-server that is not embedded: the first call puts\nthe keys into FOLDER, and the second one, with the server running, the streams.\n\n" +
			"   netmon restore /backup/2026-11-28 --store /var/lib/netmon/broker\n   netmon restore /backup/2026-11-28 --store new --results-age 8760h   results older than the limit stay",
		Flags: []cli.Flag{brokerFlag(), storeFlag(), quietFlag(), logFlagFrom("error"),
			cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: "access", Usage: "`FOLDER` of the mesh's keys and identities, beside a nats-server"}),
			&cli.DurationFlag{Name: "results-age", Usage: "keep results for this `DURATION`; give it to the broker, too", DefaultText: "what it was"},
			stateOfControllerFlag("that of --store; with --access " + userdirs.Shown(userdirs.State("controller")))},
		Action: restoreAction,
	}
}

func restoreAction(c *cli.Context) error {
	dir, err := oneArg(c, "folder")
	if err != nil {
		return err
	}
	log, err := logger(c)
	if err != nil {
		return err
	}
	if age := c.Duration("results-age"); c.IsSet("results-age") && age < 2*time.Minute {
		return usage("--results-age: want 2m or more, got %q", cmdline.Typed(c, "results-age"))
	}
	m, err := backup.Read(dir)
	if err != nil {
		return err
	}
	say := talk(c)
	fmt.Fprintf(say, "backup of %s, by netmon %s on %s: %s\n", timetext.Zoned(m.Began), console.Printable(m.Netmon), console.Printable(m.Host), contents(m))
	o := backup.RestoreOptions{Progress: progressOn(say, "restored"), Log: log}
	if age := c.Duration("results-age"); age > 0 {
		o.Ages = map[string]time.Duration{wire.ResultsStream: age}
	}
	if c.String("access") != "" {
		return restoreOutside(c, dir, m, o)
	}
	store := c.String("store")
	if invocationOf(c).broker.asked {
		return usage("--broker is for a nats-server that is not embedded, with --access FOLDER; into a store: --store FOLDER")
	}
	if store == "" {
		return userdirs.Homeless("--store")
	}
	folder, err := historyFolder(c, store)
	if err != nil {
		return err
	}
	o.History = host.RestoreHistory(folder)
	defer host.CollectAt(50)() // the server that restores is in this process
	r, err := backup.Into(c.Context, dir, m, store, o)
	if err != nil {
		return err
	}
	printRestored(c, m, r)
	fmt.Fprintf(c.App.ErrWriter, "start it:  netmon broker --store %s\n", console.Printable(shellwords.Quote(store)))
	return nil
}

// restoreOutside restores at a server that is not embedded.
func restoreOutside(c *cli.Context, dir string, m *backup.Manifest, o backup.RestoreOptions) error {
	folder := c.String("access")
	if m.Access == nil {
		return usage("--access: %s is of a mesh that does not ask who people are: use nats stream restore, or --store", dir)
	}
	if !access.Exists(folder) {
		if err := m.InstallAccess(c.Context, dir, folder); err != nil {
			return err
		}
		fmt.Fprintf(c.App.Writer, "wrote the keys and identities to %s\n", console.Printable(folder))
		fmt.Fprintf(c.App.ErrWriter, "now:  netmon access export --store FOLDER --out conf --advertise HOST   (FOLDER/access is %s)\nthen start the nats-server with that, and no controller yet, and repeat this line with --broker tls://HOST:4222\n", console.Printable(shellwords.Quote(folder)))
		return nil
	}
	a, err := access.Open(folder, nil, slog.New(slog.DiscardHandler)) // no controller may run meanwhile
	if err != nil {
		return err
	}
	defer a.Close()
	if err := m.SameAuthority(dir, folder); err != nil {
		return err
	}
	e := endpointOf(c)
	credential, err := a.Outside(access.Controller, "restore")
	if err != nil {
		return err
	}
	nc, err := nats.Connect(e.URL, append(credential, nats.Name("netmon restore"), nats.NoReconnect())...)
	if err != nil {
		return fmt.Errorf("%s: %w: %w: does the nats-server run there, with what netmon access export made of %s? (--broker)", endpoint.Redact(e.URL), console.ErrUnreachable, err, folder)
	}
	defer nc.Close()
	history, err := historyFolder(c, "")
	if err != nil {
		return err
	}
	o.History = host.RestoreHistory(history)
	r, err := backup.Streams(c.Context, nc, dir, m, o)
	if err != nil {
		return err
	}
	printRestored(c, m, r)
	fmt.Fprintf(c.App.ErrWriter, "start it:  netmon controller --access %s --broker %s\n", console.Printable(shellwords.Quote(folder)), endpoint.Redact(e.URL))
	return nil
}

// printRestored says what is there now, and what is not as it was.
func printRestored(c *cli.Context, m *backup.Manifest, r backup.Restored) {
	fmt.Fprintf(c.App.Writer, "restored %s\n", contents(m))
	w := c.App.ErrWriter
	for _, s := range m.Streams {
		if age := r.Ages[s.Name]; age > 0 && s.Messages > 0 && time.Since(s.From) > age {
			more := ""
			if s.Name == wire.ResultsStream {
				more = ": to keep them, restore again, into another folder, with --results-age"
			}
			fmt.Fprintf(w, "netmon: WARNING: %s keeps %v: what is older goes, and its oldest message is of %s%s\n", s.Name, age, timetext.Zoned(s.From), more)
		} else if left := r.Left[s.Name]; left < s.Messages {
			fmt.Fprintf(w, "netmon: WARNING: %s has %d messages, and had %d: its limits took the oldest\n", s.Name, left, s.Messages)
		}
	}
	if m.Access != nil {
		fmt.Fprintf(w, "netmon: WARNING: identities are those of %s: whoever was shut out since then is in again: netmon access ls, netmon access revoke NAME\n", timetext.Zoned(m.Began))
	}
}
