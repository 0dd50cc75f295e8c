package cmdline

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// Argument says in data what stands for an argument of a command, in its
// ArgsUsage, or for the value of a flag, see Takes: one of the constants below, or
// what OneOf makes of some words. Completion uses it, of shells and of the prompt.
type Argument = string

const (
	Nothing       Argument = "nothing"
	Text          Argument = "text" // such as a new name, an address or a secret: nobody can know it
	Number        Argument = "number"
	Duration      Argument = "duration"
	Files         Argument = "files" // and folders
	Monitor       Argument = "monitor"
	Monitors      Argument = "monitors"
	Agent         Argument = "agent"
	Agents        Argument = "agents"
	AgentsAway    Argument = "agents that are away"
	Placement     Argument = "placement" // agents and labels, by commas; or some of them
	Target        Argument = "target"    // of the kind that the command is named after
	Contexts      Argument = "context"
	Configuration Argument = "configuration"
	Revision      Argument = "revision" // of the monitor that is the argument
	Identity      Argument = "identity"
	Incident      Argument = "incident" // its id, in short, or the name of a member
	Incidents     Argument = "incidents"
	Channel       Argument = "channel"
	Tag           Argument = "tag" // of monitors: NAME=VALUE
)

// settingsOf begins an argument that names settings.
const settingsOf = "settings of the sort "

// Settings is an argument that names saved settings of a sort, such as rule.
func Settings(sort string) Argument { return settingsOf + sort }

// SettingSort is the sort of [Settings], "" for any other argument.
func SettingSort(a Argument) string {
	sort, ok := strings.CutPrefix(a, settingsOf)
	if !ok {
		return ""
	}
	return sort
}

// OneOf is an argument that is one of some words. Behind a tab may be what a word means.
func OneOf(words ...string) Argument { return strings.Join(words, "|") + "|" }

// assigned begins an argument that is monitors, and fields with their values.
const assigned = "monitors, and of "

// MonitorsAnd is an argument of monitors, and behind them of FIELD=VALUE for some fields:
// each is FIELD=, or FIELD=VALUE for one that it can be.
func MonitorsAnd(fields ...string) Argument { return assigned + OneOf(fields...) }

// Assigned are the fields of [MonitorsAnd] that a word may be which somebody began: without
// a value as long as no = is there. They are nil for any other argument.
func Assigned(a Argument, begun string) (out []string) {
	list, ok := strings.CutPrefix(a, assigned)
	if !ok {
		return nil
	}
	for _, word := range Words(list) {
		if !strings.Contains(begun, "=") {
			word = word[:strings.IndexByte(word, '=')+1]
		}
		if !slices.Contains(out, word) {
			out = append(out, word)
		}
	}
	return out
}

// Words are those of OneOf, nil for any other argument.
func Words(a Argument) []string {
	list, ok := strings.CutSuffix(a, "|")
	if !ok || strings.HasPrefix(a, assigned) {
		return nil
	}
	return strings.Split(list, "|")
}

// Stated says whether a is an argument at all.
func Stated(a Argument) bool {
	switch a {
	case Nothing, Text, Number, Duration, Files, Monitor, Monitors, Agent, Agents, AgentsAway, Placement, Target, Contexts, Configuration, Revision, Identity, Incident, Incidents, Channel, Tag:
		return true
	}
	return len(Words(a)) > 0 || SettingSort(a) != "" || strings.HasPrefix(a, assigned)
}

type (
	textFlag struct {
		*cli.StringFlag
		takes Argument
	}
	textsFlag struct {
		*cli.StringSliceFlag
		takes Argument
	}
	numberFlag struct {
		*cli.Uint64Flag
		takes Argument
	}
)

func (f textFlag) argument() Argument   { return f.takes }
func (f textsFlag) argument() Argument  { return f.takes }
func (f numberFlag) argument() Argument { return f.takes }

// Takes is a flag that states what its value is.
func Takes(a Argument, f cli.Flag) cli.Flag {
	switch f := f.(type) {
	case *cli.StringFlag:
		return textFlag{f, a}
	case *cli.StringSliceFlag:
		return textsFlag{f, a}
	case *cli.Uint64Flag:
		return numberFlag{f, a}
	}
	return f // its type says it
}

// ValueOf is what the value of a flag is; "" for one that does not state it.
func ValueOf(f cli.Flag) Argument {
	switch f := f.(type) {
	case interface{ argument() Argument }:
		return f.argument()
	case *cli.BoolFlag:
		return Nothing
	case *cli.DurationFlag:
		return Duration
	case *cli.IntFlag, *cli.Int64Flag, *cli.UintFlag, *cli.Uint64Flag, *cli.Float64Flag:
		return Number
	}
	return ""
}
