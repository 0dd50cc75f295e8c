package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"netmon/broker/access"
	"netmon/broker/backup"
	"netmon/console"
	"netmon/identity"
	"netmon/internal/cmdline"
	"netmon/internal/endpoint"
	"netmon/internal/host"
	"netmon/internal/userdirs"
)

func quietFlag() cli.Flag {
	return &cli.BoolFlag{Name: "quiet", Usage: "say nothing while it runs", DisableDefaultText: true}
}

func backupCommand() *cli.Command {
	return &cli.Command{
		Name:      "backup",
		ArgsUsage: cmdline.Files,
		Usage:     "back up a mesh from its running broker into a folder",
		UsageText: "netmon backup DIR [--store FOLDER | --access FOLDER --broker URL]",
		Description: "Runs on the broker's own host, by the user who owns its store, while the broker runs.\nDIR must be empty or missing. It holds the keys of the mesh: keep it as safe as the\nstore. --access is for a nats-server with netmon controller --access beside it. A mesh\nwithout identities is copied from any host.\n\n" +
			"   netmon backup /backup/2026-11-28\n   netmon backup /backup/2026-11-28 --access conf/access --broker tls://nats.example.org:4222\n   cd /backup/2026-11-28 && sha256sum --quiet -c SHA256SUMS",
		Flags: []cli.Flag{brokerFlag(), storeFlag(), quietFlag(),
			cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: "access", Usage: "`FOLDER` of the mesh's keys and identities", DefaultText: "that of --store"}),
			stateOfControllerFlag("that of --store; with --access " + userdirs.Shown(userdirs.State("controller")))},
		Action: func(c *cli.Context) error {
			dir, err := oneArg(c, "folder")
			if err != nil {
				return err
			}
			from, err := originOf(c)
			if err != nil {
				return err
			}
			folder, _ := historyFolder(c, from.store) // without one of this user's own there is no history
			begun := time.Now()
			nc, err := from.connect(nats.Name("netmon backup"), nats.NoReconnect())
			if err != nil {
				return from.explain(err)
			}
			defer nc.Close()
			say := talk(c)
			fmt.Fprintf(say, "backup of %s\n", endpoint.Redact(from.URL))
			m, err := backup.Take(c.Context, nc, dir, backup.Options{Version: version, Access: from.authority, Progress: progressOn(say, "copied"), History: host.CopyHistory(folder)})
			if err != nil {
				return from.denied(err)
			}
			fmt.Fprintf(c.App.Writer, "%s: %s in %s\n", console.Printable(dir), contents(m), time.Since(begun).Round(10*time.Millisecond))
			if m.Access != nil {
				fmt.Fprintf(c.App.ErrWriter, "netmon: WARNING: %s holds the keys of the mesh: whoever reads it owns the mesh: keep it where only you can, or encrypt it\n", console.Printable(dir))
			}
			return nil
		},
	}
}

// contents is what a backup has, in a line.
func contents(m *backup.Manifest) string {
	s := number(len(m.Streams), "stream", "streams") + ", " + number(m.Messages(), "message", "messages") + ", "
	if m.History != nil {
		s += "history, "
	}
	if m.Access != nil {
		s += number(m.Access.Identities, "identity", "identities") + ", "
	}
	return s + console.ByteCount(uint64(max(0, m.Size())))
}

// number writes how many there are.
func number[N int | uint64](n N, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", more)
}

// talk is where a command says how far it is.
func talk(c *cli.Context) io.Writer {
	if c.Bool("quiet") {
		return io.Discard
	}
	return c.App.ErrWriter
}

// progressOn writes a line for each stream, and one a second for what takes longer.
func progressOn(w io.Writer, done string) func(backup.Progress) {
	return func(p backup.Progress) {
		p.Stream = console.Printable(p.Stream) // as a manifest has it
		switch {
		case p.Done:
			fmt.Fprintf(w, "  %-12s %s %s, %s\n", p.Stream, done, number(p.Messages, "message", "messages"), console.ByteCount(uint64(p.Bytes)))
		case p.Messages > 0 && p.All > 0:
			fmt.Fprintf(w, "  %-12s %d of about %d messages, %s\n", p.Stream, p.Messages, p.All, console.ByteCount(uint64(p.Bytes)))
		default:
			fmt.Fprintf(w, "  %-12s %s\n", p.Stream, console.ByteCount(uint64(p.Bytes)))
		}
	}
}

// origin is the mesh that is copied.
type origin struct {
	endpoint.Endpoint
	folder    string // of the authority
	store     string // of a broker on this host, "" for a nats-server
	authority *access.ReadOnly
}

// keyLife is how long the credential of a backup is valid.
const keyLife = 24 * time.Hour

// originOf uses the authority of --access, else of --store. Who says where the
// broker is, and neither of these, is somebody who connects as usual.
func originOf(c *cli.Context) (origin, error) {
	s := origin{Endpoint: endpointOf(c), folder: c.String("access")}
	asked := invocationOf(c).broker.asked
	elsewhere := asked || c.IsSet("context") || c.IsSet("creds")
	if store := c.String("store"); s.folder == "" && store != "" && (c.IsSet("store") || !elsewhere) {
		s.store = store
		if folder := access.FolderOf(store); access.Exists(folder) {
			s.folder = folder
		}
	}
	if s.folder == "" {
		return s, nil
	}
	var err error
	if s.authority, err = access.OpenReadOnly(s.folder); err != nil {
		return s, usage("%w", err)
	}
	if admin := access.AdminFolder(s.folder); !asked && identity.Exists(admin) {
		id, err := identity.Load(admin) // which knows where the broker listens
		if err != nil {
			return s, err
		}
		s.URL, s.From = id.URL, "the admin of "+s.folder
	}
	return s, nil
}

// connect is as the controller, where there is an authority.
func (s origin) connect(o ...nats.Option) (*nats.Conn, error) {
	if s.authority == nil {
		return s.Endpoint.Connect(o...)
	}
	own, err := s.authority.Connect(keyLife)
	if err != nil {
		return nil, err
	}
	return nats.Connect(s.URL, append(own, o...)...)
}

func (s origin) explain(err error) error {
	if s.authority == nil {
		return s.denied(s.Endpoint.Explain(fmt.Errorf("%w: %w", console.ErrUnreachable, err)))
	}
	return fmt.Errorf("%s, by %s: %w: %w: a backup is taken from a running broker: is it running, and is %s its authority? (--broker, --access)", endpoint.Redact(s.URL), s.From, console.ErrUnreachable, err, s.folder)
}

// denied says what a mesh with identities takes.
func (s origin) denied(err error) error {
	if s.authority == nil && (errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrNoResponders) || errors.Is(err, context.DeadlineExceeded)) {
		return fmt.Errorf("%w\nif this mesh has identities: run it on the broker's own host, with --store FOLDER, or --access FOLDER and --broker", err)
	}
	return err
}
