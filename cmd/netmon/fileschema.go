package main

import (
	"reflect"

	"netmon/agent/policy"
	"netmon/console/monitorfile"
	"netmon/console/output"
	"netmon/internal/formschema"
	"netmon/notify"
	notifypolicy "netmon/notify/policy"
	"netmon/probes/kinds"
)

// fileKind is a file that people write, with the schema by which editors complete it.
type fileKind struct {
	name, about string
	schema      func() map[string]any
}

func fileKinds() []fileKind {
	return []fileKind{
		{"Monitors", "files for apply, diff, validate and up, and get monitors", monitorsSchema},
		{"Policy", "the agent's policy file", func() map[string]any { return policySchema("an agent's policy", policy.Default()) }},
		{"NotifierPolicy", "the notifier's policy file", func() map[string]any { return policySchema("a notifier's policy", notifypolicy.Default()) }},
	}
}

// monitorsSchema describes files of monitors and of what else apply takes. A list as
// get monitors -o json prints it is one, too.
func monitorsSchema() map[string]any {
	var probes, channels []monitorfile.Form
	for _, k := range kinds.All() {
		probes = append(probes, monitorfile.Form{Name: k.Name, Doc: k.Doc, Target: k.Target + ", such as " + k.Example, Settings: []any{k.Defaults}, Without: k.Without})
	}
	for _, k := range notify.Kinds() {
		channels = append(channels, monitorfile.Form{Name: k.Name, Doc: k.Summary, Settings: []any{notify.CommonSettings(), k.Defaults()}, Required: k.Required()})
	}
	file := monitorfile.Schema(probes, channels)
	list := output.SchemaOf("Monitors", "get monitors, get monitor", reflect.TypeFor[judged]())
	delete(list, "$schema")
	out := map[string]any{"if": map[string]any{"required": []string{"apiVersion"}}, "then": list}
	for _, name := range []string{"$schema", "title", "definitions"} {
		out[name] = file[name]
		delete(file, name)
	}
	out["else"] = file
	return out
}

func policySchema(title string, file any) map[string]any {
	s := formschema.Of(file)
	s["$schema"], s["title"] = formschema.Draft, title
	return s
}
