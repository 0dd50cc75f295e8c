package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/console/screen"
)

// What of a list is shown is new at most so often, and on a terminal at least, since
// ages and the time continue.
const (
	watchLeast = 250 * time.Millisecond
	watchMost  = time.Second
)

func watchFlag() cli.Flag {
	return &cli.BoolFlag{Name: "watch", Aliases: []string{"w"}, DisableDefaultText: true, Usage: "keep following, until Ctrl-C: on a terminal the table is redrawn, else changes are printed"}
}

// watchList prints a list of what a model knows, and again what changes of it, until
// ctx ends. A broker that goes away is waited for.
func watchList[T any](ctx context.Context, c *cli.Context, model *console.Model, list func() output.Listing[T]) error {
	form := c.String("output")
	show, most := output.NewFollower[T](c.App.Writer, form).Next, time.Duration(0)
	switch form {
	case "", "table", "wide":
		if f, ok := c.App.Writer.(*os.File); ok && isTerminal(f) && os.Getenv("TERM") != "dumb" {
			if err := screen.Clear(f); err != nil {
				return err
			}
			defer fmt.Fprintln(f)
			show, most = func(l output.Listing[T]) error { return drawList(f, form, l) }, watchMost
		}
	case "ndjson", "csv", "name":
	default:
		return usage("--watch prints table, wide, ndjson, csv or name, got -o %s", form)
	}
	ctx, stop := context.WithCancel(ctx)
	var following sync.WaitGroup
	defer following.Wait()
	defer stop()
	following.Go(func() { model.Run(ctx) })
	if err := model.Await(ctx); err != nil {
		return err
	}
	was := ""
	return model.Each(ctx, watchLeast, most, func() (bool, error) {
		if is := console.PrintableText(model.Trouble()); is != was {
			if was = is; is == "" {
				is = "all can be read again"
			}
			fmt.Fprintln(c.App.ErrWriter, "netmon:", is)
		}
		return false, show(list())
	})
}

// drawList draws a table in place of the previous one.
func drawList[T any](f *os.File, form string, l output.Listing[T]) error {
	l.Width = screenWidth(f)
	lines, err := l.Lines(form)
	if err != nil {
		return err
	}
	return screen.Redraw(f, lines, time.Now().Format("15:04:05 MST")+"  Ctrl-C ends")
}
