package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/console/draft"
	"netmon/internal/cmdline"
	"netmon/probes"
	"netmon/probes/kinds"
	"netmon/wire"
)

// kindCommands makes one subcommand for each kind, with the kind's own options
// as flags beside the shared ones. They are made from the kinds' list, as the
// documentation is.
func kindCommands(shared func() []cli.Flag, what string, action func(*cli.Context, probes.Kind) error) []*cli.Command {
	var out []*cli.Command
	for _, k := range kinds.All() {
		own := shared()
		var taken []string
		for _, f := range own {
			taken = append(taken, f.Names()...)
		}
		for _, o := range k.Options {
			if !strings.Contains(o.Path, "[]") && o.Type != "object" && !slices.Contains(taken, draft.FlagName(o)) {
				own = append(own, optionFlag(o))
			}
		}
		out = append(out, &cli.Command{
			Name:      k.Name,
			ArgsUsage: cmdline.Target,
			Usage:     k.Doc,
			UsageText: fmt.Sprintf("netmon %s %s %s [options]", what, k.Name, k.Target),
			Description: fmt.Sprintf("netmon %s %s %s\n\nEach option here is the option of the same name in a file: --expect-status is\n"+
				"expect: {status: …}. probes/README.md explains options and figures.", what, k.Name, k.Example),
			Flags:  own,
			Action: func(c *cli.Context) error { return action(c, k) },
		})
	}
	return out
}

// unknownKind is the action of a command that was not given one of its kinds.
func unknownKind(c *cli.Context) error {
	if c.NArg() == 0 {
		return usage("which kind? %s", c.Command.UsageText)
	}
	if scheme, _, ok := strings.Cut(c.Args().First(), "://"); ok {
		if k, ok := kinds.All().Find(scheme); ok {
			return usage("kind: is missing before the target: netmon %s %s %s", c.Command.Name, k.Name, c.Args().First())
		}
	}
	return usage("kind: %w", wire.Unknown("kind", c.Args().First(), strings.Split(kinds.All().Names(), ", ")))
}

// ofThisKind is the category of the flags that are a kind's own options.
const ofThisKind = "of this kind:"

func optionFlag(f probes.Field) cli.Flag {
	const category = ofThisKind
	help := f.Help
	if f.Default != "" {
		help += " (default: " + f.Default + ")"
	}
	takes := cmdline.Text
	if len(f.Words) > 0 {
		takes = cmdline.OneOf(f.Words...)
	}
	switch {
	case f.Type == "yes/no":
		return &cli.BoolFlag{Name: draft.FlagName(f), Usage: help, Category: category, DisableDefaultText: true}
	case f.Type == "map":
		return cmdline.Takes(cmdline.Text, &cli.StringSliceFlag{Name: draft.FlagName(f), Usage: help + "; `NAME=VALUE`, may be repeated", Category: category})
	case f.List:
		return cmdline.Takes(takes, &cli.StringSliceFlag{Name: draft.FlagName(f), Usage: help + "; may be repeated", Category: category})
	}
	return cmdline.Takes(takes, &cli.StringFlag{Name: draft.FlagName(f), Usage: help, Category: category})
}

// optionsFromFlags gathers the kind's options that were given, as the JSON
// object that a file would hold.
func optionsFromFlags(c *cli.Context, k probes.Kind) (json.RawMessage, error) {
	options, err := draft.Options(k, func(o probes.Field) []string {
		name := draft.FlagName(o)
		switch {
		case !c.IsSet(name):
			return nil
		case o.Type == "yes/no":
			return []string{strconv.FormatBool(c.Bool(name))}
		case o.Type == "map" || o.Type == "list":
			return c.StringSlice(name)
		}
		return []string{c.String(name)}
	})
	if err != nil {
		return nil, usage("%w", err)
	}
	return options, nil
}
