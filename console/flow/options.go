package flow

import (
	"fmt"
	"slices"
	"strings"

	"netmon/console/shellwords"
)

// listed are the options that are offered now.
func (f Flow) listed() []Option {
	all := f.kindOf().Options
	names := f.kindOf().Main
	if f.all || len(names) == 0 {
		return all
	}
	var out []Option
	for _, name := range names {
		if i := slices.IndexFunc(all, func(o Option) bool { return o.Name == name }); i >= 0 {
			out = append(out, all[i])
		}
	}
	for _, s := range f.draft.Options { // what is set is always shown
		if i := slices.IndexFunc(all, func(o Option) bool { return o.Name == s.Name }); i >= 0 && !slices.Contains(names, s.Name) {
			out = append(out, all[i])
		}
	}
	return out
}

// options takes settings (NAME VALUE, NAME=VALUE, no NAME), more, or done.
func (f Flow) options(text string) (Flow, error) {
	switch text {
	case "more":
		f.all = true
		return f, nil
	case "less":
		f.all = false
		return f, nil
	case "done":
		return f.optionsDone()
	}
	tokens, err := shellwords.Split(text)
	if err != nil {
		return f, err
	}
	for len(tokens) > 0 {
		if tokens, err = f.set(tokens); err != nil {
			return f, err
		}
	}
	f.fresh = true
	return f, nil
}

// set carries out the first setting of tokens and returns the rest.
func (f *Flow) set(tokens []shellwords.Token) ([]shellwords.Token, error) {
	word := tokens[0].Text
	rest := tokens[1:]
	drop := word == "no" && len(rest) > 0
	if drop {
		word, rest = rest[0].Text, rest[1:]
	}
	name, value, given := strings.Cut(strings.TrimLeft(word, "-"), "=")
	all := f.kindOf().Options
	i := slices.IndexFunc(all, func(o Option) bool { return o.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("option: %s has no option %q: `more` lists them", f.draft.Kind, name)
	}
	o := all[i]
	if drop {
		f.draft.Options = slices.DeleteFunc(slices.Clone(f.draft.Options), func(s Set) bool { return s.Name == name })
		return rest, nil
	}
	switch {
	case given:
	case o.Type == yesno && (len(rest) == 0 || !truth(rest[0].Text)):
		value = "yes"
	case len(rest) == 0:
		return nil, fmt.Errorf("%s: want a value (%s): %s VALUE", name, o.Type, name)
	default:
		value, rest = rest[0].Text, rest[1:]
	}
	if o.Type == yesno {
		yes, err := yesNo(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		value = map[bool]string{true: "yes", false: "no"}[yes]
	}
	f.draft.Options = put(f.draft.Options, o, value)
	return rest, f.mistake("options."+o.Path, value)
}

const yesno = "yes/no" // the type of a switch

func truth(s string) bool {
	_, err := yesNo(s)
	return err == nil
}

// put returns sets with another value of an option. An option with a single value drops
// the value before.
func put(sets []Set, o Option, value string) []Set {
	out := slices.Clone(sets)
	i := slices.IndexFunc(out, func(s Set) bool { return s.Name == o.Name })
	switch {
	case i < 0:
		return append(out, Set{o.Name, []string{value}, o.Type == yesno})
	case o.Many():
		out[i].Values = append(slices.Clip(out[i].Values), value)
	default:
		out[i].Values = []string{value}
	}
	return out
}

func (f Flow) optionsDone() (Flow, error) {
	if err := f.mistake("options", ""); err != nil {
		return f, err
	}
	if f.fresh { // they may change the outcome: measure again
		f.command, f.fresh = f.measurement(), false
		return f, nil
	}
	return f.to(stepWhere), nil
}
