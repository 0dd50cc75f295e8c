package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/feed"
	"netmon/console/screen"
	"netmon/console/view"
	"netmon/wire"
)

func dashCommand() *cli.Command {
	return &cli.Command{
		Name:      "dash",
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
	links, back := make(chan screen.Link, 16), make(chan struct{}, 1)
	at := endpointOf(c)
	there, url := placeOf(at), redact(at.url)
	s, ok := c.App.Metadata[sessionKey].(*session)
	if ok { // of the prompt that this is a command of
		there, _, _ = s.now()
		url = there.url
	}
	cl, err := console.ConnectAs(there.who, there.connect, linkHandlers(url, links, back)...)
	if err != nil {
		return at.explain(err)
	}
	defer cl.Close()
	store, err := cl.Monitors(c.Context)
	if err != nil {
		return err
	}
	if s == nil {
		s = sessionOn(there, cl)
	}

	ctx, stop := context.WithCancel(c.Context)
	model, ready, troubles := view.New(time.Now()), make(chan struct{}), make(chan screen.Trouble, 1)
	var feeding sync.WaitGroup
	var feedErr error
	feeding.Go(func() {
		feedErr = feed.Run(ctx, feed.Options{Client: cl, Model: model, Names: names, Back: back, Ready: func() { close(ready) }, Trouble: func(err error) {
			t := screen.Trouble("")
			if err != nil {
				t = screen.Trouble(err.Error())
			}
			select {
			case troubles <- t:
			case <-ctx.Done():
			}
		}})
		if feedErr != nil {
			stop()
		}
	})
	ui := screen.New(url, names)
	if plainOnly(c) {
		err = dashPlain(ctx, c, model, ui, links, troubles, ready)
	} else {
		err = screen.Run(ctx, screen.Options{Model: model, UI: ui, Actor: &actor{cl, store, s}, Links: links, Troubles: troubles,
			Styles: screenStyles(c.App.Writer), In: c.App.Reader, Out: c.App.Writer})
	}
	stop()
	feeding.Wait()
	switch {
	case feedErr != nil:
		return feedErr
	case errors.Is(err, screen.ErrInterrupted):
		return &codedError{code: exitInterrupted}
	}
	return err
}

// linkHandlers tell the screen when the broker is lost and back. They never
// wait: of news that nobody took, the oldest go.
func linkHandlers(url string, links chan screen.Link, back chan struct{}) []nats.Option {
	say := func(l screen.Link) {
		l.Broker, l.Since = url, time.Now()
		for {
			select {
			case links <- l:
				return
			default:
			}
			select {
			case <-links:
			default:
			}
		}
	}
	return []nats.Option{
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			why := "the connection was closed"
			if err != nil {
				why = err.Error()
			}
			say(screen.Link{Lost: true, Why: why})
		}),
		nats.ReconnectHandler(func(*nats.Conn) {
			say(screen.Link{})
			select {
			case back <- struct{}{}:
			default:
			}
		}),
	}
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
func dashPlain(ctx context.Context, c *cli.Context, model *view.Mesh, ui screen.UI, links <-chan screen.Link, troubles <-chan screen.Trouble, ready <-chan struct{}) error {
	select {
	case <-ctx.Done():
		return context.Canceled
	case <-ready:
	}
	t := time.NewTicker(c.Duration("every"))
	defer t.Stop()
	for {
		for drained := false; !drained; {
			select {
			case ui.Link = <-links:
			case t := <-troubles:
				if t != "" {
					fmt.Fprintln(c.App.ErrWriter, "netmon: results cannot be read:", console.PrintableText(string(t)))
				}
			default:
				drained = true
			}
		}
		s := model.Snapshot(screen.PlainQuery(ui.Names), time.Now())
		if err := screen.Table(c.App.Writer, s, ui, screenStyles(c.App.Writer)); err != nil {
			return err
		}
		if c.Bool("once") {
			if len(ui.Names) > 0 && len(s.Monitors) < len(ui.Names) {
				return &codedError{exitNo, fmt.Errorf("%d of %d monitors are there: netmon get monitors lists all", len(s.Monitors), len(ui.Names))}
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
