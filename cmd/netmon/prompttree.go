package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/console/prompt"
	"netmon/internal/cmdline"
)

// topic is what the prompt's help lists some commands under.
type topic struct {
	name     string
	commands []string
}

var topics = []topic{
	{"look", []string{"get", "show", "watch", "dash", "explain", "stats", "uptime", "graph", "history", "incident", "audit", "wait", "check"}},
	{"measure", []string{"probe", "run"}},
	{"monitors", []string{"add", "set", "edit", "rename", "copy", "start", "stop", "delete", "rollback", "apply", "diff", "validate", "import", "config", "backtest"}},
	{"alerts", []string{"ack", "unack", "silence", "notify"}},
	{"mesh", []string{"context", "token", "access", "agents", "policy", "recover", "backup", "restore", "doctor"}},
	{"programs", []string{"up", "agent", "broker", "controller", "notifier", "console", "web", "status-page", "export"}},
	{"more", []string{"help", "docs", "schema", "completion", "version"}},
}

// topicOf is the topic of a command; one that stands in none is listed with the last.
func topicOf(command string) string {
	for _, t := range topics {
		if slices.Contains(t.commands, command) {
			return t.name
		}
	}
	return topics[len(topics)-1].name
}

// promptTree is what the prompt needs to know of the program's commands, by topic, to
// explain and complete them.
func promptTree(commands []*cli.Command) []prompt.Command {
	tree := commandTree(commands)
	for i := range tree {
		tree[i].Topic = topicOf(tree[i].Names[0])
	}
	place := func(c prompt.Command) int {
		for i, t := range topics {
			if t.name == c.Topic {
				if k := slices.Index(t.commands, c.Names[0]); k >= 0 {
					return 100*i + k
				}
				return 100*i + 99
			}
		}
		return 0
	}
	slices.SortStableFunc(tree, func(a, b prompt.Command) int { return place(a) - place(b) })
	return tree
}

// commandTree is what completion needs to know of the program's commands.
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
		case cmdline.Incident, cmdline.Incidents:
			p.Takes = prompt.Incidents
		case cmdline.Channel:
			p.Takes = prompt.Channels
		case cmdline.Contexts:
			p.Takes = prompt.Contexts
		case cmdline.Configuration:
			p.Takes = prompt.Configurations
		}
		if takes := c.ArgsUsage; cmdline.Assigned(takes, "") != nil {
			p.Takes, p.Fields = prompt.Monitors, func(begun string) []string { return cmdline.Assigned(takes, begun) }
		}
		if sort := cmdline.SettingSort(c.ArgsUsage); sort != "" {
			p.Takes, p.Sort = prompt.Settings, sort
		}
		p.Values = wordsOf(c.ArgsUsage)
		for _, f := range c.Flags {
			p.Flags = append(p.Flags, promptFlag(f))
		}
		out = append(out, p)
	}
	return out
}

func promptFlag(f cli.Flag) prompt.Flag {
	takes := cmdline.ValueOf(f)
	out := prompt.Flag{Names: f.Names(), Value: takes != cmdline.Nothing, Agents: takes == cmdline.Agent || takes == cmdline.Placement, Values: wordsOf(takes)}
	switch takes {
	case cmdline.Monitor, cmdline.Monitors:
		out.Takes = prompt.Monitors
	case cmdline.Tag:
		out.Takes = prompt.Tags
	case cmdline.Contexts:
		out.Takes = prompt.Contexts
	case cmdline.Configuration:
		out.Takes = prompt.Configurations
	case cmdline.Revision:
		out.Takes = prompt.Revisions
	}
	if sort := cmdline.SettingSort(takes); sort != "" {
		out.Takes, out.Sort = prompt.Settings, sort
	}
	return out
}

// wordsOf are those that an argument is one of, without what they mean.
func wordsOf(a cmdline.Argument) []string {
	words := cmdline.Words(a)
	for i, w := range words {
		words[i], _, _ = strings.Cut(w, "\t")
	}
	return words
}
