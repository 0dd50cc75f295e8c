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
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"netmon/console"
)

// watchEach is how often --watch looks.
const watchEach = time.Second

func watchFlag() cli.Flag {
	return &cli.BoolFlag{Name: "watch", Aliases: []string{"w"}, DisableDefaultText: true, Usage: "go on, until Ctrl-C: a table on a terminal is drawn anew, else what changes is printed"}
}

// watchList prints a list, and again what changes of it, until ctx ends. A
// broker that goes away is waited for.
func watchList[T any](ctx context.Context, c *cli.Context, load func() (listing[T], error)) error {
	show := printChanges[T](c)
	switch form := c.String("output"); form {
	case "", "table", "wide":
		if f, ok := c.App.Writer.(*os.File); ok && isTerminal(f) && os.Getenv("TERM") != "dumb" {
			fmt.Fprint(f, "\x1b[2J") // terminals keep what was there for scrolling back
			defer fmt.Fprintln(f)
			show = func(l listing[T]) error { return redraw(f, form, l) }
		}
	case "ndjson", "csv", "name":
	default:
		return usage("--watch prints table, wide, ndjson, csv or name, got -o %s", form)
	}
	each := time.NewTicker(watchEach)
	defer each.Stop()
	away := false
	for first := true; ; first = false {
		l, err := load()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && (first || !errors.Is(err, console.ErrUnreachable)):
			return err
		case err != nil && !away:
			fmt.Fprintln(c.App.ErrWriter, "netmon:", console.PrintableText(err.Error())+": waiting for it")
		case err == nil:
			if err := show(l); err != nil {
				return err
			}
		}
		away = err != nil
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-each.C:
		}
	}
}

// printChanges makes a function that prints each item that is new, different
// from before, or gone.
func printChanges[T any](c *cli.Context) func(listing[T]) error {
	form, head := c.String("output"), true
	known := map[string]string{} // name -> how it was
	gone := map[string]T{}
	return func(l listing[T]) error {
		seen := map[string]bool{}
		var changed []T
		for _, it := range l.items {
			name, is := l.name(it), l.look(it)
			seen[name] = true
			if was, ok := known[name]; !ok || was != is {
				changed = append(changed, it)
			}
			known[name], gone[name] = is, it
		}
		var out bytes.Buffer
		if err := printRows(&out, form, l, changed, &head); err != nil {
			return err
		}
		for name := range known {
			if seen[name] {
				continue
			}
			if err := printGone(&out, form, name, gone[name]); err != nil {
				return err
			}
			delete(known, name)
			delete(gone, name)
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

// redraw shows a table in place of the one before, as far as the terminal has room.
func redraw[T any](f *os.File, form string, l listing[T]) error {
	width, height, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if len(l.items) == 0 {
		fmt.Fprintln(&out, l.none)
	} else if err := writeTable(&out, l.columnsOf(form), l.items); err != nil {
		return err
	}
	if l.after != nil {
		l.after(&out)
	}
	lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
	if most := max(2, height-1); len(lines) > most {
		lines = append(lines[:most-1], fmt.Sprintf("… and %d more lines", len(lines)-most+1))
	}
	lines = append(lines, time.Now().Format(time.TimeOnly)+"  Ctrl-C ends")
	var b strings.Builder
	b.WriteString("\x1b[H")
	for i, line := range lines {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(ansi.Truncate(line, width, "…") + "\x1b[K")
	}
	b.WriteString("\x1b[J")
	_, err = io.WriteString(f, b.String())
	return err
}
