package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"netmon/console"
	"netmon/console/screen"
	"netmon/console/view"
	"netmon/internal/cmdline"
	"netmon/internal/endpoint"
	"netmon/internal/exit"
	"netmon/probes/kinds"
	"netmon/wire"
)

func dashCommand() *cli.Command {
	return &cli.Command{
		Name:      "dash",
		Aliases:   []string{"top"},
		ArgsUsage: cmdline.Monitors,
		Usage:     "the live screen: monitors, agents, latencies, failures",
		UsageText: "netmon dash [NAME...] [--tag team=shop] [--plain [--once]] [--at TIME [--replay 10x]]",
		Description: "Shows all monitors, or those named, the worst first. Press ? for the keys and :\nfor commands. A click chooses a row, a click on the chosen row opens it, the\n" +
			"wheel scrolls. Shift+drag selects text, and m turns the mouse off.\n\n" +
			"Without a terminal, or with --plain, it prints the table of monitors every few\nseconds. A terminal such as a vt100 gets no colours and no mouse; NO_COLOR=1\nturns colours off anywhere.\n\n" +
			"With --at it shows the mesh as it was: states by verdict, and figures of results while\nthese are stored, else sums of the half hour before. --replay continues from there;\nspace pauses, the arrows step a minute. Nothing can be changed in the past.\n" + timeHelp + "\n\n" +
			"   netmon dash\n   netmon dash web 'db-*'\n   netmon dash --plain --once\n   netmon dash --at 2026-11-28T10:00 --replay 10x",
		Flags: []cli.Flag{brokerFlag(), tagFlag(),
			&cli.BoolFlag{Name: "plain", Usage: "print lines instead of drawing a screen"},
			&cli.BoolFlag{Name: "once", Usage: "print the table once and exit (implies --plain)"},
			&cli.BoolFlag{Name: "no-mouse", Usage: "leave the mouse to the terminal, which selects text with it"},
			timeFlag("at", "", "show the mesh as it was at `TIME`"),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "replay", Usage: "with --at: continue from there, `SPEED` times as fast as time passes, such as 10x"}),
			&cli.DurationFlag{Name: "every", Value: 5 * time.Second, Usage: "with --plain: print every `DURATION`"},
		},
		Action: dash,
	}
}

func dash(c *cli.Context) error {
	var p wire.Problems
	p.Add("", checkNames(c.Args().Slice()))
	if d := c.Duration("every"); d < 100*time.Millisecond {
		p.Addf("--every", "want 100ms or more, got %q", cmdline.Typed(c, "every"))
	}
	past, err := pastOf(c, &p)
	if err := p.Err(); err != nil {
		return usage("%w", err)
	}
	if err != nil {
		return err
	}
	at := endpointOf(c)
	there, url := endpoint.BrokerOf(at), endpoint.Redact(at.URL)
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
	names, err := chosenMonitors(c.Context, c, cl)
	if err != nil {
		return err
	}
	ui := screen.New(url, names)
	ui.Mouse = !c.Bool("no-mouse")
	if past != nil {
		past.Names, past.Phases = names, kinds.All().Phases
		return interrupted(dashPast(c, cl, *past, ui, s, there))
	}
	unsaved, err := unsavedOf(c.Context, cl, names)
	if err != nil { // before there is a screen
		return err
	}
	if s == nil {
		s = sessionOn(there, cl)
	}

	ctx, stop := context.WithCancel(c.Context)
	model := cl.Model(console.ModelOptions{Names: names, Past: true, Uptimes: true, Phases: kinds.All().Phases})
	var following sync.WaitGroup
	following.Go(func() { model.Run(ctx) })
	if err = missing(ctx, model, unsaved); err == nil {
		if plainOnly(c) {
			err = dashPlain(ctx, c, model, ui)
		} else {
			err = screen.Run(ctx, drawnOn(c, screen.Options{Model: model, UI: ui, Actor: newActor(cl, s), Graph: cl.Graph}))
		}
	}
	stop()
	following.Wait()
	return interrupted(err)
}

