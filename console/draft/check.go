package draft

import (
	"slices"

	"netmon/console"
	"netmon/console/flow"
	"netmon/probes"
	"netmon/wire"
)

// Check reports every mistake in what was answered so far.
func Check(kinds probes.List, d flow.Draft) error {
	k, ok := kinds.Find(d.Kind)
	if !ok {
		return nil
	}
	m := wire.Monitor{Name: d.Name, Kind: d.Kind, Target: d.Target, Every: wire.Duration(d.Every), Timeout: wire.Duration(d.Timeout)}
	if m.Name == "" {
		m.Name = "unnamed"
	}
	options, err := Options(k, func(o probes.Field) []string {
		i := slices.IndexFunc(d.Options, func(s flow.Set) bool { return s.Name == FlagName(o) })
		if i < 0 {
			return nil
		}
		return d.Options[i].Values
	})
	if err != nil {
		return byPath(k, err)
	}
	m.Options = options
	var p wire.Problems
	p.Add("", kinds.CheckMonitor(m))
	tags, err := console.ParseTags("tags", d.Tags, false)
	p.Add("", err)
	p.Add("tags", wire.CheckTags(tags))
	return p.Err()
}
