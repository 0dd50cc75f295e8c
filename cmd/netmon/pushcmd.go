package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/export"
	"netmon/export/push"
	"netmon/internal/cmdline"
	"netmon/internal/userdirs"
	"netmon/probes"
	"netmon/probes/kinds"
)

// receivers are the kinds of receivers that results are sent to over HTTP: each is a flag,
// and the beginning of the names of others.
var receivers = []struct {
	flag, usage string
	open        func(push.Endpoint, probes.List, *push.Tags) (push.Destination, error)
}{
	{"remote-write", "send to Prometheus' remote write at `URL`, such as http://127.0.0.1:9090/api/v1/write", push.RemoteWrite},
	{"otlp", "send by OTLP over HTTP to `URL`, such as http://127.0.0.1:4318", push.OTLP},
	{"influx", "send to InfluxDB at `URL`, such as http://127.0.0.1:8086/write?db=netmon", push.Influx},
}

// pushFlags are those of netmon export that say where results are sent.
func pushFlags() (out []cli.Flag) {
	for _, r := range receivers {
		out = append(out,
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: r.flag, Usage: r.usage}),
			cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: r.flag + "-token-file", Usage: "`FILE` of the token for it"}),
			cmdline.Takes(cmdline.Text, &cli.StringSliceFlag{Name: r.flag + "-header", Usage: "`HEADER` for it, such as \"X-Scope-OrgID: shop\"; may be repeated"}),
			cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: r.flag + "-ca", Usage: "`FILE` of the certificates that its own is signed by, PEM"}))
	}
	return append(out,
		cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: "ndjson", Usage: "append a line of JSON for each result and verdict to `FILE`, - for standard output"}),
		cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: "state", Usage: "`FOLDER` that says how far each receiver is (default: " + userdirs.Shown(userdirs.State("export")) + ")"}),
		&cli.BoolFlag{Name: "all", Usage: "a receiver that is new gets all that is stored, and not only what comes", DisableDefaultText: true})
}

// pushing is what is sent, and where to.
type pushing struct {
	push.Options
	names []string

	pusher atomic.Pointer[push.Pusher] // once it runs
}

// pushOf reads the flags, all mistakes at once; nil where nothing is sent.
func pushOf(c *cli.Context, log *slog.Logger) (*pushing, error) {
	p := &pushing{Options: push.Options{Tags: &push.Tags{}, All: c.Bool("all"), Log: log, Folder: cmp.Or(c.String("state"), userdirs.State("export"))}}
	var errs []error
	add := func(flag string, d push.Destination, err error) {
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				errs = append(errs, fmt.Errorf("--%s: %s", flag, line))
			}
			return
		}
		p.Destinations, p.names = append(p.Destinations, d), append(p.names, d.Name)
	}
	for _, r := range receivers {
		if !c.IsSet(r.flag) {
			for _, more := range []string{"-token-file", "-header", "-ca"} {
				if c.IsSet(r.flag + more) {
					errs = append(errs, fmt.Errorf("--%s%s: want --%s URL beside it", r.flag, more, r.flag))
				}
			}
			continue
		}
		d, err := r.open(push.Endpoint{URL: c.String(r.flag), TokenFile: c.String(r.flag + "-token-file"), Headers: c.StringSlice(r.flag + "-header"), CAFile: c.String(r.flag + "-ca"), Version: version}, kinds.All(), p.Tags)
		add(r.flag, d, err)
	}
	say := c.App.Writer
	switch file := c.String("ndjson"); {
	case !c.IsSet("ndjson"):
	case file == "-":
		say = c.App.ErrWriter
		d := push.NDJSONStream(c.App.Writer, "standard output")
		if !c.IsSet("state") {
			d.File = "" // who reads it may be another one each time
		}
		add("ndjson", d, nil)
	default:
		d, err := push.NDJSONFile(file)
		add("ndjson", d, err)
	}
	p.Say = func(line string) { fmt.Fprintln(say, console.Printable(line)) }
	if len(p.Destinations) == 0 && len(errs) == 0 {
		for _, alone := range []string{"state", "all"} {
			if c.IsSet(alone) {
				errs = append(errs, fmt.Errorf("--%s: want --remote-write, --otlp, --influx or --ndjson beside it", alone))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, usage("%w", err)
	}
	if len(p.Destinations) == 0 {
		return nil, nil
	}
	if p.Folder == "" && slices.ContainsFunc(p.Destinations, func(d push.Destination) bool { return d.File != "" }) {
		return nil, userdirs.Homeless("--state")
	}
	return p, nil
}

// out is where people read what happens.
func (p *pushing) out(c *cli.Context) io.Writer {
	if p != nil && c.String("ndjson") == "-" {
		return c.App.ErrWriter
	}
	return c.App.Writer
}

// metrics writes what became of what was sent; nil where nothing is.
func (p *pushing) metrics() func(*export.Writer) {
	if p == nil {
		return nil
	}
	return func(w *export.Writer) {
		if running := p.pusher.Load(); running != nil {
			running.WriteMetrics(w)
		}
	}
}

// run sends until ctx ends.
func (p *pushing) run(ctx context.Context, connect func(...nats.Option) (*nats.Conn, error), log *slog.Logger) error {
	signal.Ignore(syscall.SIGPIPE) // who closes standard output gets an error, and not a silent end
	nc, err := connect(nats.Name("netmon export"), nats.IgnoreAuthErrorAbort(), nats.MaxReconnects(-1), nats.ReconnectWait(250*time.Millisecond),
		nats.DisconnectErrHandler(func(nc *nats.Conn, _ error) {
			if !nc.IsClosed() {
				p.Say("the broker is away: what is measured meanwhile is sent later")
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { p.Say("the broker is there again") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Warn("the broker refuses something", "error", err)
		}))
	if err != nil {
		return err
	}
	defer nc.Close()
	if p.JetStream, err = jetstream.New(nc); err != nil {
		return err
	}
	pusher, err := push.New(ctx, p.Options)
	if err != nil {
		return err
	}
	defer pusher.Close()
	p.pusher.Store(pusher)
	return pusher.Run(ctx)
}
