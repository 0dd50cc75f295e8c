package main

import (
	"reflect"
	"slices"
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
		{"Monitors", "get monitors, get monitor", []reflect.Type{reflect.TypeFor[judged]()}},
		{"ShownMonitors", "show", []reflect.Type{reflect.TypeFor[shown]()}},
		{"Agents", "get agents", []reflect.Type{reflect.TypeFor[agentRow]()}},
		{"Verdicts", "get verdicts", []reflect.Type{reflect.TypeFor[console.VerdictChange]()}},
		{"Explanations", "explain", []reflect.Type{reflect.TypeFor[console.Explanation]()}},
		{"Results", "get results, probe --from", []reflect.Type{reflect.TypeFor[wire.Result](), reflect.TypeFor[console.ResultRollup]()}},
		{"Brokers", "get broker", []reflect.Type{reflect.TypeFor[console.BrokerInfo]()}},
		{"Revisions", "history", []reflect.Type{reflect.TypeFor[historyRow]()}},
		{"Configurations", "config ls", []reflect.Type{reflect.TypeFor[console.ListedSet]()}},
		{"Contexts", "context ls", []reflect.Type{reflect.TypeFor[contextRow]()}},
		{"Identities", "access ls", []reflect.Type{reflect.TypeFor[wire.Identity]()}},
		{"Audit", "audit", []reflect.Type{reflect.TypeFor[wire.Audit]()}},
		{"Stats", "stats", []reflect.Type{reflect.TypeFor[console.Stats]()}},
		{"Uptime", "uptime", []reflect.Type{reflect.TypeFor[console.UptimeRow]()}},
		{"Graphs", "graph", []reflect.Type{reflect.TypeFor[console.Graph]()}},
		{"Backtests", "backtest", []reflect.Type{reflect.TypeFor[console.Backtest]()}},
		{"SavedChannels", "get channels", []reflect.Type{reflect.TypeFor[*wire.Channel]()}},
		{"Rules", "get rules", []reflect.Type{reflect.TypeFor[*wire.NoticeRule]()}},
		{"Windows", "get windows", []reflect.Type{reflect.TypeFor[output.WindowRow]()}},
		{"Groups", "get groups", []reflect.Type{reflect.TypeFor[output.GroupRow]()}},
		{"SettingRevisions", "history channel and so on", []reflect.Type{reflect.TypeFor[settingRow]()}},
		{"Silences", "get silences", []reflect.Type{reflect.TypeFor[output.SilenceRow]()}},
		{"Findings", "doctor", []reflect.Type{reflect.TypeFor[doctor.Finding]()}},
	}
}

type listKind struct {
	name, commands string
	items          []reflect.Type // of which each item is one
}

func schemaCommand() *cli.Command {
	var names, kinds []string
	for _, k := range listKinds() {
		names = append(names, k.name)
		if _, file := fileSchema(k.name); !file {
			kinds = append(kinds, k.name+"\tof "+k.commands)
		}
	}
	for _, k := range fileKinds() {
		if kinds = append(kinds, k.name+"\tof "+k.about); !slices.Contains(names, k.name) {
			names = append(names, k.name)
		}
	}
	return &cli.Command{
		Name:      "schema",
		ArgsUsage: cmdline.OneOf(kinds...),
		Usage:     "print the JSON Schema of files, for editors, and of what commands give to programs",
		UsageText: "netmon schema [KIND]",
		Description: "Every list of -o json is {\"apiVersion\": \"netmon/v1\", \"kind\": …, \"items\": […]}; a line\nof -o ndjson is one item. Within netmon/v1 fields are only added: ignore those that\n" +
			"you do not know. Times are RFC 3339 in UTC, and units stand in the names.\n" +
			"Monitors describes files, too, with the options of every kind, Policy and\nNotifierPolicy the files of that name: editors complete and check them by it.\nKinds: " + strings.Join(names, ", ") + ".\n\n   netmon schema Agents\n   netmon schema Monitors >netmon.schema.json",
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return output.JSON(c.App.Writer, allSchema())
			}
			name, err := oneArg(c, "kind")
			if err != nil {
				return err
			}
			if k, ok := fileSchema(name); ok {
				return output.JSON(c.App.Writer, k.schema())
			}
			for _, k := range listKinds() {
				if strings.EqualFold(k.name, name) {
					return output.JSON(c.App.Writer, output.SchemaOf(k.name, k.commands, k.items...))
				}
			}
			return usage("kind: want one of %s, got %q", strings.Join(names, ", "), name)
		},
	}
}

// fileSchema finds the kind of file of that name.
func fileSchema(name string) (fileKind, bool) {
	all := fileKinds()
	i := slices.IndexFunc(all, func(k fileKind) bool { return strings.EqualFold(k.name, name) })
	if i < 0 {
		return fileKind{}, false
	}
	return all[i], true
}

// allSchema allows any of the lists.
func allSchema() output.Schema {
	var lists []output.Schema
	for _, k := range listKinds() {
		lists = append(lists, output.SchemaOf(k.name, k.commands, k.items...))
	}
	return output.AnyOf("what netmon gives to programs", lists)
}
