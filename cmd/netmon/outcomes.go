package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/internal/cmdline"
	"netmon/wire"
)

// outcomes are those that a run can have.
var outcomes = [...]wire.Outcome{wire.OK, wire.Failed, wire.Broken}

// outcomeFlag chooses results by how they ended.
func outcomeFlag() cli.Flag {
	return cmdline.Takes(cmdline.OneOf("ok\tthe target did what it should", "failed\tthe target did not", "broken\tthe agent could not measure"),
		&cli.StringSliceFlag{Name: "outcome", Usage: "only results with the `OUTCOME` ok, failed or broken; may be repeated"})
}

// failuresFlag chooses all that is not ok, as `results failures` does in the prompt.
func failuresFlag() cli.Flag {
	return &cli.BoolFlag{Name: "failures", DisableDefaultText: true, Usage: "only results that are not ok: the target failed, or the agent could not measure (--outcome failed for the first alone)"}
}

// outcomesOf reads both flags; nil is all.
func outcomesOf(c *cli.Context) ([]wire.Outcome, error) {
	var out []wire.Outcome
	var p wire.Problems
	for _, arg := range c.StringSlice("outcome") {
		for word := range strings.SplitSeq(arg, ",") {
			o := wire.Outcome(strings.TrimSpace(word))
			if !slices.Contains(outcomes[:], o) {
				p.Addf("--outcome", "want ok, failed or broken, got %q", wire.Clip(word, wire.MaxToken))
				continue
			}
			out = append(out, o)
		}
	}
	if err := p.Err(); err != nil {
		return nil, usage("%w", err)
	}
	if c.Bool("failures") {
		out = append(out, wire.Failed, wire.Broken)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// orList writes outcomes as a choice: failed or broken.
func orList(list []wire.Outcome) string {
	words := make([]string, len(list))
	for i, o := range list {
		words[i] = string(o)
	}
	return strings.Join(words, " or ")
}
