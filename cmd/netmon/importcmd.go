package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/migrate"
	"netmon/console/migrate/cloudprober"
	"netmon/console/migrate/gatus"
	"netmon/console/migrate/kuma"
	"netmon/console/migrate/nagios"
	"netmon/console/migrate/prometheus"
	"netmon/console/migrate/smokeping"
	"netmon/console/monitorfile"
	"netmon/internal/cmdline"
	"netmon/internal/exit"
	"netmon/wire"
)

// importSources are the tools whose files netmon import reads.
func importSources() []migrate.Source {
	return []migrate.Source{
		prometheus.Source(),
		gatus.Source(),
		kuma.Source(),
		smokeping.Source(),
		cloudprober.Source(),
		nagios.Source(),
	}
}

func importCommand() *cli.Command {
	c := &cli.Command{
		Name:      "import",
		ArgsUsage: cmdline.Nothing,
		Usage:     "turn what another tool is configured with into monitors",
		Description: "Prints a file that netmon apply takes. Comments in it say where each monitor comes from,\nwhat of its check netmon cannot do, and which checks were left out and why. For what looks like a\npassword or a token, references stand there; look through the file before you pass it on.\n\n" +
			"   netmon import gatus config.yaml > monitors.yaml\n   netmon diff -f monitors.yaml\n   netmon apply -f monitors.yaml\n\n" +
			"Exit 0: every check was carried in full, 1: something was left out, also where the rest\nwas saved (--apply), 2: a file cannot be read. docs/migrating.md has a screen for each tool.",
	}
	var names []string
	for _, s := range importSources() {
		names = append(names, s.Name)
		c.Subcommands = append(c.Subcommands, importFrom(s))
	}
	c.UsageText = "netmon import " + strings.Join(names, "|") + " FILE... [--apply]"
	c.Action = func(c *cli.Context) error {
		return usage("import from which tool? want one of %s, got %q", strings.Join(names, ", "), c.Args().First())
	}
	return c
}

func importFrom(s migrate.Source) *cli.Command {
	return &cli.Command{
		Name:        s.Name,
		ArgsUsage:   cmdline.Files,
		Usage:       "from " + s.Title,
		UsageText:   "netmon import " + s.Name + " " + s.Usage + " [--apply] [--every 30s] [--on AGENTS] [--tag team=shop]",
		Description: "Reads " + s.Files + "; - is standard input.\n\n   netmon import " + s.Name + " " + s.Usage + " > monitors.yaml",
		Flags: []cli.Flag{brokerFlag(),
			&cli.BoolFlag{Name: "apply", Usage: "save the monitors, as netmon apply does, instead of printing them", DisableDefaultText: true},
			&cli.DurationFlag{Name: "every", Usage: "`DURATION` from one run to the next, of all of them; default: as the files have it"},
			cmdline.Takes(cmdline.Placement, &cli.StringFlag{Name: "on", Value: "all", Usage: "`AGENTS` that run them: all, ids, or label=value, by commas; or some of these, such as '3 of region=eu'"}),
			cmdline.Takes(cmdline.Tag, &cli.StringSliceFlag{Name: "tag", Usage: "give each the tag `NAME=VALUE`; may be repeated"}),
		},
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return usage("which file? %s", c.Command.UsageText)
			}
			change, err := importChanges(c)
			if err != nil {
				return err
			}
			in, found, err := readImport(c, s)
			if err != nil {
				return err
			}
			if found.Checks() == 0 {
				return usage("%s: no check of %s is in it: netmon import %s reads %s", in.Names(), s.Title, s.Name, s.Files)
			}
			for i := range found.Monitors {
				change(&found.Monitors[i].Saved)
			}
			if every := c.Duration("every"); every > 0 {
				found.RunEvery(every)
			}
			found.Check(checks().Monitor)
			return deliver(c, s, in, found)
		},
	}
}

