package monitorfile

import (
	"maps"

	"netmon/console"
	"netmon/internal/formschema"
	"netmon/wire"
)

// Form is a kind of probe, or of channel, as a schema of files describes it.
type Form struct {
	Name     string
	Doc      string   // what it does
	Target   string   // of a probe: the form of its targets, with an example
	Settings []any    // structs of its options, each at its default
	Without  []string // of these, those that it has not
	Required []string // of them, those that have to be given
}

type schema = formschema.Schema

// Schema describes files of monitors and of all else that apply takes, for editors.
func Schema(probes, channels []Form) map[string]any {
	definitions := schema{
		"monitor":  monitorSchema(probes),
		"defaults": described(formschema.Of(settings{})),
		"channel":  channelSchema(channels),
		"rule":     required(described(formschema.Of(rule{})), "name", "to"),
		"window":   required(described(formschema.Of(window{})), "name"),
		"group":    required(described(formschema.Of(group{})), "name", "of"),
	}
	for _, k := range probes {
		definitions["options-"+k.Name] = settingsOf(k)
	}
	list := func(of, doc string) schema {
		return schema{"type": "array", "description": doc, "items": schema{"$ref": "#/definitions/" + of}}
	}
	properties := schema{
		"defaults":                        schema{"$ref": "#/definitions/defaults"},
		"monitors":                        list("monitor", "what is measured"),
		console.Section(wire.SortChannel): list("channel", "how people are notified"),
		console.Section(wire.SortRule):    list("rule", "which channels are notified of what"),
		console.Section(wire.SortWindow):  list("window", "planned times in which notices are muted"),
		console.Section(wire.SortGroup):   list("group", "monitors with one verdict for all of them"),
	}
	return schema{
		"$schema": formschema.Draft, "title": "netmon monitors, channels, rules, windows and groups",
		"type": "object", "additionalProperties": false, "properties": properties, "definitions": definitions,
	}
}

// settingsOf describes what a kind has of its own.
func settingsOf(k Form) schema {
	all := schema{}
	for _, s := range k.Settings {
		maps.Copy(all, formschema.Properties(formschema.Of(s)))
	}
	for _, name := range k.Without {
		delete(all, name)
	}
	out := schema{"type": "object", "additionalProperties": false, "properties": all, "description": k.Name + " " + k.Doc}
	return required(out, k.Required...)
}

func monitorSchema(probes []Form) schema {
	s := required(described(formschema.Of(entry{})), "name", "kind", "target")
	properties := formschema.Properties(s)
	properties["options"] = schema{"type": "object", "description": "the options of the kind"}
	kind(properties, probes)
	var each []schema
	for _, k := range probes {
		each = append(each, when(k.Name, schema{"properties": schema{
			"target":  schema{"description": k.Target},
			"options": schema{"$ref": "#/definitions/options-" + k.Name},
		}}))
	}
	s["allOf"] = each
	return s
}

// channelSchema describes a channel, whose kind's settings stand beside its name.
func channelSchema(channels []Form) schema {
	head := formschema.Properties(formschema.Of(channelHead{}))
	named(head)
	kind(head, channels)
	var each []schema
	for _, k := range channels {
		s := settingsOf(k)
		maps.Copy(formschema.Properties(s), head)
		each = append(each, when(k.Name, s))
	}
	return schema{"type": "object", "required": []string{"name", "kind"}, "properties": head, "allOf": each}
}

// kind narrows the field of that name to the kinds that there are.
func kind(properties schema, kinds []Form) {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.Name
	}
	properties["kind"].(schema)["enum"] = names
}

// when applies a schema to what is of a kind.
func when(kind string, then schema) schema {
	return schema{"if": schema{"required": []string{"kind"}, "properties": schema{"kind": schema{"const": kind}}}, "then": then}
}

func required(s schema, fields ...string) schema {
	if len(fields) > 0 {
		s["required"] = fields
	}
	return s
}
