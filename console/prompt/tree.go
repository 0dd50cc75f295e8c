package prompt

import (
	"slices"
	"strings"

	"netmon/console/shellwords"
)

// Command is what the prompt needs to know of one command of the program.
type Command struct {
	Names  []string // its name, then others for the same
	Usage  string
	Topic  string // under which help lists it
	Flags  []Flag
	Sub    []Command
	Takes  Takes    // its positional arguments
	Sort   string   // of Settings
	Values []string // that the first argument is one of; nil for anything
	// Fields are those that may follow the names of monitors, for a word that was begun.
	Fields func(begun string) []string
}

// Takes says what the positional arguments of a command are.
type Takes int

const (
	Anything       Takes = iota
	Monitors             // names of saved monitors
	Agents               // ids of agents
	Target               // the target of a probe of the kind that the command is named after
	Incidents            // ids of incidents
	Channels             // names of channels
	Settings             // names of settings of a sort
	Tags                 // of monitors
	Contexts             // names of brokers on this computer
	Configurations       // names of saved configurations
	Revisions            // of the monitor that is the argument
)

// Flag is one flag of a command.
type Flag struct {
	Names  []string
	Value  bool     // it is followed by a value
	Agents bool     // which chooses agents
	Takes  Takes    // which is one of these
	Sort   string   // of Settings
	Values []string // which is one of these; nil for anything
}

func find(list []Command, name string) *Command {
	i := slices.IndexFunc(list, func(c Command) bool { return slices.Contains(c.Names, name) })
	if i < 0 {
		return nil
	}
	return &list[i]
}

func (c *Command) flag(name string) *Flag {
	if c == nil {
		return nil
	}
	i := slices.IndexFunc(c.Flags, func(f Flag) bool { return slices.Contains(f.Names, name) })
	if i < 0 {
		return nil
	}
	return &c.Flags[i]
}

// plainWords are words between positional arguments that stand for a flag: the
// first of these that the command has.
var plainWords = map[string][]string{
	"on":     {"on", "agent"},
	"from":   {"from", "on", "agent"},
	"except": {"except"},
	"every":  {"every"},
	"to":     {"to"},
	"for":    {"for"},
	"until":  {"until"},
}

// position is where in a line a word stands.
type position struct {
	command     *Command // nil before there is one
	path        []string // names of the commands so far
	flag        *Flag    // whose value comes next
	positionals []string
}

// step moves past one word.
func (p *position) step(t shellwords.Token, list []Command) {
	word := t.Text
	switch {
	case p.flag != nil:
		p.flag = nil
	case len(word) > 1 && word[0] == '-' && !t.Quoted:
		name, _, given := strings.Cut(strings.TrimLeft(word, "-"), "=")
		if f := p.command.flag(name); f != nil && f.Value && !given {
			p.flag = f
		}
	case p.plain(t) != nil:
		p.flag = p.plain(t)
	default:
		if p.command != nil {
			list = p.command.Sub
		}
		if c := find(list, word); c != nil && len(p.positionals) == 0 {
			p.command, p.path = c, append(p.path, word)
			return
		}
		p.positionals = append(p.positionals, word)
	}
}

// plain is the flag that this word stands for, nil for none. A word stands for a flag
// only after a positional argument.
func (p *position) plain(t shellwords.Token) *Flag {
	if t.Quoted || len(p.positionals) == 0 {
		return nil
	}
	for _, name := range plainWords[t.Text] {
		if f := p.command.flag(name); f != nil {
			return f
		}
	}
	return nil
}

// Expand turns the words of a line into arguments: `start web on paris` into
// start web --on paris. Quoted words stay as they are.
func Expand(tokens []shellwords.Token, list []Command) []string {
	var args []string
	var p position
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		f := p.plain(t)
		if p.flag != nil || f == nil || i+1 == len(tokens) {
			args = append(args, t.Text)
			p.step(t, list)
			continue
		}
		value := tokens[i+1].Text
		for i++; i+1 < len(tokens) && (strings.HasSuffix(value, ",") || strings.HasPrefix(tokens[i+1].Text, ",")); i++ {
			value += tokens[i+1].Text
		}
		values := []string{value}
		if f.Names[0] == "agent" { // one at a time
			values = strings.Split(value, ",")
		}
		for _, v := range values {
			if f.Names[0] != "agent" || v != "all" {
				args = append(args, "--"+f.Names[0], v)
			}
		}
	}
	return args
}
