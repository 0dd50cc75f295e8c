package main

import (
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/internal/cmdline"
	"netmon/wire"
)

// tagFlag chooses monitors by their tags.
func tagFlag() cli.Flag {
	return cmdline.Takes(cmdline.Tag, &cli.StringSliceFlag{Name: "tag", Usage: "only monitors with the tag `NAME=VALUE`, in which * and ? stand for any part, or NAME for any value; may be repeated, all have to fit"})
}

// monitorFlag chooses monitors by name where the arguments are something else.
func monitorFlag() cli.Flag {
	return cmdline.Takes(cmdline.Monitor, &cli.StringSliceFlag{Name: "monitor", Usage: "only the monitor `NAME`, in which * and ? stand for any part; may be repeated"})
}

// tagsOf reads tagFlag; nil is none.
func tagsOf(c *cli.Context) (map[string]string, error) {
	tags, err := console.ParseTags("--tag", c.StringSlice("tag"), true)
	if err != nil {
		return nil, usage("%w", err)
	}
	return tags, nil
}

// chosenMonitors are the monitors of a command line: those that are named or fit a
// glob such as 'svc-*', and of these those that --tag chooses. None is all.
func chosenMonitors(ctx context.Context, c *cli.Context, cl *console.Client) ([]string, error) {
	return chosenOf(ctx, c, cl, c.Args().Slice())
}

// chosenOf is the same where not all arguments are names.
func chosenOf(ctx context.Context, c *cli.Context, cl *console.Client, names []string) ([]string, error) {
	tags, err := tagsOf(c)
	if err != nil {
		return nil, err
	}
	return cl.PickSaved(ctx, names, tags)
}

// checkNames refuses words that are neither names nor globs.
func checkNames(words []string) error {
	for _, word := range words {
		if console.IsGlob(word) {
			if _, err := path.Match(word, ""); err != nil {
				return usage("want a name, in which * and ? stand for any part, got %q", word)
			}
		} else if err := wire.CheckToken(word); err != nil {
			return usage("name %w", err)
		}
	}
	return nil
}

// confirmSeveral asks before a change of several monitors that are not named one by one.
func confirmSeveral(c *cli.Context, all []string) error {
	return confirmChosen(c, "monitors", all)
}

// confirmChosen is the same of whatever is changed.
func confirmChosen(c *cli.Context, what string, all []string) error {
	if len(all) < 2 || !c.IsSet("tag") && !slices.ContainsFunc(c.Args().Slice(), console.IsGlob) {
		return nil
	}
	return confirm(c, fmt.Sprintf("%s %d %s: %s", c.Command.Name, len(all), what, console.ShortList(all, 20)))
}

// taggedStatuses are the monitors with these tags, and the state of each.
func taggedStatuses(model *console.Model, tags map[string]string) (monitors []wire.Saved, states []console.Status) {
	all, of := model.Statuses()
	if len(tags) == 0 {
		return all, of
	}
	chosen := map[string]bool{}
	for _, m := range console.Tagged(all, tags) {
		chosen[m.Name] = true
	}
	for i, m := range all {
		if chosen[m.Name] {
			monitors, states = append(monitors, m), append(states, of[i])
		}
	}
	return monitors, states
}
