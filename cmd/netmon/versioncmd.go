package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/internal/cmdline"
)

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:      "version",
		ArgsUsage: cmdline.Nothing,
		Usage:     "print the version of netmon and of what it is built with", UsageText: "netmon version",
		Action: func(c *cli.Context) error {
			fmt.Fprintf(c.App.Writer, "netmon %s\n", version)
			info, ok := debug.ReadBuildInfo()
			if !ok {
				return nil
			}
			if from := sourceOf(info); from.commit != "" {
				fmt.Fprintf(c.App.Writer, "commit %s\n", from)
			}
			fmt.Fprintf(c.App.Writer, "go %s\n", info.GoVersion)
			for _, d := range info.Deps {
				fmt.Fprintf(c.App.Writer, "%s %s\n", d.Path, d.Version)
			}
			return nil
		},
	}
}

// source is the commit that a program was built from. It is empty where the build
// recorded none, as without git.
type source struct {
	commit  string
	at      time.Time
	changed bool // something was not committed
}

func sourceOf(info *debug.BuildInfo) (s source) {
	for _, set := range info.Settings {
		switch set.Key {
		case "vcs.revision":
			s.commit = set.Value
		case "vcs.time":
			s.at, _ = time.Parse(time.RFC3339, set.Value)
		case "vcs.modified":
			s.changed = set.Value == "true"
		}
	}
	return s
}

func (s source) String() string {
	text := s.commit
	if !s.at.IsZero() {
		text += " of " + s.at.UTC().Format(time.RFC3339)
	}
	if s.changed {
		text += ", changed since"
	}
	return text
}

// dateOfVersion is what stands in the foot of manual pages: SOURCE_DATE_EPOCH, as
// reproducible builds set it, else the day of the commit, else today.
func dateOfVersion() time.Time {
	if n, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		return time.Unix(n, 0)
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		if at := sourceOf(info).at; !at.IsZero() {
			return at
		}
	}
	return time.Now()
}
