package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/monitorfile"
	"netmon/console/output"
	"netmon/console/prompt"
	"netmon/internal/atomicfile"
	"netmon/internal/cmdline"
	"netmon/internal/plural"
	"netmon/wire"
)

func configCommand() *cli.Command {
	return &cli.Command{
		Name:      "config",
		ArgsUsage: cmdline.Nothing,
		Usage:     "save everything under a name, and bring it back",
		UsageText: "netmon config save|ls|use|rm|export",
		Description: "A saved configuration is what all monitors, channels, rules, windows and groups are\nat one moment. It is kept in the mesh: every console sees it.\n\n" +
			"   netmon config save office\n   netmon config use night --dry-run\n   netmon config use night --yes\n   netmon config export office -f office.yaml",
		Action: func(c *cli.Context) error {
			return usage("config what? want save, ls, use, rm or export, got %q", c.Args().First())
		},
		Subcommands: []*cli.Command{configSave(), configLs(), configUse(), configRm(), configExport()},
	}
}

// withSet runs do with the name of a saved configuration, the only argument.
func withSet(c *cli.Context, do func(ctx context.Context, cl *console.Client, name string) error) error {
	name, err := oneArg(c, "name")
	if err != nil {
		return err
	}
	if err := wire.CheckToken(name); err != nil {
		return usage("configuration name %w", err)
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		err := do(ctx, cl, name)
		if errors.Is(err, console.ErrNoSet) {
			err = fmt.Errorf("%w: netmon config ls lists them", err)
		}
		return err
	})
}

func configSave() *cli.Command {
	return &cli.Command{
		Name:        "save",
		ArgsUsage:   cmdline.Configuration,
		Usage:       "keep all monitors, channels, rules, windows and groups as they are now under a name",
		UsageText:   "netmon config save NAME [--yes]",
		Description: "Asks before it replaces a configuration of that name with other content.",
		Flags:       append(yesFlags(), brokerFlag()),
		Action: func(c *cli.Context) error {
			return withSet(c, func(ctx context.Context, cl *console.Client, name string) error {
				set, err := opsOf(cl).SaveSet(ctx, name, console.Set{})
				if exists, ok := errors.AsType[*console.SetExistsError](err); ok {
					if err := confirm(c, exists.Error()); err != nil {
						return err
					}
					set, err = opsOf(cl).SaveSet(ctx, name, exists.Old)
				}
				switch {
				case err != nil:
					return err
				case set.Same:
					fmt.Fprintf(c.App.Writer, "%s is saved already, with the same content (%s)\n", name, plural.Count(set.Monitors, "monitor", "monitors"))
				default:
					fmt.Fprintf(c.App.Writer, "%s saved, %s\n", name, prompt.Count(set.Monitors, "monitor"))
				}
				return nil
			})
		},
	}
}

func configLs() *cli.Command {
	return &cli.Command{
		Name:        "ls",
		ArgsUsage:   cmdline.Nothing,
		Usage:       "list the saved configurations",
		UsageText:   "netmon config ls [-o FORM]",
		Description: "A configuration is in use when everything is now as it was saved there.",
		Flags:       []cli.Flag{brokerFlag(), listFlag()},
		Action: func(c *cli.Context) error {
			if err := checkForm(c); err != nil {
				return err
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				rows, err := opsOf(cl).ListSets(ctx)
				if err != nil {
					return err
				}
				return printSets(c, rows)
			})
		},
	}
}

func printSets(c *cli.Context, rows []console.ListedSet) error {
	return printList(c, output.Listing[console.ListedSet]{Kind: "Configurations", Items: rows,
		None: "no configuration is saved; to keep what runs now: netmon config save NAME",
		Name: func(r console.ListedSet) string { return r.Name },
		Columns: []output.Column[console.ListedSet]{
			{Title: "IN USE", Cell: func(r console.ListedSet) string { return map[bool]string{true: "*"}[r.InUse] }},
			{Title: "NAME", Cut: output.Naming, Cell: func(r console.ListedSet) string { return r.Name }},
			{Title: "MONITORS", Cell: func(r console.ListedSet) string { return strconv.Itoa(r.Monitors) }},
			{Title: "SAVED", Time: func(r console.ListedSet) time.Time { return r.Saved }},
			output.Author(func(r console.ListedSet) string { return r.Author }),
		},
		Wide: []output.Column[console.ListedSet]{
			{Title: "BYTES", Cell: func(r console.ListedSet) string { return strconv.FormatUint(r.Bytes, 10) }},
			{Title: "DIGEST", Cell: func(r console.ListedSet) string { return r.Digest }},
		}})
}

