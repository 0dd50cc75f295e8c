package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"netmon/console/flow"
	"netmon/console/prompt"
	"netmon/internal/cmdline"
	"netmon/internal/endpoint"
	"netmon/internal/exit"
)

func consoleCommand() *cli.Command {
	return &cli.Command{
		Name:      "console",
		ArgsUsage: cmdline.Nothing,
		Usage:     "a prompt: results stream above it, and it takes these commands",
		UsageText: "netmon console [--broker URL]",
		Description: "Type the commands of netmon, with on, from, every for the flags: start web on paris.\n`add` alone asks step by step. Tab completes, ? helps. Lines on standard input are\n" +
			"executed one by one, up to the first that fails, with its exit code.\n\n" +
			"   netmon console\n   netmon console < monitors.netmon",
		Flags: []cli.Flag{brokerFlag(),
			cmdline.Takes(cmdline.OneOf("on", "failures", "changes", "off"), &cli.StringFlag{Name: "results", Value: string(prompt.All), Usage: "`WHICH` results stream above the prompt: on, failures, changes, off"})},
		Action: func(c *cli.Context) error {
			mode, err := prompt.ParseMode(c.String("results"))
			if err != nil {
				return usage("--%w", err)
			}
			if c.NArg() > 0 {
				return usage("unexpected %q: %s", c.Args().First(), c.Command.UsageText)
			}
			in, out, ok := terminal(c)
			s, err := newSession(endpoint.BrokerOf(endpointOf(c)), ok)
			if err != nil {
				return err
			}
			defer s.close()
			if !ok {
				return s.pipe(c)
			}
			code, err := s.terminal(c.Context, in, out, mode, nil)
			fmt.Fprintln(c.App.Writer, s.farewell())
			switch {
			case err != nil:
				return err
			case code != exitOK:
				return exit.With(code, nil)
			}
			return c.Context.Err()
		},
	}
}

// terminal returns the terminal of a person, if there is one at both ends.
func terminal(c *cli.Context) (in, out *os.File, ok bool) {
	in, okIn := c.App.Reader.(*os.File)
	out, okOut := c.App.Writer.(*os.File)
	if !okIn || !okOut || os.Getenv("TERM") == "dumb" {
		return nil, nil, false
	}
	return in, out, term.IsTerminal(int(in.Fd())) && term.IsTerminal(int(out.Fd()))
}

// terminal runs the prompt on a terminal.
func (s *session) terminal(ctx context.Context, in, out *os.File, mode prompt.Mode, logs *diverted) (int, error) {
	o := s.options()
	o.Stream, o.Styles = prompt.NewStream(mode), styles(out)
	if logs != nil {
		o.Log = prompt.NewLog(o.Styles)
		defer logs.divert(o.Log)()
	}
	defer s.follow(ctx, o.Stream)()
	return prompt.Terminal(ctx, o, in, out)
}

// pipe executes the lines of standard input.
func (s *session) pipe(c *cli.Context) error {
	o := s.options()
	o.Stream = prompt.NewStream(prompt.Off)
	o.World = func(prompt.Snapshot) flow.World {
		snap, _ := s.load(c.Context) // without it fewer names are known; saving checks them again
		return worldOf(snap)
	}
	f, ok := c.App.Reader.(*os.File)
	talk := ok && term.IsTerminal(int(f.Fd()))
	if code := prompt.Pipe(c.Context, o, c.App.Reader, c.App.Writer, c.App.ErrWriter, talk); code != exitOK {
		return exit.With(code, nil)
	}
	return nil
}

// diverted is a writer that can be sent elsewhere for a while, as log lines
// are while a prompt has the terminal.
type diverted struct{ to chan io.Writer }

func newDiverted(w io.Writer) *diverted {
	d := &diverted{make(chan io.Writer, 1)}
	d.to <- w
	return d
}

func (d *diverted) Write(p []byte) (int, error) {
	w := <-d.to
	defer func() { d.to <- w }()
	return w.Write(p)
}

// divert sends what is written to w until the function that it returns is called.
func (d *diverted) divert(w io.Writer) (restore func()) {
	before := <-d.to
	d.to <- w
	return func() {
		<-d.to
		d.to <- before
	}
}
