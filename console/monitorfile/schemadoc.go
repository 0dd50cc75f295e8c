package monitorfile

import (
	"fmt"

	"netmon/internal/formschema"
	"netmon/wire"
)

// texts describe the fields of what the wire's own types are read into.
var texts = map[string]map[string]string{
	"verdict": {
		"quorum":     "how many agents find it bad when it is down: majority, any, all, a number such as 2, a percentage such as 60%, or {distinct: region, n: 2}; default: majority",
		"down":       "bad runs of the last ones that make it bad for an agent; default: 2/3",
		"up":         "good runs in a row that make it good again, 1 to 20; default: 2",
		"crosscheck": "other agents that measure at once after a first bad run, 1 to 20, or off; default: 3",
	},
	"match": {
		"monitors": "names of monitors; * and ? stand for any part",
		"groups":   "names of groups, for each group and its monitors; * and ? stand for any part",
		"agents":   "names of agents that it is about or that are blamed; * and ? stand for any part",
		"kinds":    "kinds of monitors",
		"tags":     "tags of the monitor, all of them; * and ? stand for any part of a value",
		"severity": "one of these severities",
		"blame":    "one of these",
	},
}

// described completes the schema of something in a file: names are tokens, and the
// fields of verdict, match and escalate say what they are.
func described(s schema) schema {
	properties := formschema.Properties(s)
	named(properties)
	for field, help := range texts {
		inner, ok := properties[field].(schema)
		if !ok {
			continue
		}
		for name, text := range help {
			formschema.Properties(inner)[name].(schema)["description"] = text
		}
	}
	if verdict, ok := properties["verdict"].(schema); ok {
		up := formschema.Properties(verdict)["up"].(schema)
		up["minimum"], up["maximum"] = 1, wire.MaxStrikes
	}
	if escalate, ok := properties["escalate"].(schema); ok {
		step := required(escalate["items"].(schema), "after", "to")
		formschema.Properties(step)["after"].(schema)["description"] = "time since the incident was decided"
		formschema.Properties(step)["to"].(schema)["description"] = "the channels that are notified then"
	}
	return s
}

// named holds the field name to what a name may be.
func named(properties schema) {
	if name, ok := properties["name"].(schema); ok {
		name["pattern"] = fmt.Sprintf("^[A-Za-z0-9_][A-Za-z0-9_-]{0,%d}$", wire.MaxToken-1)
	}
}
