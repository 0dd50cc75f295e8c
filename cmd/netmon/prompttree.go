package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/console/draft"
	"netmon/console/flow"
	"netmon/console/prompt"
	"netmon/internal/cmdline"
	"netmon/probes"
)

// commandTree is what the prompt needs to know of the program's commands to
// complete them.
func commandTree(commands []*cli.Command) []prompt.Command {
	var out []prompt.Command
	for _, c := range commands {
		if c.Hidden {
			continue
		}
		p := prompt.Command{Names: c.Names(), Usage: c.Usage, Sub: commandTree(c.Subcommands)}
		switch c.ArgsUsage {
		case cmdline.Monitor, cmdline.Monitors:
			p.Takes = prompt.Monitors
		case cmdline.Agent, cmdline.Agents, cmdline.AgentsAway:
			p.Takes = prompt.Agents
		case cmdline.Target:
			p.Takes = prompt.Target
		}
		for _, f := range c.Flags {
			p.Flags = append(p.Flags, promptFlag(f))
		}
		out = append(out, p)
	}
	return out
}

func promptFlag(f cli.Flag) prompt.Flag {
	takes := cmdline.ValueOf(f)
	return prompt.Flag{Names: f.Names(), Value: takes != cmdline.Nothing, Agents: takes == cmdline.Agent || takes == cmdline.Placement, Values: cmdline.Words(takes)}
}

// flowWorld is what adding a monitor step by step has to know.
func flowWorld(s prompt.Snapshot) flow.World {
	w := flow.World{Check: draft.Check, Name: draft.DefaultName}
	for _, k := range probes.Kinds {
		fk := flow.Kind{Name: k.Name, Doc: k.Doc, Target: k.Target, Example: k.Example, MinEvery: k.MinEvery}
		for _, o := range k.Options {
			if !strings.Contains(o.Path, "[]") && o.Type != "object" {
				fk.Options = append(fk.Options, flow.Option{Name: draft.FlagName(o), Path: o.Path, Type: o.Type, Default: o.Default, Help: o.Help})
			}
		}
		for _, path := range k.Main {
			fk.Main = append(fk.Main, draft.FlagName(probes.Field{Path: path}))
		}
		w.Kinds = append(w.Kinds, fk)
	}
	for _, m := range s.Monitors {
		w.Taken = append(w.Taken, m.Name)
	}
	for _, a := range s.Agents {
		w.Agents = append(w.Agents, flow.Agent{ID: a.Agent, Labels: a.Labels, Online: a.Online})
	}
	return w
}
