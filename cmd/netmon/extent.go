package main

import (
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
)

func extentOf(c *cli.Context, from, to time.Time) (console.Extent, error) {
	e := console.Extent{From: from, To: to, Tail: c.Int("tail"), Limit: c.Int("limit")}
	for _, name := range []string{"tail", "limit"} {
		if c.IsSet(name) && c.Int(name) < 1 {
			return e, usage("--%s: want 1 or more, got %d", name, c.Int(name))
		}
	}
	if e.Tail > 0 && e.Limit > 0 {
		return e, usage("--tail and --limit: want one of them: the newest, or the first")
	}
	e.Always = e.Tail > 0 && !c.IsSet("from") && !c.IsSet("to")
	return e, nil
}
