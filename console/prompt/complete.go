package prompt

import (
	"slices"
	"strings"

	"netmon/console/shellwords"
	"netmon/wire"
)

// Names are what can be completed from the mesh.
type Names struct {
	Monitors, Agents, Labels []string
	Incidents, Channels      []string
	Tags                     []string
	Settings                 map[string][]string // by sort
	Targets                  map[string][]string // by kind
	// Ask asks for names that are not among these: contexts, configurations, revisions of a
	// monitor. It may be nil.
	Ask func(what Takes, of string) []string
}

func (n Names) ask(what Takes, of string) []string {
	if n.Ask == nil {
		return nil
	}
	return n.Ask(what, of)
}

// Complete lists the completions of the last word of a line, as whole words, and where
// that word starts.
func Complete(line string, list []Command, n Names) (start int, candidates []string) {
	tokens, err := shellwords.Split(line)
	last := shellwords.Token{Start: len(line), End: len(line)}
	if len(tokens) > 0 && (err != nil || tokens[len(tokens)-1].End == len(line)) {
		last, tokens = tokens[len(tokens)-1], tokens[:len(tokens)-1]
	}
	var p position
	for _, t := range tokens {
		p.step(t, list)
	}
	return last.Start, matching(p.candidates(last.Text, list, n), last.Text)
}

func matching(all []string, prefix string) []string {
	var out []string
	for _, c := range all {
		if strings.HasPrefix(c, prefix) && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	slices.Sort(out)
	return out
}

func (p *position) candidates(word string, list []Command, n Names) []string {
	switch {
	case p.flag != nil && p.flag.Takes == Revisions:
		if len(p.positionals) == 0 {
			return nil
		}
		return n.ask(Revisions, p.positionals[0])
	case p.flag != nil:
		return p.flag.candidates(word, n)
	case p.command == nil && len(p.positionals) == 0:
		return append(commandNames(list), promptWords...)
	case p.command == nil:
		switch p.positionals[0] {
		case "help", "?":
			return commandNames(list)
		case "results":
			return modeNames()
		}
		return nil
	case strings.HasPrefix(word, "-"):
		var out []string
		for _, f := range p.command.Flags {
			name := f.Names[0]
			if before, value, ok := strings.Cut(word, "="); ok && before == "--"+name {
				for _, c := range f.candidates(value, n) {
					out = append(out, before+"="+c)
				}
			}
			out = append(out, "--"+name)
		}
		return out
	case len(p.command.Sub) > 0 && len(p.positionals) == 0 && p.command.Takes == Anything:
		return commandNames(p.command.Sub)
	}
	var out []string
	if p.command.Fields != nil && len(p.positionals) > 0 {
		out = p.command.Fields(word)
	}
	switch p.command.Takes {
	case Contexts, Configurations:
		if len(p.positionals) == 0 {
			out = append(out, n.ask(p.command.Takes, "")...)
		}
	case Monitors, Settings:
		for _, name := range n.of(p.command.Takes, p.command.Sort) {
			if !slices.Contains(p.positionals, name) {
				out = append(out, name)
			}
		}
	case Agents:
		for _, id := range n.Agents {
			if !slices.Contains(p.positionals, id) {
				out = append(out, id)
			}
		}
	case Incidents:
		if len(p.positionals) == 0 {
			out = append(out, n.Incidents...)
		}
	case Channels:
		if len(p.positionals) == 0 {
			out = append(out, n.Channels...)
		}
	case Target:
		if len(p.positionals) == 0 {
			out = append(out, n.Targets[p.path[len(p.path)-1]]...)
		}
	}
	if len(p.positionals) == 0 { // delete web, and delete channel hook
		out = append(out, p.command.Values...)
		out = append(out, commandNames(p.command.Sub)...)
	}
	for word := range plainWords {
		if p.plain(shellwords.Token{Text: word}) != nil {
			out = append(out, word)
		}
	}
	return out
}

// candidates are the values of a flag. Of a list of agents only the last one is completed.
func (f *Flag) candidates(word string, n Names) []string {
	if !f.Agents {
		return append(n.of(f.Takes, f.Sort), f.Values...)
	}
	before := word[:wire.LastSelector(word)]
	var out []string
	for _, c := range slices.Concat([]string{"all"}, n.Agents, n.Labels) {
		out = append(out, before+c)
	}
	return out
}

// of are the names that an argument may be.
func (n Names) of(t Takes, sort string) []string {
	switch t {
	case Monitors:
		return slices.Clone(n.Monitors)
	case Channels:
		return slices.Clone(n.Channels)
	case Settings:
		return slices.Clone(n.Settings[sort])
	case Tags:
		return slices.Clone(n.Tags)
	case Contexts, Configurations:
		return n.ask(t, "")
	}
	return nil
}

func commandNames(list []Command) []string {
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = c.Names[0]
	}
	return names
}

// commonPrefix is the longest beginning that all of the candidates have.
func commonPrefix(list []string) string {
	if len(list) == 0 {
		return ""
	}
	prefix := list[0]
	for _, s := range list[1:] {
		for !strings.HasPrefix(s, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return prefix
}
