package draft

import (
	"slices"
	"strings"

	"netmon/probes"
)

// FieldWords are the fields that netmon set takes, of monitors of any of these kinds: FIELD=,
// or FIELD=VALUE for each value of those that have a few.
func FieldWords(kinds probes.List) (out []string) {
	for _, f := range []string{"target", "every", "timeout", "agents", "except", "depends_on", "slo", "verdict.quorum", "verdict.down", "verdict.up"} {
		out = append(out, f+"=")
	}
	add := func(field string, values ...string) {
		if len(values) == 0 {
			values = []string{""}
		}
		for _, v := range values {
			if word := field + "=" + v; !slices.Contains(out, word) {
				out = append(out, word)
			}
		}
	}
	add("paused", "yes", "no")
	add("verdict.crosscheck", "off")
	for _, k := range kinds {
		for _, o := range k.Options {
			switch {
			case strings.Contains(o.Path, "[]") || o.Type == "object":
			case o.Type == "yes/no":
				add(o.Path, "yes", "no")
			default:
				add(o.Path, o.Words...)
			}
		}
	}
	return out
}
