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
	Name   string `json:"name" help:"what its results are called: 1 to 64 of A-Z a-z 0-9 _ -"`
	Kind   string `json:"kind" help:"what it measures"`
	Target string `json:"target" help:"what is measured, in the form of the kind: a URL, HOST, HOST:PORT or NAME"`
	settings
	Paused  bool            `json:"paused,omitempty" help:"keep it saved, and run it nowhere"`
	Options json.RawMessage `json:"options,omitempty" help:"the options of the kind"`
}

// settings are the fields that the defaults of a file may have: they mean the same
// for every kind.
type settings struct {
	Every     span              `json:"every,omitempty" help:"time from one run to the next, 10ms to 24h; default: 10s"`
	Timeout   span              `json:"timeout,omitempty" help:"the longest that a run may take; default: 5s, or nine tenths of every where that is shorter"`
	Agents    wire.Selectors    `json:"agents,omitzero" help:"agents that run it: all, a list of ids and labels such as [paris, region=eu], or {match: {region: eu}}; or some of them, such as 3 of region=eu; default: all"`
	Except    wire.Selectors    `json:"except,omitempty" help:"agents that do not run it, written as agents, but for a number of them"`
	Verdict   wire.Rule         `json:"verdict,omitzero" help:"how it is judged"`
	DependsOn []string          `json:"depends_on,omitempty" help:"monitors without which this one cannot be reached; while one of them is down, it takes the blame"`
	Tags      map[string]string `json:"tags,omitempty" help:"such as {team: shop, env: prod}, by which lists, rules and silences choose; at most 32"`
	SLO       *slo              `json:"slo,omitempty" help:"its objective: netmon alerts when its error budget is spent too fast; default: none"`
}

func (m entry) saved() wire.Saved {
	s := wire.Saved{
		Monitor: wire.Monitor{Name: m.Name, Kind: m.Kind, Target: m.Target, Every: wire.Duration(m.Every), Timeout: wire.Duration(m.Timeout), Options: m.Options},
		Agents:  m.Agents, Except: m.Except, Paused: m.Paused, DependsOn: m.DependsOn, Tags: m.Tags, SLO: m.SLO.saved(),
	}
	if m.Verdict != (wire.Rule{}) {
		s.Verdict = &m.Verdict
	}
	return s
}

func entryOf(s wire.Saved) entry {
	m := entry{Name: s.Name, Kind: s.Kind, Target: s.Target, Paused: s.Paused, Options: s.Options,
		settings: settings{Every: span(s.Every), Timeout: span(s.Timeout), Agents: s.Agents, Except: s.Except, DependsOn: s.DependsOn, Tags: s.Tags, SLO: sloOf(s.SLO)}}
	if s.Verdict != nil {
		m.Verdict = *s.Verdict
	}
	return m
}

// defaults are what the monitors of a document have where they say nothing else. They
// are kept as written: each monitor gets values of its own.
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
	_ = json.Unmarshal(raw, &own) // what is wrong with it is reported when it is read
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
