package monitorfile

import "netmon/wire"

// span is a duration that a file has as people write it, 1d and not 24h. On the wire it
// is as programs have it, see [wire.Duration.MarshalText].
type span wire.Duration

func (d span) MarshalText() ([]byte, error) { return []byte(wire.Duration(d).String()), nil }

// JSONSchema is the form that UnmarshalJSON reads.
func (d span) JSONSchema() map[string]any { return wire.Duration(d).JSONSchema() }

func (d *span) UnmarshalText(b []byte) error { return (*wire.Duration)(d).UnmarshalText(b) }
func (d *span) UnmarshalJSON(b []byte) error { return (*wire.Duration)(d).UnmarshalJSON(b) }

// escalation is one of a rule in a file.
type escalation struct {
	After span     `json:"after"`
	To    []string `json:"to"`
}

func escalations(list []escalation) []wire.Escalation {
	var out []wire.Escalation
	for _, e := range list {
		out = append(out, wire.Escalation{After: wire.Duration(e.After), To: e.To})
	}
	return out
}

func escalationForms(list []wire.Escalation) []escalation {
	var out []escalation
	for _, e := range list {
		out = append(out, escalation{span(e.After), e.To})
	}
	return out
}
