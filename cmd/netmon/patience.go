package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/internal/cmdline"
	"netmon/internal/exit"
	"netmon/internal/retry"
	"netmon/wire"
)

// lasting are the commands that run until they are stopped: what they wait for
// may come at any time.
var lasting = []string{"up", "console", "agent", "controller", "dash"}

// defaultPatience is how long a command that has no other end waits for each answer
// of the broker: longer than a cluster takes to elect a leader.
const defaultPatience = retry.Patience

// withPatience gives a command that asks a broker an end to its waiting: by
// --timeout, or NETMON_TIMEOUT where --timeout means something else. Where it waits
// for long, it says on standard error for what.
func withPatience(c *cli.Command) {
	if cmdline.Find(c.Flags, "broker") == nil || cmdline.Find(c.Flags, "context") == nil || slices.Contains(lasting, c.Name) || c.Action == nil {
		return
	}
	own := cmdline.Find(c.Flags, "timeout") != nil
	if !own {
		c.Flags = append(slices.Clip(c.Flags), &cli.DurationFlag{Name: "timeout", Category: cmdline.ForBroker, DefaultText: fmt.Sprintf("none, and %v for each answer", defaultPatience), Usage: "give up after this `DURATION`, with exit code 4 [$NETMON_TIMEOUT]"})
	}
	action := c.Action
	c.Action = func(c *cli.Context) error {
		d, from, err := patience(c, own)
		if err != nil {
			return err
		}
		c.Context = retry.WithNotice(c.Context, func(what string) { fmt.Fprintln(c.App.ErrWriter, "netmon:", what) })
		if d == 0 {
			return action(c)
		}
		outer := c.Context
		ctx, cancel := context.WithTimeout(outer, d)
		defer cancel()
		c.Context = ctx
		err = action(c)
		var coded *exit.Error
		// On a busy machine ctx hears of its end after the connection that went by it.
		if end, _ := ctx.Deadline(); err == nil || time.Now().Before(end) || outer.Err() != nil || errors.As(err, &coded) {
			return err
		}
		return exit.With(exitTimeout, fmt.Errorf("not done within %v (%s): %w", d, from, err))
	}
}

// patience is how long a command may take, 0 for no limit, and who said so.
func patience(c *cli.Context, own bool) (d time.Duration, from string, err error) {
	env := os.Getenv("NETMON_TIMEOUT")
	switch {
	case !own && c.IsSet("timeout"):
		d, from = c.Duration("timeout"), "--timeout"
	case env != "":
		d, err = wire.ParseDuration(env)
		from = "NETMON_TIMEOUT"
	default:
		return 0, "", nil
	}
	if err != nil {
		return 0, "", usage("NETMON_TIMEOUT: want a duration such as 5s, got %q", env)
	}
	if d <= 0 {
		return 0, "", usage("%s: want a duration over 0, such as 5s, got %q", from, d)
	}
	return d, from, nil
}
