package plugin

import (
	"fmt"
	"strings"
)

// flag is one option of a command line, by its first name in the spec.
type flag struct{ name, value string }

// line is a command line, read as getopt_long reads it.
type line struct {
	flags []flag // in order
	rest  []string
}

// parse reads args by a spec of words "S|ssl:: H|hostname: sni": the names of an option, the
// short one first where it has one; with : it takes a value, with :: only one that is
// attached to it.
func parse(spec string, args []string) (line, error) {
	names, kinds := options(spec)
	var l line
	for i := 0; i < len(args); i++ {
		arg := args[i]
		next := func(name string) (string, error) {
			if i++; i >= len(args) {
				return "", fmt.Errorf("%s needs a value", name)
			}
			return args[i], nil
		}
		switch {
		case arg == "--":
			l.rest = append(l.rest, args[i+1:]...)
			return l, nil
		case strings.HasPrefix(arg, "--"):
			long, value, has := strings.Cut(arg[2:], "=")
			name, err := longName(names, long)
			if err != nil {
				return l, err
			}
			if !has && kinds[name] == ":" {
				if value, err = next(arg); err != nil {
					return l, err
				}
			}
			l.flags = append(l.flags, flag{name, value})
		case len(arg) > 1 && arg[0] == '-':
			for j := 1; j < len(arg); j++ {
				short := arg[j : j+1]
				name, ok := names[short]
				if !ok {
					return l, fmt.Errorf("-%s is not known to this import", short)
				}
				kind, value := kinds[name], ""
				if kind != "" {
					value, j = arg[j+1:], len(arg)
				}
				if kind == ":" && value == "" {
					var err error
					if value, err = next("-" + short); err != nil {
						return l, err
					}
				}
				l.flags = append(l.flags, flag{name, value})
			}
		case arg != "":
			l.rest = append(l.rest, arg)
		}
	}
	return l, nil
}

// options are the names of a spec, each with the first one, and what those take.
func options(spec string) (names, kinds map[string]string) {
	names, kinds = map[string]string{}, map[string]string{}
	for word := range strings.FieldsSeq(spec) {
		all := strings.TrimRight(word, ":")
		list := strings.Split(all, "|")
		for _, name := range list {
			names[name] = list[0]
		}
		kinds[list[0]] = word[len(all):]
	}
	return names, kinds
}

// longName is the option of this long name, or of the one that it begins.
func longName(names map[string]string, long string) (string, error) {
	if name, ok := names[long]; ok && len(long) > 1 {
		return name, nil
	}
	found := ""
	for full, name := range names {
		if len(full) > 1 && long != "" && strings.HasPrefix(full, long) {
			if found != "" && found != name {
				return "", fmt.Errorf("--%s stands for several options", long)
			}
			found = name
		}
	}
	if found == "" {
		return "", fmt.Errorf("--%s is not known to this import", long)
	}
	return found, nil
}

// has says whether an option is there.
func (l line) has(name string) bool { return len(l.all(name)) > 0 }

// last is the value that counts: the last one.
func (l line) last(name string) string {
	all := l.all(name)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

func (l line) all(name string) []string {
	var values []string
	for _, f := range l.flags {
		if f.name == name {
			values = append(values, f.value)
		}
	}
	return values
}

// any is the first of these options that is there.
func (l line) any(names string) (string, bool) {
	for name := range strings.FieldsSeq(names) {
		if l.has(name) {
			return name, true
		}
	}
	return "", false
}
