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
	"netmon/wire"
)

func editCommand() *cli.Command {
	edit := func(what, usage, form string, takes cmdline.Argument, do func(e *editing, name string) (console.Outcome, error)) *cli.Command {
		return &cli.Command{
			Name: "edit", ArgsUsage: takes, Usage: usage, UsageText: form,
			Flags: []cli.Flag{brokerFlag()},
			Action: func(c *cli.Context) error {
				name, err := oneArg(c, "name of a "+what)
				if err != nil {
					return err
				}
				return withBroker(c, func(ctx context.Context, cl *console.Client) error {
					w := c.App.Writer
					if said := invocationOf(c).said; said != nil {
						w = said
					}
					e := editing{ctx: ctx, cl: cl, in: c.App.Reader, out: c.App.Writer, said: w}
					o, err := do(&e, name)
					if err != nil || o.Verb == "" { // it was printed already
						return err
					}
					return report(w, o, err)
				})
			},
		}
	}
	c := edit("monitor", "change a saved monitor, channel, rule, window or group in your editor", "netmon edit NAME, netmon edit monitor|channel|rule|window|group NAME", cmdline.Monitor, (*editing).monitor)
	c.Description = "Opens it as YAML in $VISUAL, else $EDITOR, else vi. Mistakes are written into the file\nat their lines, and the file is opened again; nothing is saved until it is\n" +
		"right, and nothing at all if you change nothing. Without a terminal, mistakes end the\ncommand. Text that could not be saved is kept in a file. netmon set changes single\nfields without an editor.\n\n" +
		"   netmon edit web\n   netmon edit channel hook\n   EDITOR='sed -i s/10s/30s/' netmon edit web"
	one := edit("monitor", "the same", "netmon edit monitor NAME", cmdline.Monitor, (*editing).monitor)
	one.Name = "monitor"
	c.Subcommands = []*cli.Command{one}
	for _, sort := range console.FileSorts {
		word := console.SortWord(sort)
		of := edit(word, "change a saved "+word, fmt.Sprintf("netmon edit %s NAME", word), cmdline.Settings(string(sort)), func(e *editing, name string) (console.Outcome, error) {
			o, err := e.setting(sort, name)
			if err == nil {
				o.Lines(e.said)
			}
			return console.Outcome{}, err
		})
		of.Name = word
		c.Subcommands = append(c.Subcommands, of)
	}
	return c
}

// editing is one change in an editor.
type editing struct {
	ctx  context.Context
	cl   *console.Client
	in   io.Reader // of the editor
	out  io.Writer // what it draws on
	said io.Writer // what came of it
	file string
}

// monitor changes one, and says what came of it.
func (e *editing) monitor(name string) (console.Outcome, error) {
	same := console.Outcome{Verb: console.Edit, Monitor: name, Same: 1}
	store, err := e.cl.Monitors(e.ctx)
	if err != nil {
		return same, err
	}
	was, err := store.Find(e.ctx, name)
	if err != nil {
		return same, err
	}
	text, err := monitorfile.Draft(was)
	if err != nil {
		return same, err
	}
	var is *wire.Saved
	changed, err := e.ask(name, text, func(text string) (err error) {
		is, err = monitorfile.ParseDraft(e.file, text, name, checks())
		return err
	})
	if err != nil {
		return same, err
	}
	if !changed || console.Same(was, *is) {
		return same, os.Remove(e.file)
	}
	is.Revision = was.Revision
	o, err := opsOf(e.cl).Edit(e.ctx, *is)
	o.Warnings = append(o.Warnings, newPlainSecrets(was, *is)...)
	if err != nil {
		return o, e.kept(err)
	}
	os.Remove(e.file)
	return o, nil
}

// setting is the same of a setting.
func (e *editing) setting(sort wire.Sort, name string) (console.SettingOutcome, error) {
	same := console.SettingOutcome{Verb: console.Edit, Same: true}
	store, err := e.cl.Settings(e.ctx)
	if err != nil {
		return same, err
	}
	was, err := store.Get(e.ctx, sort, name)
	if err != nil {
		return same, err
	}
	same.Was, same.Is = was, was
	text, err := monitorfile.DraftSetting(was)
	if err != nil {
		return same, err
	}
	var is wire.Setting
	changed, err := e.ask(name, text, func(text string) (err error) {
		is, err = monitorfile.ParseSettingDraft(e.file, text, sort, name, checks())
		return err
	})
	if err != nil {
		return same, err
	}
	if !changed || console.SameSetting(was, is) {
		return same, os.Remove(e.file)
	}
	is.About().Revision = was.About().Revision
	o, err := opsOf(e.cl).EditSetting(e.ctx, is)
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

// ask opens the editor until the text can be read, and says whether it was changed.
func (e *editing) ask(name, text string, read func(text string) error) (changed bool, err error) {
	if e.file, err = newEditFile(name); err != nil {
		return false, err
	}
	first, last := text, ""
	for {
		if err := os.WriteFile(e.file, []byte(text), 0o600); err != nil { // #nosec G703 -- made by os.CreateTemp
			return false, err
		}
		if err := openEditor(e.ctx, e.file, e.in, e.out); err != nil {
			return false, e.ended(first, fmt.Errorf("the editor: %w: nothing is changed", err))
		}
		data, err := os.ReadFile(e.file)
		if err != nil {
			return false, err
		}
		text = monitorfile.Unmark(string(data))
		if text == first {
			return false, nil
		}
		if err := os.WriteFile(e.file, []byte(text), 0o600); err != nil { // #nosec G703 -- made by os.CreateTemp; to be kept, and for the lines of mistakes
			return false, err
		}
		if err = read(text); err == nil {
			return true, nil
		}
		if !isTerminalReader(e.in) || text == last {
			return false, usage("%w", e.kept(fmt.Errorf("%w\nnothing is changed", err)))
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
