package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/judge"
	"netmon/wire"
)

// listKinds are the lists that commands give to programs, and what is in them.
func listKinds() []listKind {
	return []listKind{
		{"Monitors", "get monitors, get monitor", reflect.TypeFor[judged]()},
		{"Agents", "get agents", reflect.TypeFor[agentRow]()},
		{"Results", "get results, probe --from", reflect.TypeFor[wire.Result]()},
		{"Brokers", "get broker", reflect.TypeFor[console.BrokerInfo]()},
		{"Revisions", "history", reflect.TypeFor[historyRow]()},
		{"Configurations", "config ls", reflect.TypeFor[setRow]()},
		{"Contexts", "context ls", reflect.TypeFor[contextRow]()},
		{"Identities", "access ls", reflect.TypeFor[wire.Identity]()},
		{"Audit", "audit", reflect.TypeFor[wire.Audit]()},
		{"Findings", "doctor", reflect.TypeFor[finding]()},
	}
}

type listKind struct {
	name, commands string
	item           reflect.Type
}

func schemaCommand() *cli.Command {
	var names []string
	for _, k := range listKinds() {
		names = append(names, k.name)
	}
	return &cli.Command{
		Name:      "schema",
		Usage:     "print the JSON Schema of what commands give to programs",
		UsageText: "netmon schema [KIND]",
		Description: "Every list of -o json is {\"apiVersion\": \"netmon/v1\", \"kind\": …, \"items\": […]}; a line\nof -o ndjson is one item. Within netmon/v1 fields are only added: ignore those that\n" +
			"you do not know. Times are RFC 3339 in UTC, and units stand in the names.\nKinds: " + strings.Join(names, ", ") + ".\n\n   netmon schema Agents",
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return emitJSON(c.App.Writer, allSchema())
			}
			name, err := oneArg(c, "kind")
			if err != nil {
				return err
			}
			for _, k := range listKinds() {
				if strings.EqualFold(k.name, name) {
					return emitJSON(c.App.Writer, listSchema(k))
				}
			}
			return usage("kind: want one of %s, got %q", strings.Join(names, ", "), name)
		},
	}
}

type schema map[string]any

// allSchema allows any of the lists.
func allSchema() schema {
	var lists []schema
	for _, k := range listKinds() {
		lists = append(lists, listSchema(k))
	}
	return schema{"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "what netmon gives to programs", "anyOf": lists}
}

func listSchema(k listKind) schema {
	return schema{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   k.name, "description": "of " + k.commands,
		"type": "object", "required": []string{"apiVersion", "kind", "items"},
		"properties": schema{
			"apiVersion": schema{"const": "netmon/v1"},
			"kind":       schema{"const": k.name},
			"items":      schema{"type": "array", "items": schemaOf(k.item)},
		},
	}
}

// schemaOf describes the JSON form of a type.
func schemaOf(t reflect.Type) schema {
	switch t {
	case reflect.TypeFor[time.Time]():
		return schema{"type": "string", "format": "date-time"}
	case reflect.TypeFor[wire.Duration]():
		return schema{"type": "string", "description": "a duration such as 10s or 200ms"}
	case reflect.TypeFor[json.RawMessage]():
		return schema{"type": "object", "description": "the kind's own: probes/README.md"}
	case reflect.TypeFor[judge.State]():
		return schema{"type": "string", "enum": judge.States}
	case reflect.TypeFor[wire.Selectors]():
		return schema{"anyOf": []schema{{"const": wire.Everywhere}, {"type": "array", "items": schema{"type": "string"}}}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.String:
		return schema{"type": "string"}
	case reflect.Int, reflect.Int64:
		return schema{"type": "integer"}
	case reflect.Uint64:
		return schema{"type": "integer", "minimum": 0}
	case reflect.Float64:
		return schema{"type": "number"}
	case reflect.Slice:
		return schema{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		return schema{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Struct:
		properties, required := schema{}, []string{}
		structSchema(t, properties, &required)
		return schema{"type": "object", "required": required, "properties": properties}
	}
	panic(fmt.Sprintf("no schema for %v", t)) // a mistake in the code, found by the tests
}

func structSchema(t reflect.Type, properties schema, required *[]string) {
	for f := range t.Fields() {
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			structSchema(f.Type, properties, required)
		case f.IsExported() && name != "-" && name != "":
			properties[name] = schemaOf(f.Type)
			if !strings.Contains(opts, "omit") {
				*required = append(*required, name)
			}
		}
	}
}
