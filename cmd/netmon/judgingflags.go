package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/console/draft"
	"netmon/internal/cmdline"
	"netmon/wire"
)

// judgingFlags say how a monitor is judged, as verdict and depends_on do in a file.
func judgingFlags() []cli.Flag {
	var flags []cli.Flag
	for _, f := range draft.RuleFlags() {
		takes := cmdline.Text
		if len(f.Words) > 0 {
			takes = cmdline.OneOf(f.Words...)
		}
		flags = append(flags, cmdline.Takes(takes, &cli.StringFlag{Name: f.Name, DefaultText: f.Default, Usage: f.Help}))
	}
	flags = append(flags, cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "slo", Usage: "objective in `PERCENT`, such as 99.9, or 99.9/90d over another time than 30d: its error budget is watched"}))
	return append(flags, cmdline.Takes(cmdline.Monitors, &cli.StringFlag{Name: "depends-on", Usage: "`MONITORS` without which it cannot be reached, by commas"}))
}

// judgingOf reads these flags into a monitor.
func judgingOf(c *cli.Context, m *wire.Saved) error {
	var p wire.Problems
	rule, err := draft.Rule(func(flag string) (string, bool) { return c.String(flag), c.IsSet(flag) })
	p.Add("", err)
	m.Verdict = rule
	if c.IsSet("slo") {
		slo, err := wire.ParseSLO(c.String("slo"))
		p.Add("--slo", err)
		m.SLO = &slo
	}
	if c.IsSet("depends-on") {
		for name := range strings.SplitSeq(c.String("depends-on"), ",") {
			m.DependsOn = append(m.DependsOn, strings.TrimSpace(name))
		}
		for _, e := range wire.FieldErrors(m.Validate()) {
			if strings.HasPrefix(e.Path, "depends_on") {
				p.Add("--depends-on", e.Err)
			}
		}
	}
	return p.Err()
}
