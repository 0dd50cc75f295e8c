package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/screen"
	"netmon/internal/cmdline"
	"netmon/internal/endpoint"
	"netmon/internal/exit"
	"netmon/wire"
)

func dashCommand() *cli.Command {
	return &cli.Command{
		Name:      "dash",
		ArgsUsage: cmdline.Monitors,
		Usage:     "the live screen: monitors, agents, latencies, failures",
		UsageText: "netmon dash [NAME...] [--plain [--once]]",
		Description: "Shows all monitors, or those named, the worst first; ? on the screen shows the\nkeys. Without a terminal, or with --plain, it prints the table of monitors again\nand again.\n\n" +
			"   netmon dash\n   netmon dash web db\n   netmon dash --plain --once",
		Flags: []cli.Flag{brokerFlag(),
			&cli.BoolFlag{Name: "plain", Usage: "print lines instead of drawing a screen"},
			&cli.BoolFlag{Name: "once", Usage: "print the table once, and end (implies --plain)"},
			&cli.DurationFlag{Name: "every", Value: 5 * time.Second, Usage: "with --plain: print once in each `DURATION`"},
		},
		Action: dash,
	}
}

func dash(c *cli.Context) error {
	names := c.Args().Slice()
	var p wire.Problems
	for _, name := range names {
		p.Add("name", wire.CheckToken(name))
	}
	if d := c.Duration("every"); d < 100*time.Millisecond {
		p.Addf("--every", "want 100ms or more, got %q", d)
	}
	if err := p.Err(); err != nil {
		return usage("%w", err)
	}
	at := endpointOf(c)
	there, url := endpoint.PlaceOf(at), endpoint.Redact(at.URL)
	s := invocationOf(c).session
	if s != nil { // of the prompt that this is a command of
		there, _, _ = s.now()
		url = there.URL
	}
	cl, err := console.ConnectAs(there.Who, there.Connect)
	if err != nil {
		return at.Explain(err)
	}
	defer cl.Close()
	if _, err := cl.Monitors(c.Context); err != nil { // before there is a screen
		return err
	}
	if s == nil {
		s = sessionOn(there, cl)
	}

	ctx, stop := context.WithCancel(c.Context)
	model := cl.Model(console.ModelOptions{Names: names, Past: true})
	var following sync.WaitGroup
	following.Go(func() { model.Run(ctx) })
	ui := screen.New(url, names)
	if plainOnly(c) {
		err = dashPlain(ctx, c, model, ui)
	} else {
		err = screen.Run(ctx, screen.Options{Model: model, UI: ui, Actor: newActor(cl, s),
			Styles: screenStyles(c.App.Writer), In: c.App.Reader, Out: c.App.Writer})
	}
	stop()
	following.Wait()
	if errors.Is(err, screen.ErrInterrupted) {
		return exit.With(exitInterrupted, nil)
	}
	return err
}

// plainOnly says that there is no terminal that a screen can be drawn on, or
// that none is wanted.
func plainOnly(c *cli.Context) bool {
	in, ok := c.App.Reader.(*os.File)
	return c.Bool("plain") || c.Bool("once") || os.Getenv("TERM") == "dumb" || !isTerminal(c.App.Writer) || !ok || !isTerminal(in)
}

func screenStyles(w io.Writer) screen.Styles {
	if styles(w) == (console.Styles{}) {
		return screen.Styles{}
	}
	return screen.Colours
}

// dashPlain prints the table until it is interrupted, or once.
func dashPlain(ctx context.Context, c *cli.Context, model *console.Model, ui screen.UI) error {
	select {
	case <-ctx.Done():
		return context.Canceled
	case <-model.Ready():
	}
	t := time.NewTicker(c.Duration("every"))
	defer t.Stop()
	for {
		was := ui.Trouble
		if ui.Hear(model); ui.Trouble != was && ui.Trouble != "" {
			fmt.Fprintln(c.App.ErrWriter, "netmon:", console.PrintableText(ui.Trouble))
		}
		s := model.Snapshot(screen.PlainQuery(ui.Names))
		if err := screen.Table(c.App.Writer, s, ui, screenStyles(c.App.Writer)); err != nil {
			return err
		}
		if c.Bool("once") {
			if len(ui.Names) > 0 && len(s.Monitors) < len(ui.Names) {
				return exit.With(exitNo, fmt.Errorf("%d of %d monitors are there: netmon get monitors lists all", len(s.Monitors), len(ui.Names)))
			}
			return nil
		}
		fmt.Fprintln(c.App.Writer)
		select {
		case <-ctx.Done():
			return context.Canceled
		case <-t.C:
		}
	}
}
