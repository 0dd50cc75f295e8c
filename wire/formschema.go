package wire

// What people write of these types, as JSON Schemas.

// durations is how a [Duration] is written.
const durations = `^([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h|d|w)(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h|d|w))*$`

// JSONSchema is the form that UnmarshalJSON reads.
func (Duration) JSONSchema() map[string]any {
	return map[string]any{"type": "string", "pattern": durations}
}

// JSONSchema is the form that UnmarshalJSON reads.
func (Quorum) JSONSchema() map[string]any {
	return map[string]any{"anyOf": []any{
		map[string]any{"enum": []string{"majority", "any", "all"}},
		map[string]any{"type": "integer", "minimum": 1},
		map[string]any{"type": "string", "pattern": "^([1-9][0-9]?|100)%$"},
		map[string]any{"type": "string", "pattern": "^([A-Za-z0-9_-]+:)?[1-9][0-9]*$"},
		map[string]any{"type": "object", "additionalProperties": false, "required": []string{"distinct", "n"}, "properties": map[string]any{
			"distinct": map[string]any{"type": "string", "pattern": "^[A-Za-z0-9_-]+$"},
			"n":        map[string]any{"type": "integer", "minimum": 1}}},
	}}
}

// JSONSchema is the form that UnmarshalJSON reads.
func (Strikes) JSONSchema() map[string]any {
	return map[string]any{"type": "string", "pattern": "^([1-9]|1[0-9]|20)/([1-9]|1[0-9]|20)$"}
}

// JSONSchema is the form that UnmarshalJSON reads.
func (Crosscheck) JSONSchema() map[string]any {
	return map[string]any{"anyOf": []any{
		map[string]any{"enum": []any{"off", false}},
		map[string]any{"type": "integer", "minimum": 1, "maximum": MaxCrosscheck},
	}}
}

// JSONSchema is the form that UnmarshalJSON reads.
func (Selectors) JSONSchema() map[string]any {
	one := map[string]any{"type": "string", "pattern": "^[^ ]+$"}
	return map[string]any{"anyOf": []any{
		one,
		map[string]any{"type": "string", "pattern": "^ *0*([1-9][0-9]?|[1-4][0-9][0-9]|500) +of +[^ ].*$"}, // N of AGENTS, up to MaxSome
		map[string]any{"type": "array", "items": one, "maxItems": MaxSelector},
		map[string]any{"type": "object", "additionalProperties": false, "required": []string{"match"}, "properties": map[string]any{
			"match": map[string]any{"type": "object", "minProperties": 1, "additionalProperties": map[string]any{"type": "string"}}}},
	}}
}

// JSONSchema is the form that UnmarshalJSON reads.
func (GroupRule) JSONSchema() map[string]any {
	return map[string]any{"anyOf": []any{
		map[string]any{"enum": []string{"any", "all"}},
		map[string]any{"type": "integer", "minimum": 1},
		map[string]any{"type": "string", "pattern": "^[1-9][0-9]*$"},
	}}
}

// JSONSchema is one of the severities.
func (Severity) JSONSchema() map[string]any {
	all := make([]string, len(Severities))
	for i, s := range Severities {
		all[i] = string(s.Severity)
	}
	return map[string]any{"enum": all}
}

// JSONSchema is one of the classes.
func (BlameClass) JSONSchema() map[string]any {
	all := make([]string, len(BlameClasses))
	for i, c := range BlameClasses {
		all[i] = string(c.Class)
	}
	return map[string]any{"enum": all}
}