// readImport reads the files of a tool. It returns when the person interrupts it, whatever
// the reading does, and says on a terminal that it is still at it after a second.
func readImport(c *cli.Context, s migrate.Source) (in *migrate.Input, found *migrate.Found, err error) {
	done := make(chan struct{})
	paths, stdin := c.Args().Slice(), c.App.Reader
	var read struct {
		in    *migrate.Input
		found *migrate.Found
		err   error
	}
	go func() {
		defer close(done)
		if read.in, read.err = migrate.NewInput(paths, stdin, s.Patterns...); read.err == nil {
			read.found, read.err = s.Read(read.in)
			read.err = read.in.Hide(read.err)
		}
	}()
	p := progressAlone(c, "files")
	defer p.end()
	tick := time.NewTicker(progressAfter)
	defer tick.Stop()
	for started := time.Now(); ; {
		select {
		case <-done:
			if read.err != nil {
				return nil, nil, usage("%w", read.err)
			}
			return read.in, read.found, nil
		case <-c.Context.Done():
			return nil, nil, c.Context.Err()
		case <-tick.C:
			p.say("reading what %s has: %v", s.Title, time.Since(started).Round(time.Second))
		}
	}
}

// importChanges is what the flags change of each monitor.
func importChanges(c *cli.Context) (func(*wire.Saved), error) {
	var errs []error
	on, err := wire.ParsePlacement(c.String("on"))
	if err != nil {
		errs = append(errs, fmt.Errorf("--on: %w", err))
	}
	tags, err := console.ParseTags("--tag", c.StringSlice("tag"), false)
	errs = append(errs, err)
	every := c.Duration("every")
	if c.IsSet("every") && (every < wire.MinEvery || every > wire.MaxEvery) {
		errs = append(errs, fmt.Errorf("--every: want %v to %v, got %v", wire.Duration(wire.MinEvery), wire.Duration(wire.MaxEvery), every))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, usage("%w", err)
	}
	return func(m *wire.Saved) {
		if c.IsSet("on") {
			m.Agents = on
		}
		if len(tags) > 0 {
			m.Tags = maps.Clone(m.Tags)
			if m.Tags == nil {
				m.Tags = map[string]string{}
			}
			maps.Copy(m.Tags, tags)
		}
	}, nil
}

// deliver prints or saves what was found, and says what was not carried.
func deliver(c *cli.Context, s migrate.Source, in *migrate.Input, found *migrate.Found) error {
	var file bytes.Buffer
	if err := migrate.Write(&file, s, in, found); err != nil {
		return err
	}
	wanted, err := monitorfile.Parse("what netmon import made", file.Bytes(), checks())
	if err != nil { // a defect of netmon's: the file is never applied
		return exit.With(exitNo, err)
	}
	if !c.Bool("apply") {
		if _, err := c.App.Writer.Write(file.Bytes()); err != nil {
			return err
		}
	}
	tellImport(c.App.ErrWriter, found, c.Bool("apply"))
	warnPlain(c.App.ErrWriter, wanted.Monitors...)
	if c.Bool("apply") && len(wanted.Monitors) > 0 {
		err := withBroker(c, func(ctx context.Context, cl *console.Client) error {
			plan, err := planChosen(ctx, c, cl, wanted, nil, nil)
			if err != nil {
				return err
			}
			return apply(ctx, c, cl, plan)
		})
		if err != nil {
			return err
		}
	}
	if !found.Complete() {
		return exit.With(exitNo, nil)
	}
	return nil
}

// tellImport says for a person how much was carried. What was not is in the file's comments
// as well; where there is no file, all has the notes said, too.
func tellImport(w io.Writer, found *migrate.Found, all bool) {
	tell := func(format string, args ...any) {
		fmt.Fprintln(w, console.Printable(migrate.Redact(fmt.Sprintf(format, args...))))
	}
	tell("netmon: imported %s", found.Summary())
	for _, l := range found.Left {
		tell("left out: %s", l)
	}
	for _, m := range found.Monitors {
		for _, text := range m.Lost {
			tell("not carried: %s: %s: %s", m.At, m.Name, text)
		}
		for _, text := range m.Notes {
			if all {
				tell("note: %s: %s", m.Name, text)
			}
		}
	}
	for _, r := range found.Remarks {
		tell("note: %s", r)
	}
}
