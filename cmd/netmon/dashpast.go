package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/screen"
	"netmon/internal/endpoint"
	"netmon/internal/timetext"
	"netmon/wire"
)

// replayMost is how many times as fast as time passes a replay is at most.
const replayMost = 3600

// pastOf reads --at and --replay; nil is now.
func pastOf(c *cli.Context, p *wire.Problems) (*console.PastOptions, error) {
	speed, text := 0.0, c.String("replay")
	if c.IsSet("replay") {
		v, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSuffix(text, "x"), "×"), 64)
		if err != nil || !(v >= 0.1 && v <= replayMost) {
			p.Addf("--replay", "want how many times as fast as time passes, 0.1x to %dx, such as 10x, got %q", replayMost, wire.Clip(text, wire.MaxToken))
		}
		speed = v
		if !c.IsSet("at") {
			p.Add("--replay", errors.New("needs --at, the time to begin with"))
		}
	}
	if !c.IsSet("at") {
		return nil, nil
	}
	now := time.Now()
	at, err := parseTime("at", c.String("at"), now)
	if err == nil && !at.Before(now) {
		p.Addf("--at", "want a time that was, got %q, which is %s", wire.Clip(c.String("at"), wire.MaxToken), timetext.Zoned(at))
	}
	return &console.PastOptions{At: at, Speed: speed}, err
}

// dashPast shows the mesh as it was.
func dashPast(c *cli.Context, cl *console.Client, o console.PastOptions, ui screen.UI, s *session, there endpoint.Broker) error {
	far := progressAlone(c, "verdicts")
	o.Progress = far.show
	past, err := cl.Past(c.Context, o)
	far.end()
	var early *console.TooEarly
	if errors.As(err, &early) {
		return fmt.Errorf("--at %q: %w", wire.Clip(c.String("at"), wire.MaxToken), err)
	}
	if err != nil {
		return err
	}
	if s == nil {
		s = sessionOn(there, cl)
	}
	ctx, stop := context.WithCancel(c.Context)
	var running sync.WaitGroup
	running.Go(func() { past.Run(ctx) })
	defer running.Wait()
	defer stop()
	if plainOnly(c) {
		return pastPlain(ctx, c, past, ui)
	}
	return screen.Run(ctx, drawnOn(c, screen.Options{Model: past, UI: ui, Past: past, Graph: cl.Graph, Actor: newActor(cl, s)}))
}

// pastPlain prints the table as it was: once, or with --replay until that has reached now.
func pastPlain(ctx context.Context, c *cli.Context, past *console.Past, ui screen.UI) error {
	t := time.NewTicker(c.Duration("every"))
	defer t.Stop()
	for {
		play := past.Play()
		was := ui.Past
		ui.HearPast(play)
		if play.Why != "" && (was == nil || was.Why != play.Why) {
			fmt.Fprintln(c.App.ErrWriter, "netmon: it cannot be read on:", console.Printable(play.Why))
		}
		if err := screen.Table(c.App.Writer, past.Snapshot(screen.PlainQuery(ui.Names)), ui, tableWidth(c.App.Writer), tableStyles(c.App.Writer)); err != nil {
			return err
		}
		switch {
		case play.Ended:
			fmt.Fprintln(c.App.ErrWriter, "the replay has reached now")
			return nil
		case c.Bool("once"), play.Speed == 0:
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
