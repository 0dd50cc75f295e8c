package monitorfile

import (
	"encoding/json"
	"maps"
	"slices"

	"netmon/wire"
)

// entry is a monitor as people write it: a wire.Saved without what only
// the store knows.
type entry struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	Target string `json:"target"`
	settings
	Paused  bool            `json:"paused,omitempty"`
	Options json.RawMessage `json:"options,omitempty"`
}

// settings are the fields that the defaults of a file may have: they mean the same
// for every kind.
type settings struct {
	Every     wire.Duration     `json:"every,omitempty"`
	Timeout   wire.Duration     `json:"timeout,omitempty"`
	Agents    wire.Selectors    `json:"agents,omitzero"`
	Except    wire.Selectors    `json:"except,omitempty"`
	Verdict   wire.Rule         `json:"verdict,omitzero"`
	DependsOn []string          `json:"depends_on,omitempty"`
	Tags      map[string]string `json:"tags,omitempty"`
}

func (m entry) saved() wire.Saved {
	s := wire.Saved{
		Monitor: wire.Monitor{Name: m.Name, Kind: m.Kind, Target: m.Target, Every: m.Every, Timeout: m.Timeout, Options: m.Options},
		Agents:  m.Agents, Except: m.Except, Paused: m.Paused, DependsOn: m.DependsOn, Tags: m.Tags,
	}
	if m.Verdict != (wire.Rule{}) {
		s.Verdict = &m.Verdict
	}
	return s
}

func entryOf(s wire.Saved) entry {
	m := entry{Name: s.Name, Kind: s.Kind, Target: s.Target, Paused: s.Paused, Options: s.Options,
		settings: settings{Every: s.Every, Timeout: s.Timeout, Agents: s.Agents, Except: s.Except, DependsOn: s.DependsOn, Tags: s.Tags}}
	if s.Verdict != nil {
		m.Verdict = *s.Verdict
	}
	return m
}

// defaults are what the monitors of a document have where they say nothing else. They
// are kept as they were written: each monitor gets values of its own.
type defaults json.RawMessage

// checked reports every mistake in d, and is none of them.
func (d defaults) checked() (defaults, error) {
	if len(d) == 0 {
		return nil, nil
	}
	any := entry{Name: "any", Kind: "any", Target: "any"}
	var p wire.Problems
	p.Add("", wire.DecodeStrict(d, &any.settings))
	saved := any.saved()
	p.Add("", saved.Validate())
	if err := p.Err(); err != nil {
		return nil, err
	}
	return d, nil
}

// entry reads a monitor over the defaults: what it says itself counts, of its verdict
// field by field and of its tags one by one.
func (d defaults) entry(raw json.RawMessage) (m entry, err error) {
	if err := d.into(&m.settings, raw); err != nil {
		return m, err
	}
	return m, m.own(raw)
}

// own reads what a monitor says itself over what is usual. Tags that are given are
// beside the usual ones; none of them are given by {}.
func (m *entry) own(raw json.RawMessage) error {
	usual := m.Tags
	m.Tags = nil
	err := wire.DecodeStrict(raw, m)
	if m.Tags == nil || len(m.Tags) > 0 && len(usual) > 0 {
		all := maps.Clone(usual)
		maps.Copy(all, m.Tags)
		m.Tags = all
	}
	return err
}

// into reads the defaults over the settings of a monitor, which raw is. They make no
// monitor depend on itself, nor what others depend on by them on each other.
func (d defaults) into(m *settings, raw json.RawMessage) error {
	var own struct {
		Name      string          `json:"name"`
		DependsOn json.RawMessage `json:"depends_on"`
	}
	_ = json.Unmarshal(raw, &own) // what is wrong with it is told when it is read
	was := m.DependsOn
	if own.DependsOn != nil {
		was = nil
	}
	if len(d) > 0 {
		if err := wire.DecodeStrict(d, m); err != nil {
			return err
		}
	}
	if own.DependsOn != nil || slices.Contains(m.DependsOn, own.Name) {
		m.DependsOn = was
	}
	return nil
}
