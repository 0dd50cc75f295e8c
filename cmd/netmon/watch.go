package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/wire"
)

func watchCommand() *cli.Command {
	return &cli.Command{
		Name:      "watch",
		Usage:     "show results as they arrive, from every agent",
		UsageText: "netmon watch [NAME...] [--agent ID] [-o ndjson]",
		Description: "One line for each result. What a broker that is away keeps from us comes when it\nis back. Ctrl-C ends it.\n\n" +
			"   netmon watch\n   netmon watch web db --agent paris\n   netmon watch -o ndjson | jq .latency_ns",
		Flags: []cli.Flag{brokerFlag(), outputFlag("lines (default), ndjson"),
			&cli.StringSliceFlag{Name: "agent", Usage: "only results of the agent `ID`; may be repeated"},
			&cli.DurationFlag{Name: "since", Usage: "begin this `DURATION` ago"},
			&cli.BoolFlag{Name: "last", Usage: "begin with the last result of each monitor"},
			&cli.IntFlag{Name: "count", Aliases: []string{"n"}, Usage: "end after `N` results"},
		},
		Action: func(c *cli.Context) error {
			form := c.String("output")
			if form != "" && form != "lines" && form != "ndjson" {
				return usage("--output: want lines or ndjson, got %q", form)
			}
			f := console.Filter{Monitors: c.Args().Slice(), Agents: c.StringSlice("agent"), Last: c.Bool("last")}
			for _, name := range append(c.Args().Slice(), f.Agents...) {
				if err := wire.CheckToken(name); err != nil {
					return usage("name %w", err)
				}
			}
			if d := c.Duration("since"); d > 0 {
				f.Since = time.Now().Add(-d)
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				err := watch(ctx, cl, f, c.App.Writer, c.App.ErrWriter, form == "ndjson", c.Int("count"))
				if err == nil && ctx.Err() != nil {
					return context.Canceled
				}
				return err
			})
		},
	}
}

// writeResult writes a stored result as JSON on one line. Nearly all are passed on
// as they are: to decode and encode them took half of the console's time.
func writeResult(out *bufio.Writer, m *nats.Msg) error {
	if wire.UsualResult(m.Subject, m.Data) && !bytes.Contains(m.Data, []byte(`\u00`)) { // which encoding/json makes of < and >
		out.Write(console.EscapeJSON(m.Data))
		out.WriteByte('\n')
		return nil
	}
	r, err := wire.DecodeResult(m.Subject, m.Data)
	if err != nil {
		return err
	}
	data, err := output.JSONLine(r)
	out.Write(data)
	return err
}

var errEnough = fmt.Errorf("as many as asked for")

// watch prints results until ctx ends, or most of them when most is over 0.
func watch(ctx context.Context, cl *console.Client, f console.Filter, stdout, stderr io.Writer, ndjson bool, most int) error {
	f.Trouble = func(err error) {
		if err != nil {
			fmt.Fprintln(stderr, "netmon: waiting:", console.Printable(err.Error()))
		} else {
			fmt.Fprintln(stderr, "netmon: results can be read again")
		}
	}
	// Its heap is a few MB: at 10,000 results a second, to collect it each time
	// it has doubled took a fifth of the console's time.
	defer collectAt(400)()
	line := console.Line{Styles: styles(stdout)}
	write := func(out *bufio.Writer, m *nats.Msg) error {
		r, err := wire.DecodeResult(m.Subject, m.Data)
		if err == nil {
			out.WriteString(line.Format(r) + "\n")
		}
		return err
	}
	if ndjson {
		write = writeResult
	}
	out := bufio.NewWriterSize(stdout, 64<<10) // as much as a pipe takes at once
	n := 0
	err := cl.FollowMessages(ctx, f, nil, func(m *nats.Msg, more bool) error {
		if err := write(out, m); err != nil {
			fmt.Fprintln(stderr, "netmon: ignored:", console.Printable(err.Error()))
		} else if n++; n == most {
			return cmp.Or(out.Flush(), errEnough)
		}
		if more {
			return nil
		}
		return out.Flush()
	})
	if err == errEnough {
		return nil
	}
	return err
}
