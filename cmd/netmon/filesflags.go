package main

import (
	"path/filepath"

	"github.com/urfave/cli/v2"

	"netmon/internal/cmdline"
	"netmon/internal/host"
)

// monitorsFolderFlag is of what runs a controller.
func monitorsFolderFlag() cli.Flag {
	return cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: "monitors", Usage: "keep what is saved as the *.yaml of `FOLDER` have it: monitors, channels, rules, windows, groups"})
}

func monitorsPruneFlag() cli.Flag {
	return &cli.BoolFlag{Name: "monitors-prune", DisableDefaultText: true, Usage: "also delete what the controller saved from --monitors and is in no file any more; nothing that people saved"}
}

// filesOf is the folder that the controller of this process keeps, nil for none. One that
// is not there yet may be mounted later.
func filesOf(c *cli.Context) (*host.Files, error) {
	folder := c.String("monitors")
	switch {
	case folder == "" && c.IsSet("monitors"):
		return nil, usage("--monitors: want a folder, got nothing")
	case folder == "" && c.Bool("monitors-prune"):
		return nil, usage("--monitors-prune: want --monitors FOLDER beside it")
	case folder == "":
		return nil, nil
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, usage("--monitors: %w", err)
	}
	return &host.Files{Paths: []string{folder}, Prune: c.Bool("monitors-prune"), Checks: checks()}, nil
}

// filesOfUp are the files of netmon up, where it watches them.
func filesOfUp(c *cli.Context) (*host.Files, error) {
	if c.NArg() == 0 {
		return nil, usage("--watch: want files or a folder to watch: netmon up FILE --watch")
	}
	f := &host.Files{Checks: checks(), Agents: []string{c.String("id")}}
	for _, path := range c.Args().Slice() {
		if err := watchable(path); err != nil {
			return nil, err
		}
		path, err := filepath.Abs(path)
		if err != nil {
			return nil, usage("%w", err)
		}
		f.Paths = append(f.Paths, path)
	}
	return f, nil
}
