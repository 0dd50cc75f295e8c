package main

import (
	"time"

	"github.com/urfave/cli/v2"

	"netmon/internal/cmdline"
	"netmon/internal/timetext"
)

// timeHelp is for the descriptions of commands whose flags take a time.
const timeHelp = "A TIME is how long ago, such as 90m, 7d or 2w, a time of a day such as 02:00 (the last\none), today, yesterday or \"yesterday 14:00\", a day such as 2026-11-29, a day and a time\nsuch as \"2026-11-29 02:00\" or 2026-11-29T02:00:00Z, or whatever netmon prints. It is in\nthe zone of this computer unless it names one: Z, +01:00, UTC, Europe/Oslo."

// timeFlag is a flag whose value is a time, for parseTime to read.
func timeFlag(name, value, usage string) cli.Flag {
	return cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: name, Value: value, Usage: usage})
}

// parseTime reads a time that was.
func parseTime(flag, text string, now time.Time) (time.Time, error) {
	return timeOn(flag, text, now, timetext.Past)
}

// parseComing reads a time to come.
func parseComing(flag, text string, now time.Time) (time.Time, error) {
	return timeOn(flag, text, now, timetext.Coming)
}

func timeOn(flag, text string, now time.Time, side timetext.Side) (time.Time, error) {
	t, err := timetext.Parse(text, now, side)
	if err != nil {
		return t, usage("--%s: %w", flag, err)
	}
	return t, nil
}

// span reads --from and --to.
func span(c *cli.Context) (from, to time.Time, err error) {
	now := time.Now()
	if from, err = parseTime("from", c.String("from"), now); err != nil {
		return from, to, err
	}
	to = now
	if c.IsSet("to") {
		if to, err = parseTime("to", c.String("to"), now); err != nil {
			return from, to, err
		}
	}
	if !from.Before(to) {
		return from, to, usage("--from %s is not before --to %s", c.String("from"), c.String("to"))
	}
	return from, to, nil
}
