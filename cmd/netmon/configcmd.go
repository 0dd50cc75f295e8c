package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/prompt"
	"netmon/internal/atomicfile"
	"netmon/internal/cmdline"
	"netmon/internal/exit"
	"netmon/probes"
	"netmon/wire"
)

func configCommand() *cli.Command {
	return &cli.Command{
		Name:      "config",
		ArgsUsage: cmdline.Nothing,
		Usage:     "keep whole sets of monitors by name, and bring them back",
		UsageText: "netmon config save|ls|use|rm|export",
		Description: "A saved configuration is what all monitors are at one moment. It is kept in the\nmesh: every console sees it.\n\n" +
			"   netmon config save office\n   netmon config use night --dry-run\n   netmon config use night --yes\n   netmon config export office -f office.yaml",
		Action: func(c *cli.Context) error {
			return usage("config what? want save, ls, use, rm or export, got %q", c.Args().First())
		},
		Subcommands: []*cli.Command{configSave(), configLs(), configUse(), configRm(), configExport()},
	}
}

// withSets runs do with the saved configurations; name is the only argument.
func withSets(c *cli.Context, do func(ctx context.Context, cl *console.Client, sets *console.Sets, name string) error) error {
	name, err := oneArg(c, "name")
	if err != nil {
		return err
	}
	if err := wire.CheckToken(name); err != nil {
		return usage("configuration name %w", err)
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		sets, err := cl.Sets(ctx)
		if err != nil {
			return err
		}
		err = do(ctx, cl, sets, name)
		if errors.Is(err, console.ErrNoSet) {
			err = fmt.Errorf("%w: netmon config ls lists them", err)
		}
		return err
	})
}

// savedNow is what all monitors are now, and what that is called.
func savedNow(ctx context.Context, cl *console.Client) (list []wire.Saved, digest string, err error) {
	store, err := cl.Monitors(ctx)
	if err != nil {
		return nil, "", err
	}
	if list, err = store.List(ctx); err != nil {
		return nil, "", err
	}
	digest, err = console.DigestMonitors(list)
	return list, digest, err
}

func configSave() *cli.Command {
	return &cli.Command{
		Name:        "save",
		ArgsUsage:   cmdline.Configuration,
		Usage:       "keep all monitors as they are now under a name",
		UsageText:   "netmon config save NAME [--yes]",
		Description: "Where a configuration of that name says something else, you are asked before it\nis replaced.",
		Flags:       append(yesFlags(), brokerFlag()),
		Action: func(c *cli.Context) error {
			return withSets(c, func(ctx context.Context, cl *console.Client, sets *console.Sets, name string) error {
				list, digest, err := savedNow(ctx, cl)
				if err != nil {
					return err
				}
				if len(list) == 0 {
					return fmt.Errorf("no monitor is saved: there is nothing to keep as %q", name)
				}
				old, err := sets.Find(ctx, name)
				switch {
				case err == nil && old.Digest == digest:
					fmt.Fprintf(c.App.Writer, "%s is saved already, just so (%d monitors)\n", name, old.Monitors)
					return nil
				case err == nil:
					if err := confirm(c, fmt.Sprintf("configuration %s of %s by %s has %d monitors: replace it by the %d of now",
						name, old.Saved.Local().Format("2006-01-02 15:04"), console.Printable(old.Author), old.Monitors, len(list))); err != nil {
						return err
					}
				case !errors.Is(err, console.ErrNoSet):
					return err
				}
				set, err := sets.Save(ctx, name, list, old)
				if err != nil {
					return err
				}
				fmt.Fprintf(c.App.Writer, "%s saved, %s\n", name, prompt.Count(set.Monitors, "monitor"))
				return nil
			})
		},
	}
}

// setRow is a saved configuration as programs get it.
type setRow struct {
	console.Set
	InUse bool `json:"in_use"` // the monitors are now as it says
}

