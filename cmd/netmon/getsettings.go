package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/monitorfile"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/wire"
)

// getSettingsCommands list what is saved of each sort of settings.
func getSettingsCommands() []*cli.Command {
	return []*cli.Command{
		getSettings(wire.SortChannel, "ways to notify people: webhooks, mail, chats, pagers; netmon notify ls shows whether they work",
			func(list []wire.Setting, _ *console.Model, none string) output.Listing[*wire.Channel] {
				return output.SavedChannels(settingsAs[*wire.Channel](list), none)
			}),
		getSettings(wire.SortRule, "which channels are notified of what, and when",
			func(list []wire.Setting, _ *console.Model, none string) output.Listing[*wire.NoticeRule] {
				return output.Rules(settingsAs[*wire.NoticeRule](list), none)
			}),
		getSettings(wire.SortWindow, "when notices are muted by a calendar",
			func(list []wire.Setting, _ *console.Model, none string) output.Listing[output.WindowRow] {
				return output.Windows(settingsAs[*wire.Window](list), time.Now(), none)
			}),
		getSettings(wire.SortGroup, "sets of monitors with a verdict of their own",
			func(list []wire.Setting, model *console.Model, none string) output.Listing[output.GroupRow] {
				return output.Groups(settingsAs[*wire.Group](list), model.Groups(), none)
			}),
		getSettings(wire.SortSilence, "what is muted for a while: active, coming, and ended in the last day; --all: all that are kept",
			func(list []wire.Setting, _ *console.Model, none string) output.Listing[output.SilenceRow] {
				return output.Silences(settingsAs[*wire.Silence](list), time.Now(), none)
			}),
	}
}

// settingsAs are settings of one sort, by their type.
func settingsAs[T wire.Setting](list []wire.Setting) []T {
	out := make([]T, 0, len(list))
	for _, x := range list {
		if t, ok := x.(T); ok {
			out = append(out, t)
		}
	}
	return out
}

// getSettings is a command that lists the settings of a sort.
func getSettings[T any](sort wire.Sort, about string, listing func([]wire.Setting, *console.Model, string) output.Listing[T]) *cli.Command {
	section, word := console.Section(sort), console.SortWord(sort)
	flags := []cli.Flag{brokerFlag(), listFlag(), watchFlag()}
	if sort == wire.SortSilence {
		flags = append(flags, &cli.BoolFlag{Name: "all", DisableDefaultText: true, Usage: "also those that ended longer ago"})
	}
	text := fmt.Sprintf("netmon get %s [NAME...] [-o FORM] [--watch]", section)
	description := fmt.Sprintf("-o yaml is a file that netmon apply takes, and what netmon get %s NAME prints.", section)
	if !inFiles(sort) {
		description = "netmon silence makes one, netmon silence end ID ends it."
	}
	return &cli.Command{
		Name: section, Aliases: []string{word}, ArgsUsage: cmdline.Settings(string(sort)), Usage: about, UsageText: text, Description: description, Flags: flags,
		Action: func(c *cli.Context) error {
			if err := checkForm(c); err != nil {
				return err
			}
			form := c.String("output")
			if form == "" && c.NArg() > 0 && !c.Bool("watch") && inFiles(sort) {
				form = "yaml"
			}
			none := fmt.Sprintf("no %s is saved: netmon docs alerts shows how to add one", word)
			if sort == wire.SortSilence {
				none = "nothing is silenced: netmon silence --help"
			}
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				parts := console.PartSettings
				if sort == wire.SortGroup {
					parts |= console.PartVerdicts
				}
				model := cl.Model(console.ModelOptions{Parts: parts})
				now := func() []wire.Setting { return shownSettings(c, model.Settings(sort)) }
				if c.Bool("watch") {
					return watchList(ctx, c, model, func() output.Listing[T] { return listing(now(), model, none) })
				}
				if err := model.Load(ctx); err != nil {
					return err
				}
				list := now()
				problems := settingsMissing(c, model, sort)
				if len(list) > 0 || problems == nil {
					if err := printSettings(c, form, sort, list, func() error { return printList(c, listing(list, model, none)) }); err != nil {
						return errors.Join(problems, err)
					}
				}
				return problems
			})
		},
	}
}

func inFiles(sort wire.Sort) bool { return slices.Contains(console.FileSorts, sort) }

// shownSettings are those of the command line: those that are named, all where none is,
// and of silences those that are not long over.
func shownSettings(c *cli.Context, list []wire.Setting) []wire.Setting {
	var out []wire.Setting
	for _, x := range list {
		s, silence := x.(*wire.Silence)
		switch {
		case c.NArg() > 0 && !slices.Contains(c.Args().Slice(), x.SettingName()):
		case silence && c.NArg() == 0 && !c.Bool("all") && time.Since(s.Until) > 24*time.Hour:
		default:
			out = append(out, x)
		}
	}
	return out
}

// settingsMissing reports names that nothing is saved under, and of what cannot be read.
func settingsMissing(c *cli.Context, model *console.Model, sort wire.Sort) error {
	var errs []error
	problems := model.SettingProblems()
	for _, key := range slices.Sorted(maps.Keys(problems)) {
		of, name, _ := strings.Cut(key, ".")
		if of == string(sort) && (c.NArg() == 0 || slices.Contains(c.Args().Slice(), name)) {
			errs = append(errs, errors.New(problems[key]))
		}
	}
	all := model.Settings(sort)
	for _, name := range c.Args().Slice() {
		there := slices.ContainsFunc(all, func(x wire.Setting) bool { return x.SettingName() == name })
		if _, unread := problems[string(sort)+"."+name]; !there && !unread {
			errs = append(errs, fmt.Errorf("%s %q %w", console.SortWord(sort), name, console.ErrNoSetting))
		}
	}
	return errors.Join(errs...)
}

// printSettings writes settings; those of -o yaml that stand in files are such a file.
func printSettings(c *cli.Context, form string, sort wire.Sort, list []wire.Setting, table func() error) error {
	if form == "yaml" && inFiles(sort) {
		return monitorfile.Write(c.App.Writer, console.Wanted{Settings: list, Sorts: []wire.Sort{sort}, NoMonitors: true}, "")
	}
	return table()
}
