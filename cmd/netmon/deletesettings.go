package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/internal/cmdline"
	"netmon/wire"
)

// deleteSettingCommands delete settings of each sort.
func deleteSettingCommands() []*cli.Command {
	var out []*cli.Command
	for _, sort := range append(slices.Clone(console.FileSorts), wire.SortSilence) {
		word := console.SortWord(sort)
		c := &cli.Command{
			Name: word, ArgsUsage: cmdline.Settings(string(sort)), Usage: "delete saved " + console.Section(sort), UsageText: fmt.Sprintf("netmon delete %s NAME... [--yes]", word),
			Flags: append(yesFlags(), brokerFlag()),
			Action: func(c *cli.Context) error {
				return eachSetting(c, "the names of "+console.Section(sort), func(ops *console.Ops, ctx context.Context, name string) (console.SettingOutcome, error) {
					return deleteSetting(ctx, c, ops, sort, name)
				})
			},
		}
		switch sort {
		case wire.SortChannel:
			c.Description = "Asks before it deletes a channel that a rule or another channel uses: these stay as\nthey are, and no longer reach anybody through it."
		case wire.SortGroup:
			c.Description = "Asks before it deletes a group that a rule or a window names."
		case wire.SortSilence:
			c.UsageText, c.Description = "netmon delete silence ID...", "netmon silence end ID ends it, and keeps who made it and why."
		}
		out = append(out, c)
	}
	return out
}

// deleteSetting deletes one, and asks first where others name it.
func deleteSetting(ctx context.Context, c *cli.Context, ops *console.Ops, sort wire.Sort, name string) (console.SettingOutcome, error) {
	o, err := ops.RemoveSetting(ctx, sort, name, console.DeleteOptions{Anyway: c.Bool("yes")})
	used, ok := errors.AsType[*console.UsedError](err)
	if !ok {
		return o, err
	}
	if err := confirm(c, used.Error()+": delete it anyway"); err != nil {
		return o, err
	}
	return ops.RemoveSetting(ctx, sort, name, console.DeleteOptions{Anyway: true})
}