func configUse() *cli.Command {
	return &cli.Command{
		Name:      "use",
		ArgsUsage: cmdline.Configuration,
		Usage:     "make all monitors, channels, rules, windows and groups as a saved configuration says",
		UsageText: "netmon config use NAME [--dry-run] [--keep] [--yes]",
		Description: "First shows what is added, changed and deleted, and asks before it deletes. netmon\nrollback brings back what was deleted, and\n" +
			"netmon config save keeps all of it beforehand. One that\nwas saved before there were channels leaves them alone.\nWith --dry-run: exit 0, nothing would change, 1: something would.",
		Flags: append(yesFlags(), brokerFlag(),
			&cli.BoolFlag{Name: "dry-run", Usage: "only show what would change", DisableDefaultText: true},
			&cli.BoolFlag{Name: "keep", Usage: "leave alone what the configuration does not have", DisableDefaultText: true}),
		Action: func(c *cli.Context) error {
			return withSet(c, func(ctx context.Context, cl *console.Client, name string) error {
				plan, err := opsOf(cl).PlanUse(ctx, name, c.Bool("keep"))
				if err != nil {
					return err
				}
				return useSet(ctx, c, cl, name, plan)
			})
		},
	}
}

func useSet(ctx context.Context, c *cli.Context, cl *console.Client, name string, plan console.Plan) error {
	if c.Bool("dry-run") {
		return printDiff(c.App.Writer, plan)
	}
	if plan.Empty() {
		fmt.Fprintf(c.App.Writer, "all monitors are as %s says\n", name)
		return nil
	}
	fmt.Fprintf(c.App.ErrWriter, "%s\n", plan)
	if n, settings := len(plan.Names(console.Deleted)), plan.Titles(console.Deleted); n+len(settings) > 0 {
		question := fmt.Sprintf("configuration %s deletes %d of %s", name, n, plural.Count(plan.Had, "monitor", "monitors"))
		if len(settings) > 0 {
			question += " and " + console.SomeOf(settings)
		}
		if err := confirm(c, question); err != nil {
			return err
		}
	}
	return apply(ctx, c, cl, plan)
}

func configRm() *cli.Command {
	return &cli.Command{
		Name:      "rm",
		ArgsUsage: cmdline.Configuration,
		Usage:     "forget a saved configuration; the monitors stay as they are",
		UsageText: "netmon config rm NAME",
		Flags:     []cli.Flag{brokerFlag()},
		Action: func(c *cli.Context) error {
			return withSet(c, func(ctx context.Context, cl *console.Client, name string) error {
				if err := opsOf(cl).DeleteSet(ctx, name); err != nil {
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
		UsageText:   "netmon config export NAME [--monitor NAME] [--tag team=shop] [-f FILE|-] [--yes]",
		Description: "With --monitor or --tag only the monitors that these choose, and no settings. Asks before\nit replaces a file.",
		Flags: append(yesFlags(), brokerFlag(), monitorFlag(), tagFlag(),
			cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: "file", Aliases: []string{"f"}, DefaultText: "NAME.yaml", Usage: "`FILE` to write, or - for standard output"})),
		Action: func(c *cli.Context) error {
			tags, err := tagsOf(c)
			if err == nil {
				err = checkNames(c.StringSlice("monitor"))
			}
			if err != nil {
				return err
			}
			return withSet(c, func(ctx context.Context, cl *console.Client, name string) error {
				sets, err := cl.Sets(ctx)
				if err != nil {
					return err
				}
				set, wanted, err := sets.Get(ctx, name)
				if err != nil {
					return err
				}
				if wanted, err = wanted.Chosen(name, c.StringSlice("monitor"), tags); err != nil {
					return err
				}
				head := fmt.Sprintf("# %s: %s, saved at %s by %s\n", name, plural.Count(len(wanted.Monitors), "monitor", "monitors"), set.Saved.Format("2006-01-02T15:04:05Z"), console.AuthorText(set.Author))
				return exportTo(c, name, func(w io.Writer) error { return monitorfile.Write(w, wanted, head) })
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
