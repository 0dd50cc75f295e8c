package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/internal/cmdline"
	"netmon/probes/kinds"
	"netmon/wire"
)

func silenceCommand() *cli.Command {
	many := func(takes cmdline.Argument, name, usage string) cli.Flag {
		return cmdline.Takes(takes, &cli.StringSliceFlag{Name: name, Usage: usage + "; may be repeated"})
	}
	var severities, blames []string
	for _, d := range wire.Severities {
		severities = append(severities, string(d.Severity)+"\t"+d.Meaning)
	}
	for _, d := range wire.BlameClasses {
		blames = append(blames, string(d.Class)+"\t"+d.Meaning)
	}
	var ofKind []string
	for _, k := range kinds.All() {
		ofKind = append(ofKind, k.Name)
	}
	return &cli.Command{
		Name:      "silence",
		ArgsUsage: cmdline.Monitors,
		Usage:     "mute notices for a while; monitors keep running",
		UsageText: "netmon silence [NAME...] [--tag NAME=VALUE] [--group|--agent|--kind|--severity|--blame ...] --for 2h [--from TIME] [-m TEXT], netmon silence end ID...",
		Description: "A silence mutes what matches all flags: one of the values of a repeated flag, and all\ntags. * and ? match any part of a name or value. If nothing matches now, nothing is\nsaved unless you add --all; --all alone mutes everything. " +
			"When a silence\nends, notices of what is wrong then are sent. netmon get silences lists silences.\n\n" +
			"   netmon silence --tag team=shop --for 2h -m deploy\n   netmon silence web 'db*' --from 22:00 --for 30m\n   netmon silence end k3v7q2ma",
		Flags: []cli.Flag{brokerFlag(),
			many(cmdline.Monitor, "monitor", "the same as NAME: what is about the monitor `NAME`"),
			many(cmdline.Settings(string(wire.SortGroup)), "group", "the group `NAME` and its monitors"),
			many(cmdline.Agent, "agent", "what is about the agent `ID`, or blames it"),
			many(cmdline.Tag, "tag", "monitors with the tag `NAME=VALUE`"),
			many(cmdline.OneOf(ofKind...), "kind", "monitors of the `KIND`"),
			many(cmdline.OneOf(severities...), "severity", "what is of the `SEVERITY`"),
			many(cmdline.OneOf(blames...), "blame", "what is the fault of `WHOM`"),
			&cli.DurationFlag{Name: "for", Usage: "for this `DURATION`"},
			timeFlag("until", "", "in place of --for: until this `TIME`, such as 22:00, \"tomorrow 08:00\" or \"2026-12-24 22:00\""),
			timeFlag("from", "", "from this `TIME` on, such as 22:00, or 30m for in 30 minutes (default: now)"),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "message", Aliases: []string{"m"}, Usage: "`TEXT` that says why"}),
			&cli.BoolFlag{Name: "all", DisableDefaultText: true, Usage: "also where nothing is chosen now, or nothing chooses: everything then"},
		},
		Action: silence,
		Subcommands: []*cli.Command{{
			Name: "end", ArgsUsage: cmdline.Settings(string(wire.SortSilence)), Usage: "end silences now", UsageText: "netmon silence end ID...",
			Description: "Notices of what is wrong are sent. A silence that has not begun is deleted.",
			Flags:       []cli.Flag{brokerFlag()},
			Action: func(c *cli.Context) error {
				return eachSetting(c, "the ids of silences", func(ops *console.Ops, ctx context.Context, id string) (console.SettingOutcome, error) {
					return ops.EndSilence(ctx, id)
				})
			},
		}},
	}
}

func silence(c *cli.Context) error {
	m, err := matchOf(c)
	if err != nil {
		return err
	}
	if m.Empty() && !c.Bool("all") {
		return usage("mute what? give names of monitors, --group, --agent, --tag, --kind, --severity or --blame; --all mutes everything")
	}
	s := wire.Silence{Match: m, Text: c.String("message")}
	if err := silenceTimes(c, &s, time.Now()); err != nil {
		return err
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		chosen, err := cl.Choose(ctx, m)
		if err != nil {
			return err
		}
		if chosen.Empty() && !c.Bool("all") {
			return usage("%s chooses nothing that is saved or open now: look at the names, or add --all", console.MatchText(m))
		}
		o, err := opsOf(cl).SaveSilence(ctx, s, c.Duration("for"))
		if err != nil {
			return err
		}
		fmt.Fprintln(c.App.Writer, console.Printable(o.Head()))
		fmt.Fprintf(c.App.Writer, "  matches now: %s\n", chosen)
		return nil
	})
}

// matchOf reads the flags that choose.
func matchOf(c *cli.Context) (wire.Match, error) {
	m := wire.Match{Monitors: append(c.StringSlice("monitor"), c.Args().Slice()...), Groups: c.StringSlice("group"), Agents: c.StringSlice("agent"), Kinds: c.StringSlice("kind")}
	for _, s := range c.StringSlice("severity") {
		m.Severity = append(m.Severity, wire.Severity(s))
	}
	for _, b := range c.StringSlice("blame") {
		m.Blame = append(m.Blame, wire.BlameClass(b))
	}
	var p wire.Problems
	tags, err := console.ParseTags("--tag", c.StringSlice("tag"), true)
	p.Add("", err)
	for _, e := range wire.FieldErrors(m.Validate()) {
		field, _, _ := strings.Cut(e.Path, "[")
		p.Add("--"+strings.TrimSuffix(field, "s"), e.Err)
	}
	m.Tags = tags
	if err := p.Err(); err != nil {
		return m, usage("%w", err)
	}
	return m, nil
}

// silenceTimes reads when a silence begins and ends. A time that is not given is for the
// broker's clock to say.
func silenceTimes(c *cli.Context, s *wire.Silence, now time.Time) (err error) {
	if c.IsSet("from") {
		if s.From, err = parseComing("from", c.String("from"), now); err != nil {
			return err
		}
	}
	switch lasts := c.Duration("for"); {
	case c.IsSet("for") && c.IsSet("until"):
		return usage("--for and --until both say when it ends: want one of them")
	case c.IsSet("until"):
		if s.Until, err = parseComing("until", c.String("until"), now); err != nil {
			return err
		}
		from := s.From
		if from.IsZero() {
			from = now
		}
		if !s.Until.After(from) {
			return usage("--until %s is not after --from %s", c.String("until"), from.Format(time.RFC3339))
		}
	case !c.IsSet("for"):
		return usage("for how long? give --for, such as 2h, or --until")
	case lasts < time.Second || lasts > 366*24*time.Hour:
		return usage("--for: want 1s to 366d, got %q", cmdline.Typed(c, "for"))
	}
	return nil
}

// eachSetting changes each of the settings that are named; one that cannot be changed
// does not keep the others from it.
func eachSetting(c *cli.Context, what string, change func(*console.Ops, context.Context, string) (console.SettingOutcome, error)) error {
	if c.NArg() == 0 {
		return usage("want %s: %s", what, c.Command.UsageText)
	}
	return withBroker(c, func(ctx context.Context, cl *console.Client) error {
		var errs []error
		for _, name := range c.Args().Slice() {
			o, err := change(opsOf(cl), ctx, name)
			if err == nil {
				o.Lines(c.App.Writer)
			}
			errs = append(errs, err)
			if errors.Is(err, console.ErrUnreachable) {
				break
			}
		}
		return errors.Join(errs...)
	})
}
