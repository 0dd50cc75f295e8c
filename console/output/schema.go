package output

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"netmon/judge"
	"netmon/wire"
)

// draft is the JSON Schema that is written.
const draft = "https://json-schema.org/draft/2020-12/schema"

// Schema is a JSON Schema.
type Schema map[string]any

// SchemaOf describes a list, which commands give, of items of a type, or each of one of
// several.
func SchemaOf(list, commands string, types ...reflect.Type) Schema {
	var any []Schema
	for _, t := range types {
		any = append(any, schemaOf(t))
	}
	items := any[0]
	if len(any) > 1 {
		items = Schema{"anyOf": any}
	}
	return Schema{
		"$schema": draft,
		"title":   list, "description": "of " + commands,
		"type": "object", "required": []string{"apiVersion", "kind", "items"},
		"properties": Schema{
			"apiVersion": Schema{"const": Version},
			"kind":       Schema{"const": list},
			"items":      Schema{"type": "array", "items": items},
		},
	}
}

// AnyOf allows any of these.
func AnyOf(title string, any []Schema) Schema {
	return Schema{"$schema": draft, "title": title, "anyOf": any}
}

// schemaOf describes the JSON form of a type.
func schemaOf(t reflect.Type) Schema {
	switch t {
	case reflect.TypeFor[time.Time]():
		return Schema{"type": "string", "format": "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return Schema{"type": "object", "description": "the kind's own: probes/README.md"}
	case reflect.TypeFor[wire.Setting]():
		return Schema{"type": "object", "description": "as in the list of its sort"}
	case reflect.TypeFor[wire.Channel]():
		text := Schema{"type": "string"}
		return Schema{"type": "object", "description": "and the settings of its kind: docs/alerts.md", "required": []string{"name", "kind"}, "properties": Schema{"name": text, "kind": text, "fallback": text,
			"paused": Schema{"type": "boolean"}, "revision": Schema{"type": "integer", "minimum": 0}, "edition": Schema{"type": "integer", "minimum": 0}, "author": text, "change": text}}
	case reflect.TypeFor[wire.Quorum]():
		return Schema{"description": "majority, any, all, a number of agents, a percentage such as 60%, or so many values of a label",
			"anyOf": []Schema{{"type": "string"}, {"type": "integer", "minimum": 1},
				{"type": "object", "required": []string{"distinct", "n"}, "properties": Schema{"distinct": Schema{"type": "string"}, "n": Schema{"type": "integer", "minimum": 1}}}}}
	case reflect.TypeFor[wire.Strikes]():
		return Schema{"type": "string", "description": "bad runs of the last ones, such as 2/3"}
	case reflect.TypeFor[wire.Crosscheck]():
		return Schema{"anyOf": []Schema{{"const": "off"}, {"type": "integer", "minimum": 1}}}
	case reflect.TypeFor[judge.State]():
		return Schema{"type": "string", "enum": judge.States}
	case reflect.TypeFor[wire.Selectors]():
		return Schema{"anyOf": []Schema{{"const": wire.Everywhere}, {"type": "array", "items": Schema{"type": "string"}}}}
	}
	switch t.Kind() {
	case reflect.Int64:
		if t.ConvertibleTo(reflect.TypeFor[wire.Duration]()) && t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
			return Schema{"type": "string", "description": "a duration such as 10s, 200ms or 1d"}
		}
		return Schema{"type": "integer"}
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.Bool:
		return Schema{"type": "boolean"}
	case reflect.String:
		return Schema{"type": "string"}
	case reflect.Int:
		return Schema{"type": "integer"}
	case reflect.Uint64:
		return Schema{"type": "integer", "minimum": 0}
	case reflect.Float64:
		return Schema{"type": "number"}
	case reflect.Slice:
		return Schema{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		return Schema{"type": "object", "additionalProperties": schemaOf(t.Elem())}
	case reflect.Struct:
		properties, required := Schema{}, []string{}
		structSchema(t, properties, &required)
		return Schema{"type": "object", "required": required, "properties": properties}
	}
	panic(fmt.Sprintf("no schema for %v", t)) // a mistake in the code, found by the tests
}

func structSchema(t reflect.Type, properties Schema, required *[]string) {
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
