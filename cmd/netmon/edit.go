package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"netmon/console"
	"netmon/console/monitorfile"
	"netmon/internal/cmdline"
	"netmon/probes"
	"netmon/wire"
)

func editCommand() *cli.Command {
	edit := func(usage, form string) *cli.Command {
		return &cli.Command{
			Name: "edit", ArgsUsage: cmdline.Monitor, Usage: usage, UsageText: form,
			Flags: []cli.Flag{brokerFlag()},
			Action: func(c *cli.Context) error {
				name, err := oneArg(c, "name of a monitor")
				if err != nil {
					return err
				}
				return withBroker(c, func(ctx context.Context, cl *console.Client) error {
					e := editing{ctx: ctx, cl: cl, in: c.App.Reader, out: c.App.Writer}
					o, err := e.monitor(name)
					w := c.App.Writer
					if said := invocationOf(c).said; said != nil {
						w = said
					}
					return report(w, o, err)
				})
			},
		}
	}
	c := edit("change a saved monitor in your editor", "netmon edit NAME, netmon edit monitor NAME")
	c.Description = "Opens the monitor as YAML in $VISUAL, else $EDITOR, else vi. What is wrong with it\nis written into the file at its line, and the file is opened again; nothing is saved\n" +
		"until it is right, and nothing at all when it is left as it was. Without a terminal\nmistakes end it. What could not be saved is kept in a file.\n\n" +
		"   netmon edit web\n   EDITOR='sed -i s/10s/30s/' netmon edit web"
	one := edit("the same", "netmon edit monitor NAME")
	one.Name = "monitor"
	c.Subcommands = []*cli.Command{one}
	return c
}

// editing is one change of a monitor in an editor.
type editing struct {
	ctx  context.Context
	cl   *console.Client
	in   io.Reader // of the editor
	out  io.Writer // what it draws on
	file string
}

// monitor changes one, and says what came of it.
func (e *editing) monitor(name string) (console.Outcome, error) {
	same := console.Outcome{Verb: console.Edit, Monitor: name, Same: 1}
	store, err := e.cl.Monitors(e.ctx)
	if err != nil {
		return same, err
	}
	was, err := store.Get(e.ctx, name)
	if err != nil {
		return same, err
	}
	text, err := monitorfile.Draft(was)
	if err != nil {
		return same, err
	}
	if e.file, err = newEditFile(name); err != nil {
		return same, err
	}
	is, err := e.ask(was, text)
	if err != nil {
		return same, err
	}
	if is == nil || console.Same(was, *is) {
		return same, os.Remove(e.file)
	}
	is.Revision = was.Revision
	o, err := opsOf(e.cl).Edit(e.ctx, *is)
	if err != nil {
		return o, e.kept(err)
	}
	os.Remove(e.file)
	return o, nil
}

func newEditFile(name string) (string, error) {
	f, err := os.CreateTemp("", "netmon-"+name+"-*.yaml") // 0600: options may hold secrets
	if err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}

// kept adds to an error where the text that could not be saved is.
func (e *editing) kept(err error) error {
	return fmt.Errorf("%w\nwhat you wrote is kept in %s: netmon apply -f %s", err, e.file, e.file)
}

// ask opens the editor until the text is right, and returns what it says; nil
// says that nothing was changed.
func (e *editing) ask(was wire.Saved, text string) (*wire.Saved, error) {
	first, last := text, ""
	for {
		if err := os.WriteFile(e.file, []byte(text), 0o600); err != nil { // #nosec G703 -- made by os.CreateTemp
			return nil, err
		}
		if err := runEditor(e.ctx, e.file, e.in, e.out); err != nil {
			return nil, e.ended(first, fmt.Errorf("the editor: %w: nothing is changed", err))
		}
		data, err := os.ReadFile(e.file)
		if err != nil {
			return nil, err
		}
		text = monitorfile.Unmark(string(data))
		if text == first {
			return nil, nil
		}
		if err := os.WriteFile(e.file, []byte(text), 0o600); err != nil { // #nosec G703 -- made by os.CreateTemp; to be kept, and for the lines of mistakes
			return nil, err
		}
		is, err := monitorfile.ParseDraft(e.file, text, was.Name, probes.CheckMonitor)
		if err == nil {
			return is, nil
		}
		if !isTerminalReader(e.in) || text == last {
			return nil, usage("%w", e.kept(fmt.Errorf("%w\nnothing is changed", err)))
		}
		last, text = text, monitorfile.Mark(text, err)
	}
}

// ended is the end of an editor that failed: where nothing was written, there
// is nothing to keep.
func (e *editing) ended(first string, err error) error {
	data, readErr := os.ReadFile(e.file)
	if readErr == nil && monitorfile.Unmark(string(data)) != first {
		return e.kept(err)
	}
	os.Remove(e.file)
	return err
}

func isTerminalReader(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
