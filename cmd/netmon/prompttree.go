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
		case cmdline.Incident:
			p.Takes = prompt.Incidents
		case cmdline.Channel:
			p.Takes = prompt.Channels
		}
		if sort := cmdline.SettingSort(c.ArgsUsage); sort != "" {
			p.Takes, p.Sort = prompt.Settings, sort
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
	out := prompt.Flag{Names: f.Names(), Value: takes != cmdline.Nothing, Agents: takes == cmdline.Agent || takes == cmdline.Placement, Values: cmdline.Words(takes)}
	switch takes {
	case cmdline.Monitor:
		out.Takes = prompt.Monitors
	case cmdline.Tag:
		out.Takes = prompt.Tags
	}
	if sort := cmdline.SettingSort(takes); sort != "" {
		out.Takes, out.Sort = prompt.Settings, sort
	}
	return out
}
