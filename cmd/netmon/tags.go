package main

import (
	"context"
	"slices"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/internal/cmdline"
	"netmon/wire"
)

// tagFlag chooses monitors by their tags.
func tagFlag() cli.Flag {
	return cmdline.Takes(cmdline.Tag, &cli.StringSliceFlag{Name: "tag", Usage: "only monitors with the tag `NAME=VALUE`, in which * and ? stand for any part; may be repeated, all have to fit"})
}

// tagsOf reads tagFlag; nil is none.
func tagsOf(c *cli.Context) (map[string]string, error) {
	tags, err := console.ParseTags("--tag", c.StringSlice("tag"), true)
	if err != nil {
		return nil, usage("%w", err)
	}
	return tags, nil
}

// chosenMonitors are the monitors of a command line: those that are named, and those
// that --tag chooses; both together are those that are named and have the tags.
func chosenMonitors(ctx context.Context, c *cli.Context, cl *console.Client) ([]string, error) {
	names := c.Args().Slice()
	tags, err := tagsOf(c)
	if err != nil || len(tags) == 0 {
		return names, err
	}
	tagged, err := cl.NamesWith(ctx, tags)
	if err != nil || len(names) == 0 {
		return tagged, err
	}
	both := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !slices.Contains(tagged, name) })
	if len(both) == 0 {
		return nil, usage("none of the monitors that are named has the tag %s", console.TagText(tags))
	}
	return both, nil
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
