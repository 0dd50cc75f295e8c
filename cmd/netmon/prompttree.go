package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/console/draft"
	"netmon/console/flow"
	"netmon/console/prompt"
	"netmon/probes"
)

// commandTree is what the prompt needs to know of the program's commands to
// complete them. Help texts say it: NAME in a usage is a saved monitor, AGENT an
// agent, AGENTS chooses agents, the forms of an output are listed.
func commandTree(commands []*cli.Command) []prompt.Command {
	var out []prompt.Command
	for _, c := range commands {
		if c.Hidden {
			continue
		}
		p := prompt.Command{Names: c.Names(), Usage: c.Usage, Sub: commandTree(c.Subcommands)}
		switch {
		case strings.Contains(c.UsageText, c.Name+" NAME"), strings.Contains(c.UsageText, c.Name+" [NAME"):
			p.Takes = prompt.Monitors
		case strings.Contains(c.UsageText, c.Name+" AGENT"), strings.Contains(c.UsageText, c.Name+" [AGENT"):
			p.Takes = prompt.Agents
		case isKind(c):
			p.Takes = prompt.Target
		}
		for _, f := range c.Flags {
			p.Flags = append(p.Flags, promptFlag(f))
		}
		if c.Name == "context" || c.Name == "config" { // names of other things
			for i := range p.Sub {
				p.Sub[i].Takes = prompt.Anything
			}
		}
		out = append(out, p)
	}
	return out
}

func isKind(c *cli.Command) bool {
	_, ok := probes.Find(c.Name)
	return ok
}

func promptFlag(f cli.Flag) prompt.Flag {
	p := prompt.Flag{Names: f.Names()}
	d, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return p
	}
	p.Value = d.TakesValue()
	help := d.GetUsage()
	p.Agents = strings.Contains(help, "`AGENTS`") || strings.Contains(help, "agent `ID`")
	if _, list, ok := strings.Cut(help, ": "); ok && (strings.HasPrefix(help, "`FORM`") || strings.HasPrefix(help, "`WHICH`") || strings.Contains(help, "`LEVEL`")) {
		for form := range strings.SplitSeq(list, ", ") {
			word, _, _ := strings.Cut(form, " ")
			p.Values = append(p.Values, word)
		}
	}
	return p
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