// interrupted has the exit code of a screen that ctrl+c ended.
func interrupted(err error) error {
	if errors.Is(err, screen.ErrInterrupted) {
		return exit.With(exitInterrupted, nil)
	}
	return err
}

// plainOnly says that there is no terminal to draw a screen on, or that none is wanted.
func plainOnly(c *cli.Context) bool {
	in, ok := c.App.Reader.(*os.File)
	return c.Bool("plain") || c.Bool("once") || os.Getenv("TERM") == "dumb" || !isTerminal(c.App.Writer) || !ok || !isTerminal(in)
}

// drawnOn adds the terminal to the options: what it can do, and its colours.
func drawnOn(c *cli.Context, o screen.Options) screen.Options {
	o.In, o.Out, o.Styles = c.App.Reader, c.App.Writer, screen.Mono
	switch {
	case screen.IsBasic(os.Getenv("TERM")):
		o.Basic, o.Styles = true, plainStyles()
	case styles(o.Out) != console.Styles{}:
		o.Styles = screen.Colours
	}
	return o
}

// plainStyles are those of a terminal without colours: its signs are those of its locale.
func plainStyles() screen.Styles {
	locale := cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_CTYPE"), os.Getenv("LANG"))
	text := strings.ToLower(locale)
	return screen.Styles{ASCII: screen.IsBasic(os.Getenv("TERM")) && !strings.Contains(text, "utf-8") && !strings.Contains(text, "utf8")}
}

// tableStyles are those of the table of --plain.
func tableStyles(w io.Writer) screen.Styles {
	if styles(w) == (console.Styles{}) || screen.IsBasic(os.Getenv("TERM")) {
		return plainStyles()
	}
	return screen.Colours
}

// tableWidth is that of the terminal; 0 is none.
func tableWidth(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			return width
		}
	}
	return 0
}

// unsavedOf are those of names that are not saved.
func unsavedOf(ctx context.Context, cl *console.Client, names []string) (list []string, err error) {
	store, err := cl.Monitors(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, err := store.Get(ctx, name); errors.Is(err, console.ErrNotFound) {
			list = append(list, name)
		}
	}
	return list, nil
}

// missing names those of the unsaved monitors that no agent runs either. An agent may
// run one that was started by hand, of which the model knows once it is ready.
func missing(ctx context.Context, model *console.Model, unsaved []string) error {
	if len(unsaved) == 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return context.Canceled
	case <-model.Ready():
	}
	rows := model.Snapshot(view.Query{Names: unsaved}).Monitors
	var errs []error
	for _, name := range unsaved {
		if !slices.ContainsFunc(rows, func(r view.Row) bool { return r.Name == name }) {
			errs = append(errs, fmt.Errorf("%w: %q: netmon get monitors lists all", console.ErrNotFound, name))
		}
	}
	return errors.Join(errs...)
}

// uptimesWithin is how long a table that is printed once waits for uptimes.
const uptimesWithin = 6 * time.Second

// dashPlain prints the table until it is interrupted, or once.
func dashPlain(ctx context.Context, c *cli.Context, model *console.Model, ui screen.UI) error {
	select {
	case <-ctx.Done():
		return context.Canceled
	case <-model.Ready():
	}
	if c.Bool("once") { // later ones are there when they are there
		select {
		case <-ctx.Done():
			return context.Canceled
		case <-model.UptimesTried():
		case <-time.After(uptimesWithin):
		}
	}
	t := time.NewTicker(c.Duration("every"))
	defer t.Stop()
	for {
		was := ui.Trouble
		if ui.Hear(model); ui.Trouble != was && ui.Trouble != "" {
			fmt.Fprintln(c.App.ErrWriter, "netmon:", console.PrintableText(ui.Trouble))
		}
		s := model.Snapshot(screen.PlainQuery(ui.Names))
		if err := screen.Table(c.App.Writer, s, ui, tableWidth(c.App.Writer), tableStyles(c.App.Writer)); err != nil {
			return err
		}
		if c.Bool("once") {
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
