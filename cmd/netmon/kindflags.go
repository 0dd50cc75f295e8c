package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/internal/cmdline"
	"netmon/probes"
	"netmon/wire"
)

// kindCommands makes one subcommand for each kind, with the kind's own options
// as flags beside the shared ones. They are made from the kinds' list, as the
// documentation is.
func kindCommands(shared func() []cli.Flag, what string, action func(*cli.Context, probes.Kind) error) []*cli.Command {
	var out []*cli.Command
	for _, k := range probes.Kinds {
		own := shared()
		var taken []string
		for _, f := range own {
			taken = append(taken, f.Names()...)
		}
		for _, o := range k.Options {
			if !strings.Contains(o.Path, "[]") && o.Type != "object" && !slices.Contains(taken, flagName(o)) {
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
	return usage("kind: unknown kind %q: one of %s", c.Args().First(), probes.Names())
}

func flagName(f probes.Field) string {
	return strings.NewReplacer(".", "-", "_", "-").Replace(f.Path)
}

func optionFlag(f probes.Field) cli.Flag {
	const category = "of this kind:"
	help := f.Help
	if f.Default != "" {
		help += " (default: " + f.Default + ")"
	}
	switch {
	case f.Type == "yes/no":
		return &cli.BoolFlag{Name: flagName(f), Usage: help, Category: category, DisableDefaultText: true}
	case f.Type == "map":
		return cmdline.Takes(cmdline.Text, &cli.StringSliceFlag{Name: flagName(f), Usage: help + "; `NAME=VALUE`, may be repeated", Category: category})
	case f.List:
		return cmdline.Takes(cmdline.Text, &cli.StringSliceFlag{Name: flagName(f), Usage: help + "; may be repeated", Category: category})
	}
	return cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: flagName(f), Usage: help, Category: category})
}

// optionsFromFlags gathers the kind's options that were given, as the JSON
// object that a file would hold.
func optionsFromFlags(c *cli.Context, k probes.Kind) (json.RawMessage, error) {
	options, err := optionsJSON(k, func(o probes.Field) []string {
		name := flagName(o)
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

// optionsJSON makes the JSON object of a kind's options. given returns the
// texts of an option, none when it was not given.
func optionsJSON(k probes.Kind, given func(probes.Field) []string) (json.RawMessage, error) {
	root := map[string]any{}
	var p wire.Problems
	for _, o := range k.Options {
		if strings.Contains(o.Path, "[]") || o.Type == "object" {
			continue
		}
		texts := given(o)
		if len(texts) == 0 {
			continue
		}
		v, err := optionValue(o, texts)
		if err != nil {
			p.Add("--"+flagName(o), err)
			continue
		}
		at := root
		parts := strings.Split(o.Path, ".")
		for _, part := range parts[:len(parts)-1] {
			next, ok := at[part].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[part] = next
			}
			at = next
		}
		at[parts[len(parts)-1]] = v
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	if len(root) == 0 {
		return nil, nil
	}
	return json.Marshal(root)
}

func optionValue(o probes.Field, texts []string) (any, error) {
	text := texts[len(texts)-1]
	switch o.Type {
	case "yes/no":
		return text == "true" || text == "yes", nil
	case "map":
		m := map[string]string{}
		for _, pair := range texts {
			k, v, ok := strings.Cut(pair, "=")
			if !ok {
				return nil, fmt.Errorf("want NAME=VALUE, got %q", pair)
			}
			m[k] = v
		}
		return m, nil
	case "list":
		return texts, nil
	}
	switch o.Type {
	case "integer":
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("want a whole number, got %q", text)
		}
		return n, nil
	case "number":
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("want a number, got %q", text)
		}
		return n, nil
	case "objects":
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return nil, fmt.Errorf("want a JSON list of objects, got %q", text)
		}
		return v, nil
	}
	return text, nil
}
