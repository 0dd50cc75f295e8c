package main

import (
	"reflect"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/internal/doctor"
	"netmon/wire"
)

// listKinds are the lists that commands give to programs, and what is in them.
func listKinds() []listKind {
	return []listKind{
		{"Monitors", "get monitors, get monitor", reflect.TypeFor[judged]()},
		{"Agents", "get agents", reflect.TypeFor[agentRow]()},
		{"Verdicts", "get verdicts", reflect.TypeFor[console.VerdictChange]()},
		{"Explanations", "explain", reflect.TypeFor[console.Explanation]()},
		{"Results", "get results, probe --from", reflect.TypeFor[wire.Result]()},
		{"Brokers", "get broker", reflect.TypeFor[console.BrokerInfo]()},
		{"Revisions", "history", reflect.TypeFor[historyRow]()},
		{"Configurations", "config ls", reflect.TypeFor[console.ListedSet]()},
		{"Contexts", "context ls", reflect.TypeFor[contextRow]()},
		{"Identities", "access ls", reflect.TypeFor[wire.Identity]()},
		{"Audit", "audit", reflect.TypeFor[wire.Audit]()},
		{"Backtests", "backtest", reflect.TypeFor[console.Backtest]()},
		{"SavedChannels", "get channels", reflect.TypeFor[*wire.Channel]()},
		{"Rules", "get rules", reflect.TypeFor[*wire.NoticeRule]()},
		{"Windows", "get windows", reflect.TypeFor[output.WindowRow]()},
		{"Groups", "get groups", reflect.TypeFor[output.GroupRow]()},
		{"SettingRevisions", "history channel and so on", reflect.TypeFor[settingRow]()},
		{"Silences", "get silences", reflect.TypeFor[output.SilenceRow]()},
		{"Findings", "doctor", reflect.TypeFor[doctor.Finding]()},
	}
}

type listKind struct {
	name, commands string
	item           reflect.Type
}

func schemaCommand() *cli.Command {
	var names, kinds []string
	for _, k := range listKinds() {
		names, kinds = append(names, k.name), append(kinds, k.name+"\tof "+k.commands)
	}
	return &cli.Command{
		Name:      "schema",
		ArgsUsage: cmdline.OneOf(kinds...),
		Usage:     "print the JSON Schema of what commands give to programs",
		UsageText: "netmon schema [KIND]",
		Description: "Every list of -o json is {\"apiVersion\": \"netmon/v1\", \"kind\": …, \"items\": […]}; a line\nof -o ndjson is one item. Within netmon/v1 fields are only added: ignore those that\n" +
			"you do not know. Times are RFC 3339 in UTC, and units stand in the names.\nKinds: " + strings.Join(names, ", ") + ".\n\n   netmon schema Agents",
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return output.JSON(c.App.Writer, allSchema())
			}
			name, err := oneArg(c, "kind")
			if err != nil {
				return err
			}
			for _, k := range listKinds() {
				if strings.EqualFold(k.name, name) {
					return output.JSON(c.App.Writer, output.SchemaOf(k.name, k.commands, k.item))
				}
			}
			return usage("kind: want one of %s, got %q", strings.Join(names, ", "), name)
		},
	}
}

// allSchema allows any of the lists.
func allSchema() output.Schema {
	var lists []output.Schema
	for _, k := range listKinds() {
		lists = append(lists, output.SchemaOf(k.name, k.commands, k.item))
	}
	return output.AnyOf("what netmon gives to programs", lists)
}
