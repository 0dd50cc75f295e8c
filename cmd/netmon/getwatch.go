package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/screen"
)

// What of a list is shown is new at most so often, and on a terminal at least, since
// ages and the time go on.
const (
	watchLeast = 250 * time.Millisecond
	watchMost  = time.Second
)

func watchFlag() cli.Flag {
	return &cli.BoolFlag{Name: "watch", Aliases: []string{"w"}, DisableDefaultText: true, Usage: "go on, until Ctrl-C: a table on a terminal is drawn anew, else what changes is printed"}
}

// watchList prints a list of what a model knows, and again what changes of it, until
// ctx ends. A broker that goes away is waited for.
func watchList[T any](ctx context.Context, c *cli.Context, model *console.Model, list func() listing[T]) error {
	show, most := printChanges[T](c), time.Duration(0)
	switch form := c.String("output"); form {
	case "", "table", "wide":
		if f, ok := c.App.Writer.(*os.File); ok && isTerminal(f) && os.Getenv("TERM") != "dumb" {
			if err := screen.Clear(f); err != nil {
				return err
			}
			defer fmt.Fprintln(f)
			show, most = func(l listing[T]) error { return drawList(f, form, l) }, watchMost
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
		if is := console.PrintableText(cannot(model)); is != was {
			if was = is; is == "" {
				is = "all can be read again"
			}
			fmt.Fprintln(c.App.ErrWriter, "netmon:", is)
		}
		return false, show(list())
	})
}

// cannot is what of the mesh cannot be read now, and why; "" is nothing.
func cannot(m *console.Model) string {
	if l := m.Link(); !l.Lost.IsZero() {
		return strings.TrimSuffix("the broker is away: "+l.Why, ": ") + ": waiting for it"
	}
	var errs []error
	for _, t := range m.Troubles() {
		errs = append(errs, errors.New(t.String()))
	}
	for name, why := range m.Problems() {
		errs = append(errs, fmt.Errorf("monitor %q: %s", name, why))
	}
	if err := errors.Join(errs...); err != nil {
		return err.Error()
	}
	return ""
}

// printChanges makes a function that prints each item that is new, different
// from before, or gone.
func printChanges[T any](c *cli.Context) func(listing[T]) error {
	form, head := c.String("output"), true
	var changes console.Changes[T]
	return func(l listing[T]) error {
		changed, gone := changes.Next(l.items, l.name, l.look)
		var out bytes.Buffer
		if err := printRows(&out, form, l, changed, &head); err != nil {
			return err
		}
		for _, it := range gone {
			if err := printGone(&out, form, l.name(it), it); err != nil {
				return err
			}
		}
		_, err := c.App.Writer.Write(out.Bytes())
		return err
	}
}

// look is what of an item --watch looks at.
func (l listing[T]) look(it T) string {
	if l.steady != nil {
		return l.steady(it)
	}
	data, err := json.Marshal(it)
	return fmt.Sprint(string(data), err)
}

// printRows prints items behind those of before; the head of a table comes once.
func printRows[T any](out *bytes.Buffer, form string, l listing[T], items []T, head *bool) error {
	if len(items) == 0 {
		return nil
	}
	var err error
	switch form {
	case "ndjson":
		return emit(out, form, l.kind, items)
	case "name":
		for _, it := range items {
			fmt.Fprintln(out, console.Printable(l.name(it)))
		}
		return nil
	case "csv":
		err = writeCSV(out, l.columnsOf("wide"), items)
	default:
		err = writeTable(out, l.columnsOf(form), items)
	}
	if !*head {
		out.ReadBytes('\n')
	}
	*head = false
	return err
}

func printGone[T any](out io.Writer, form, name string, it T) error {
	if form != "ndjson" {
		_, err := fmt.Fprintf(out, "%s is gone\n", console.Printable(name))
		return err
	}
	data, err := json.Marshal(it)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, `{"deleted":true,%s`+"\n", bytes.TrimPrefix(data, []byte("{")))
	return err
}

// drawList draws a table in place of the one before.
func drawList[T any](f *os.File, form string, l listing[T]) error {
	var out bytes.Buffer
	if len(l.items) == 0 {
		fmt.Fprintln(&out, l.none)
	} else if err := writeTable(&out, l.columnsOf(form), l.items); err != nil {
		return err
	}
	if l.after != nil {
		l.after(&out)
	}
	return screen.Redraw(f, strings.Split(strings.TrimRight(out.String(), "\n"), "\n"), time.Now().Format(time.TimeOnly)+"  Ctrl-C ends")
}