func configLs() *cli.Command {
	return &cli.Command{
		Name:        "ls",
		ArgsUsage:   cmdline.Nothing,
		Usage:       "list the saved configurations",
		UsageText:   "netmon config ls [-o FORM]",
		Description: "The one in use is the one that says what all monitors are now.",
		Flags:       []cli.Flag{brokerFlag(), listFlag()},
		Action: func(c *cli.Context) error {
			if err := checkForm(c); err != nil {
				return err
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				sets, err := cl.Sets(ctx)
				if err != nil {
					return err
				}
				list, err := sets.List(ctx)
				if err != nil {
					return err
				}
				_, now, err := savedNow(ctx, cl)
				if err != nil {
					return err
				}
				rows := make([]setRow, len(list))
				for i, s := range list {
					rows[i] = setRow{s, s.Digest == now}
				}
				return printSets(c, rows)
			})
		},
	}
}

func printSets(c *cli.Context, rows []setRow) error {
	return printList(c, listing[setRow]{kind: "Configurations", items: rows,
		none: "no configuration is saved; to keep what runs now: netmon config save NAME",
		name: func(r setRow) string { return r.Name },
		columns: []column[setRow]{
			{"IN USE", func(r setRow) string { return map[bool]string{true: "*"}[r.InUse] }},
			{"NAME", func(r setRow) string { return r.Name }},
			{"MONITORS", func(r setRow) string { return strconv.Itoa(r.Monitors) }},
			{"SAVED", func(r setRow) string { return r.Saved.Local().Format("2006-01-02 15:04:05") }},
			{"AUTHOR", func(r setRow) string { return r.Author }},
		},
		wide: []column[setRow]{
			{"BYTES", func(r setRow) string { return strconv.FormatUint(r.Bytes, 10) }},
			{"DIGEST", func(r setRow) string { return r.Digest }},
		}})
}

func configUse() *cli.Command {
	return &cli.Command{
		Name:      "use",
		ArgsUsage: cmdline.Configuration,
		Usage:     "make all monitors as a saved configuration says",
		UsageText: "netmon config use NAME [--dry-run] [--keep] [--yes]",
		Description: "Says first what is added, changed and deleted. Where something would be deleted,\nyou are asked; what is deleted comes back by netmon rollback, and\n" +
			"netmon config save keeps all of it beforehand.\nWith --dry-run: exit 0, nothing would change, 1: something would.",
		Flags: append(yesFlags(), brokerFlag(),
			&cli.BoolFlag{Name: "dry-run", Usage: "only show what would change", DisableDefaultText: true},
			&cli.BoolFlag{Name: "keep", Usage: "leave monitors alone that the configuration does not have", DisableDefaultText: true}),
		Action: func(c *cli.Context) error {
			return withSets(c, func(ctx context.Context, cl *console.Client, sets *console.Sets, name string) error {
				_, wanted, err := sets.Get(ctx, name)
				if err != nil {
					return err
				}
				if err := checkKinds(wanted); err != nil {
					return fmt.Errorf("configuration %q: %w", name, err)
				}
				list, _, err := savedNow(ctx, cl)
				if err != nil {
					return err
				}
				return useSet(ctx, c, cl, name, list, wanted)
			})
		},
	}
}

// checkKinds refuses what this program does not know how to measure, before
// anything is changed.
func checkKinds(monitors []wire.Saved) error {
	var p wire.Problems
	for _, m := range monitors {
		p.Add(m.Name, probes.CheckMonitor(m.Monitor))
	}
	return p.Err()
}

func useSet(ctx context.Context, c *cli.Context, cl *console.Client, name string, list, wanted []wire.Saved) error {
	prune := !c.Bool("keep")
	if c.Bool("dry-run") {
		n, err := printDiff(c.App.Writer, list, wanted, prune)
		if err == nil && n > 0 {
			err = exit.With(exitNo, nil)
		}
		return err
	}
	p := planOf(list, wanted)
	if !prune {
		p.delete = nil
	}
	if p.empty() {
		fmt.Fprintf(c.App.Writer, "all monitors are as %s says\n", name)
		return nil
	}
	fmt.Fprintf(c.App.ErrWriter, "%s\n", p)
	if len(p.delete) > 0 {
		if err := confirm(c, fmt.Sprintf("configuration %s deletes %d of %d monitors", name, len(p.delete), len(list))); err != nil {
			return err
		}
	}
	return applyAs(ctx, c.App.Writer, c.App.ErrWriter, cl, wanted, "from configuration "+name, prune)
}

