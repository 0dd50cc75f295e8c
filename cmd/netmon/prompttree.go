package main

import (
	"github.com/urfave/cli/v2"

	"netmon/console/prompt"
	"netmon/internal/cmdline"
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
