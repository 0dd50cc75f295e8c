package draft

import (
	"strings"

	"netmon/console"
	"netmon/console/flow"
	"netmon/probes"
	"netmon/wire"
)

// World is what adding a monitor step by step has to know, in a mesh with these
// saved monitors and agents.
func World(monitors []wire.Saved, agents []console.Agent) flow.World {
	w := flow.World{Check: Check, Name: DefaultName}
	for _, k := range probes.Kinds {
		fk := flow.Kind{Name: k.Name, Doc: k.Doc, Target: k.Target, Example: k.Example, MinEvery: k.MinEvery}
		for _, o := range k.Options {
			if !strings.Contains(o.Path, "[]") && o.Type != "object" {
				fk.Options = append(fk.Options, flow.Option{Name: FlagName(o), Path: o.Path, Type: o.Type, Default: o.Default, Help: o.Help})
			}
		}
		for _, path := range k.Main {
			fk.Main = append(fk.Main, FlagName(probes.Field{Path: path}))
		}
		w.Kinds = append(w.Kinds, fk)
	}
	for _, m := range monitors {
		w.Taken = append(w.Taken, m.Name)
	}
	for _, a := range agents {
		w.Agents = append(w.Agents, flow.Agent{ID: a.Agent, Labels: a.Labels, Online: a.Online})
	}
	return w
}
