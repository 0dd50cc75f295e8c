package console

import (
	"bytes"
	"encoding/json"
	"slices"

	"netmon/wire"
)

// Same says whether two monitors would run alike in the same places, and be judged
// alike: all but who wrote them, when and why.
func Same(a, b wire.Saved) bool {
	x, errX := json.Marshal(plain(a))
	y, errY := json.Marshal(plain(b))
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// plain is the one form of all monitors that are the same.
func plain(m wire.Saved) wire.Saved {
	m.Monitor = m.Monitor.WithDefaults()
	m.Revision, m.Edition, m.Author, m.Change, m.Chosen = 0, 0, "", "", nil
	m.Options = canonical(m.Options)
	if m.Agents == nil {
		m.Agents = wire.Selectors{wire.Everywhere}
	}
	if len(m.Except) == 0 {
		m.Except = nil
	}
	m.Verdict = plainRule(m.Verdict)
	m.DependsOn = slices.Sorted(slices.Values(m.DependsOn))
	if len(m.Tags) == 0 {
		m.Tags = nil
	}
	if m.SLO != nil {
		slo := m.SLO.WithDefaults()
		m.SLO = &slo
	}
	return m
}

// plainRule leaves out of a rule what is so by default, and is nil where all is.
func plainRule(r *wire.Rule) *wire.Rule {
	if r == nil {
		return nil
	}
	is, usual := r.WithDefaults(), wire.Rule{}.WithDefaults()
	if is.Quorum == usual.Quorum {
		is.Quorum = wire.Quorum{}
	}
	if is.Down == usual.Down {
		is.Down = wire.Strikes{}
	}
	if is.Up == usual.Up {
		is.Up = 0
	}
	if *is.Crosscheck == *usual.Crosscheck {
		is.Crosscheck = nil
	}
	if is == (wire.Rule{}) {
		return nil
	}
	return &is
}

// canonical writes options with sorted keys; an empty object is no options.
func canonical(options json.RawMessage) json.RawMessage {
	var v any
	if len(options) == 0 || json.Unmarshal(options, &v) != nil {
		return options
	}
	if m, ok := v.(map[string]any); ok && len(m) == 0 {
		return nil
	}
	out, err := json.Marshal(v)
	if err != nil {
		return options
	}
	return out
}
