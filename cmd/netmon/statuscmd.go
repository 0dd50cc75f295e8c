package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/internal/cmdline"
	"netmon/internal/timetext"
	"netmon/status"
)

// statusFlags say what is on the status page.
func statusFlags() []cli.Flag {
	return []cli.Flag{
		cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "status-title", Usage: "the `TITLE` of the status page", DefaultText: "Status"}),
		cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "status-tag", Value: status.DefaultTag, Usage: "the `TAG` that puts a monitor on the status page; its value is the heading"}),
		cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "status-url", Usage: "the `URL` of the status page, for links in its feed and JSON"}),
		cmdline.Takes(cmdline.Text, &cli.StringSliceFlag{Name: "status-show", Usage: "show `WHAT` visitors do not see otherwise: targets, agents, reasons"}),
	}
}

func statusListenFlag() cli.Flag {
	return cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "status-listen", Usage: "serve the public status page on this `HOST:PORT`, to anybody who reaches it"})
}

// statusOptions are what the flags say.
func statusOptions(c *cli.Context) (o status.Options, err error) {
	o = status.Options{Title: c.String("status-title"), Tag: c.String("status-tag"), URL: c.String("status-url")}
	if o.Show, err = status.ParseShow(c.StringSlice("status-show")); err != nil {
		return o, usage("--status-show: %w", err)
	}
	if err := o.Validate(); err != nil {
		return o, usage("--status-%w", err)
	}
	return o, nil
}

// listenStatus opens the listener of the status page, nil where none is wanted.
func listenStatus(c *cli.Context) (net.Listener, error) {
	address := c.String("status-listen")
	if address == "" {
		return nil, nil
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, usage("--status-listen: want HOST:PORT, such as 0.0.0.0:8080, got %q", address)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--status-listen: %w", err)
	}
	return l, nil
}

// keepStatus runs what makes the status page, until stop is called.
func keepStatus(ctx context.Context, cl *console.Client, o status.Options, log *slog.Logger) (k *status.Keeper, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	model := cl.Model(console.ModelOptions{Parts: status.Parts, Totals: true})
	k = status.NewKeeper(model, cl, o, log)
	var all sync.WaitGroup
	all.Go(func() { model.Run(ctx) })
	all.Go(func() { k.Run(ctx) })
	return k, func() {
		cancel()
		all.Wait()
	}
}

// serveStatus serves the status page until ctx ends.
func serveStatus(ctx context.Context, cl *console.Client, l net.Listener, o status.Options, log *slog.Logger) error {
	k, stop := keepStatus(ctx, cl, o, log)
	defer stop()
	return k.Serve(ctx, l)
}

// statusPatience is how long an export waits for what is stored.
const statusPatience = time.Minute

func statusPageCommand() *cli.Command {
	return &cli.Command{
		Name:      "status-page",
		ArgsUsage: cmdline.Nothing,
		Usage:     "write the public status page as files, for any web host",
		UsageText: "netmon status-page --out FOLDER [--every 1m] [--status-title TITLE]",
		Description: "Writes pages, a feed, JSON and badges of the monitors that have the tag status-page; the\nvalue of the tag is the heading under which they stand. Each file is replaced as a whole,\nand those that are no more are removed. A folder that holds anything else is refused.\nWith --every it stays and keeps them current. netmon web --status-listen serves the same\nby itself. docs/status-page.md\n\n" +
			"   netmon set shop --tag status-page=Shop --tag \"status-name=Online shop\"\n   netmon status-page --out /var/www/status --every 1m",
		Flags: append([]cli.Flag{brokerFlag(), logFlag(),
			cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: "out", Usage: "`FOLDER` to write to"}),
			cmdline.Takes(cmdline.Duration, &cli.DurationFlag{Name: "every", Usage: "stay, and write again when something changed, at most each `DURATION`"}),
		}, statusFlags()...),
		Action: statusPage,
	}
}

func statusPage(c *cli.Context) error {
	if c.NArg() > 0 {
		return usage("status-page takes no arguments, got %q: the folder is given as --out", c.Args().First())
	}
	if c.String("out") == "" {
		return usage("--out: is missing: want the folder to write to, such as /var/www/status")
	}
	if every := c.Duration("every"); c.IsSet("every") && every < time.Second {
		return usage("--every: want at least 1s, got %q", every)
	}
	o, err := statusOptions(c)
	if err != nil {
		return err
	}
	log, err := logger(c)
	if err != nil {
		return err
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		folder, err := status.OpenFolder(c.String("out"))
		if err != nil {
			return fmt.Errorf("--out: %w", err)
		}
		defer folder.Close()
		k, stop := keepStatus(ctx, cl, o, log)
		defer stop()
		return exportStatus(ctx, k, folder, c.Duration("every"), c.App.Writer, log)
	})
}

// exportStatus writes the status page once, or again and again until ctx ends.
func exportStatus(ctx context.Context, k *status.Keeper, folder *status.Folder, every time.Duration, w io.Writer, log *slog.Logger) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(statusPatience):
		return errors.New("what is stored cannot be read within a minute: netmon doctor says why")
	case <-k.Made():
	}
	if err := folder.Export(k.Site()); err != nil {
		return err
	}
	fmt.Fprintf(w, "the status page was written, %s\n", timetext.Zoned(time.Now()))
	if every == 0 {
		return nil
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := folder.Export(k.Site()); err != nil { // a full disk may have room again
			log.Error("the status page cannot be written", "error", err)
		}
	}
}

// serveAll serves all of them until ctx ends, or one of them does.
func serveAll(ctx context.Context, serve []func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, len(serve))
	for _, one := range serve {
		go func() { ended <- one(ctx) }()
	}
	var errs []error
	for range serve {
		errs = append(errs, <-ended)
		stop()
	}
	return errors.Join(errs...)
}