// setPlan is what bringing back a configuration would do, by name.
type setPlan struct{ add, change, delete []string }

func planOf(list, wanted []wire.Saved) setPlan {
	have := map[string]wire.Saved{}
	for _, m := range list {
		have[m.Name] = m
	}
	var p setPlan
	for _, m := range wanted {
		old, ok := have[m.Name]
		delete(have, m.Name)
		switch {
		case !ok:
			p.add = append(p.add, m.Name)
		case !console.Same(old, m):
			p.change = append(p.change, m.Name)
		}
	}
	for _, m := range list {
		if _, gone := have[m.Name]; gone {
			p.delete = append(p.delete, m.Name)
		}
	}
	return p
}

func (p setPlan) empty() bool { return len(p.add)+len(p.change)+len(p.delete) == 0 }

func (p setPlan) String() string {
	const most = 8 // names to a line
	var lines []string
	for _, part := range []struct {
		word  string
		names []string
	}{{"adds", p.add}, {"changes", p.change}, {"deletes", p.delete}} {
		if n := len(part.names); n > 0 {
			text := strings.Join(part.names[:min(n, most)], ", ")
			if n > most {
				text += ", ..."
			}
			lines = append(lines, fmt.Sprintf("%-7s %5d  %s", part.word, n, text))
		}
	}
	return strings.Join(lines, "\n")
}

func configRm() *cli.Command {
	return &cli.Command{
		Name:      "rm",
		ArgsUsage: cmdline.Configuration,
		Usage:     "forget a saved configuration; the monitors stay as they are",
		UsageText: "netmon config rm NAME",
		Flags:     []cli.Flag{brokerFlag()},
		Action: func(c *cli.Context) error {
			return withSets(c, func(ctx context.Context, cl *console.Client, sets *console.Sets, name string) error {
				if err := sets.Delete(ctx, name); err != nil {
					return err
				}
				fmt.Fprintf(c.App.Writer, "configuration %s removed\n", name)
				return nil
			})
		},
	}
}

func configExport() *cli.Command {
	return &cli.Command{
		Name:        "export",
		ArgsUsage:   cmdline.Configuration,
		Usage:       "write a saved configuration to a file that apply takes",
		UsageText:   "netmon config export NAME [-f FILE|-] [--yes]",
		Description: "You are asked before a file is replaced.",
		Flags: append(yesFlags(), brokerFlag(),
			cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: "file", Aliases: []string{"f"}, DefaultText: "NAME.yaml", Usage: "`FILE` to write, or - for standard output"})),
		Action: func(c *cli.Context) error {
			return withSets(c, func(ctx context.Context, cl *console.Client, sets *console.Sets, name string) error {
				set, monitors, err := sets.Get(ctx, name)
				if err != nil {
					return err
				}
				head := fmt.Sprintf("# %s: %d monitors, saved at %s by %s\n", name, set.Monitors, set.Saved.Format("2006-01-02T15:04:05Z"), console.Printable(set.Author))
				return exportTo(c, name, func(w io.Writer) error { return emitFile(w, monitors, head) })
			})
		},
	}
}

func exportTo(c *cli.Context, name string, write func(io.Writer) error) error {
	path := c.String("file")
	switch path {
	case "-":
		return write(c.App.Writer)
	case "":
		path = name + ".yaml"
	}
	var b strings.Builder
	if err := write(&b); err != nil {
		return err
	}
	if _, err := os.Stat(path); err == nil {
		if err := confirm(c, fmt.Sprintf("the file %s is there: replace it", path)); err != nil {
			return err
		}
	}
	if err := atomicfile.Write(path, []byte(b.String())); err != nil {
		return err
	}
	fmt.Fprintf(c.App.ErrWriter, "written to %s; netmon apply -f %s takes it\n", path, path)
	return nil
}
