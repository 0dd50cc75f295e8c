package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/monitorfile"
	"netmon/internal/cmdline"
	"netmon/internal/endpoint"
)

func applyCommand() *cli.Command {
	return &cli.Command{
		Name:      "apply",
		ArgsUsage: cmdline.Files,
		Usage:     "save monitors, channels and rules from files",
		UsageText: "netmon apply -f FILE [-f FILE|FOLDER|-]... [--monitor NAME] [--tag team=shop] [--prune] [--watch]",
		Description: "Saves what is new or different and tells the agents. What is in no file stays\nas it is. With --prune it is deleted, in the lists that the files have (monitors,\nchannels, rules, windows, groups). Nothing changes unless all files are right.\nWith --monitor or --tag only monitors that these choose are changed, and no settings.\n${broker} in a target stands for HOST:PORT of the broker; at a loopback address the\nmonitor runs on this host's agents alone. docs/files.md explains the fields,\ndocs/alerts.md what they do.\n\n" +
			"With --watch it continues until Ctrl-C: it saves what the files change, and changes\nback what somebody else changed of that. It waits for a broker or a folder that is\naway, and says which mistakes keep it from saving.\n\n" +
			"   netmon apply -f monitors/ --watch",
		Flags: []cli.Flag{brokerFlag(), fileFlag(), monitorFlag(), tagFlag(), pruneFlag(),
			&cli.BoolFlag{Name: "watch", Aliases: []string{"w"}, DisableDefaultText: true, Usage: "keep what is saved as the files have it, until Ctrl-C"}},
		Action: func(c *cli.Context) error {
			if c.Bool("watch") {
				return applyWatching(c)
			}
			wanted, err := wantedFromFlag(c)
			if err != nil {
				return err
			}
			warnPlain(c.App.ErrWriter, wanted.Monitors...)
			return withBroker(c, func(ctx context.Context, cl *console.Client) error {
				plan, err := planOf(ctx, c, cl, wanted)
				if err != nil {
					return err
				}
				return apply(ctx, c, cl, plan)
			})
		},
	}
}

func fileFlag() cli.Flag {
	return cmdline.Takes(cmdline.Files, &cli.StringSliceFlag{Name: "file", Aliases: []string{"f"}, Usage: "`FILE`, a folder of *.yaml, or - for standard input; may be repeated"})
}

func wantedFromFlag(c *cli.Context) (console.Wanted, error) {
	paths, err := pathsOf(c)
	if err != nil {
		return console.Wanted{}, err
	}
	return readFiles(paths, c.App.Reader, c.Bool("prune"))
}

func pathsOf(c *cli.Context) ([]string, error) {
	paths := append(c.StringSlice("file"), c.Args().Slice()...)
	if len(paths) == 0 {
		return nil, usage("which file? %s", c.Command.UsageText)
	}
	return paths, nil
}

// brokerAddress is HOST:PORT of the broker, of a cluster that of its first server.
func brokerAddress(c *cli.Context) string {
	url, _, _ := strings.Cut(endpointOf(c).URL, ",")
	return endpoint.HostPort(url)
}

func readFiles(paths []string, stdin io.Reader, prune bool) (console.Wanted, error) {
	wanted, err := monitorfile.Read(paths, stdin, checks(), prune)
	if err != nil {
		return console.Wanted{}, usage("%w", err)
	}
	return wanted, nil
}

// apply carries out a plan. Of many changes a person is shown how far it is.
func apply(ctx context.Context, c *cli.Context, cl *console.Client, plan console.Plan) error {
	w, talk := c.App.Writer, c.App.ErrWriter
	of, n := plan.Same+len(plan.Changes)+len(plan.Settings)-len(plan.Names(console.Deleted))-len(plan.Titles(console.Deleted)), 0
	many := of > console.Wordy && isTerminal(talk)
	tell := func(name string, did console.Did) {
		if n++; many && n%100 == 0 {
			fmt.Fprintf(talk, "\rsaved %d of %d", n, of)
		}
		if of <= console.Wordy || did == console.Deleted {
			fmt.Fprintf(w, "%s %s\n", name, did)
		}
	}
	o, err := opsOf(cl).Apply(ctx, plan, console.ApplyOptions{
		Progress: func(change console.Change) { tell(change.Name(), change.Did()) },
		Setting:  func(change console.SettingChange) { tell(change.Title(), change.Did()) },
	})
	if many {
		fmt.Fprint(talk, "\r\x1b[K")
	}
	return report(w, o, err)
}
