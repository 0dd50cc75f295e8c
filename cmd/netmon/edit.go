package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"netmon/console"
	"netmon/internal/cmdline"
	"netmon/internal/safeyaml"
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
					e := editing{ctx: ctx, cl: cl, in: c.App.Reader, editor: c.App.Writer, out: c.App.Writer}
					if w := invocationOf(c).said; w != nil {
						e.out = w
					}
					return e.monitor(name)
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
	ctx    context.Context
	cl     *console.Client
	in     io.Reader // of the editor
	editor io.Writer // what the editor draws on
	out    io.Writer // what came of it
	file   string
}

const (
	editHead = "# Save and leave the editor to change the monitor; left as it is, it stays so.\n"
	editMark = "# ✕ " // begins a line that says what is wrong with the one above
)

func (e *editing) monitor(name string) error {
	store, err := e.cl.Monitors(e.ctx)
	if err != nil {
		return err
	}
	was, err := store.Get(e.ctx, name)
	if err != nil {
		return err
	}
	var text strings.Builder
	if err := emitFile(&text, []wire.Saved{was}, editHead); err != nil {
		return err
	}
	if e.file, err = newEditFile(name); err != nil {
		return err
	}
	is, err := e.ask(was, text.String())
	switch {
	case err != nil:
		return err
	case is == nil || console.Same(was, *is):
		fmt.Fprintf(e.out, "%s is as it was\n", name)
		return os.Remove(e.file)
	}
	is.Revision = was.Revision
	revision, err := store.Save(e.ctx, *is, "edited")
	if err != nil {
		return e.kept(err)
	}
	fmt.Fprintf(e.out, "%s changed\n", name)
	os.Remove(e.file)
	return tell(e.ctx, e.out, e.cl, store, console.Change{Was: &was, Is: is, Revision: revision})
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
		if err := os.WriteFile(e.file, []byte(text), 0o600); err != nil {
			return nil, err
		}
		if err := runEditor(e.ctx, e.file, e.in, e.editor); err != nil {
			return nil, e.ended(first, fmt.Errorf("the editor: %w: nothing is changed", err))
		}
		data, err := os.ReadFile(e.file)
		if err != nil {
			return nil, err
		}
		text = unmarked(string(data))
		if text == first {
			return nil, nil
		}
		if err := os.WriteFile(e.file, []byte(text), 0o600); err != nil { // to be kept, and for the lines of mistakes
			return nil, err
		}
		is, err := parseEdited(e.file, text, was.Name)
		if err == nil {
			return is, nil
		}
		if !isTerminalReader(e.in) || text == last {
			return nil, usage("%w", e.kept(fmt.Errorf("%w\nnothing is changed", err)))
		}
		last, text = text, marked(text, err)
	}
}

// ended is the end of an editor that failed: where nothing was written, there
// is nothing to keep.
func (e *editing) ended(first string, err error) error {
	data, readErr := os.ReadFile(e.file)
	if readErr == nil && unmarked(string(data)) != first {
		return e.kept(err)
	}
	os.Remove(e.file)
	return err
}

// parseEdited reads the one monitor that a text has to hold.
func parseEdited(path, text, name string) (*wire.Saved, error) {
	list, err := parseMonitors(path, []byte(text), map[string]string{})
	switch {
	case err != nil:
		return nil, err
	case len(list) != 1:
		return nil, &safeyaml.Mistake{Path: path, Line: 1, What: fmt.Errorf("want the one monitor %q, got %d; to delete it: netmon delete %s", name, len(list), name)}
	case list[0].Name != name:
		return nil, &safeyaml.Mistake{Path: path, Line: 1, What: fmt.Errorf("name: want %q, got %q: its results go by its name; netmon add makes another monitor", name, list[0].Name)}
	}
	list[0].Monitor = list[0].Monitor.WithDefaults()
	return &list[0], nil
}

// marked writes each mistake below its line; what has none, to the end.
func marked(text string, err error) string {
	var mistakes []*safeyaml.Mistake
	collect(err, &mistakes)
	if len(mistakes) == 0 {
		mistakes = []*safeyaml.Mistake{{What: err}}
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	var b strings.Builder
	for i, line := range lines {
		b.WriteString(line + "\n")
		for _, m := range mistakes {
			last := i == len(lines)-1 && (m.Line == 0 || m.Line > len(lines))
			if m.Line == i+1 || last {
				b.WriteString(editMark + strings.ReplaceAll(m.Short(), "\n", " ") + "\n")
			}
		}
	}
	return b.String()
}

// collect gathers the mistakes of an error that joins others.
func collect(err error, to *[]*safeyaml.Mistake) {
	switch err := err.(type) {
	case *safeyaml.Mistake:
		*to = append(*to, err)
	case interface{ Unwrap() []error }:
		for _, one := range err.Unwrap() {
			collect(one, to)
		}
	}
}

// unmarked takes out what marked put in.
func unmarked(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, editMark) {
			b.WriteString(line)
		}
	}
	return b.String()
}

func isTerminalReader(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
