package icinga

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"netmon/console/migrate"
	"netmon/console/migrate/nagios/plugin"
)

// resolver replaces $name$ by what service, host and command say, in that order.
type resolver struct {
	host, service, command *dict
	secrets                *[]plugin.Secret // that were put in
}

var reference = regexp.MustCompile(`\$([A-Za-z0-9_.]*)\$`)

// maxResolve is how deep values may refer to values: 15, as in Icinga.
const maxResolve = 15

// resolve is a value with its references replaced. ok is false where one of them is not set.
func (r resolver) resolve(v any, depth int) (out any, ok bool, err error) {
	switch v := v.(type) {
	case function:
		return nil, false, errFunction
	case []any:
		list := []any{}
		for _, e := range v {
			one, ok, err := r.resolve(e, depth)
			if err != nil || !ok {
				return nil, ok, err
			}
			list = append(list, one)
		}
		return list, true, nil
	case string:
		return r.text(v, depth)
	}
	return v, true, nil
}

func (r resolver) text(s string, depth int) (any, bool, error) {
	if depth > maxResolve {
		return nil, false, fmt.Errorf("%s refers to itself, or over %d deep", s, maxResolve)
	}
	if m := reference.FindStringSubmatch(s); m != nil && m[0] == s && m[1] != "" {
		v, ok := r.value(m[1])
		if !ok {
			return nil, false, nil
		}
		return r.resolve(v, depth+1)
	}
	all, err := true, error(nil)
	out := reference.ReplaceAllStringFunc(s, func(found string) string {
		name := strings.Trim(found, "$")
		if name == "" {
			return "$"
		}
		v, ok := r.value(name)
		if !ok {
			all = false
			return ""
		}
		one, ok, e := r.resolve(v, depth+1)
		all = all && ok
		err = errors.Join(err, e)
		return text(one)
	})
	if err == nil && len(out) > 64<<10 {
		err = errors.New("its command line is over 64 KiB")
	}
	return out, all, err
}

// value is that of a variable. One that is a secret by its name is to be shown nowhere.
func (r resolver) value(name string) (any, bool) {
	v, ok := r.find(name)
	if migrate.LooksSecret(name[strings.LastIndexByte(name, '.')+1:]) {
		r.hide("$"+name+"$", v)
	}
	return v, ok
}

func (r resolver) hide(from string, v any) {
	if list, many := v.([]any); many {
		for _, one := range list {
			r.hide(from, one)
		}
	} else if r.secrets != nil {
		*r.secrets = append(*r.secrets, plugin.Secret{From: from, Value: text(v)})
	}
}

func (r resolver) find(name string) (any, bool) {
	scope, rest, dotted := strings.Cut(name, ".")
	if dotted {
		of := map[string]*dict{"host": r.host, "service": r.service, "command": r.command}[scope]
		if of != nil {
			var v any = of
			for part := range strings.SplitSeq(rest, ".") {
				d, _ := v.(*dict)
				v = d.get(part)
			}
			return v, v != nil
		}
	}
	for _, of := range []*dict{r.service, r.host, r.command} {
		var v any = of.dict("vars")
		for part := range strings.SplitSeq(name, ".") {
			d, _ := v.(*dict)
			v = d.get(part)
		}
		if v != nil {
			return v, true
		}
	}
	switch name {
	case "address", "address6":
		v := r.host.get(name)
		return v, v != nil
	case "check_address":
		for _, a := range []string{"address", "address6"} {
			if v := r.host.get(a); v != nil {
				return v, true
			}
		}
		return r.host.get("name"), true
	}
	return nil, false
}

// argument is one of a command, worked out.
type argument struct {
	order float64
	words []string
}

// argv is the command line of a CheckCommand.
func (r resolver) argv() ([]string, error) {
	line, ok, err := r.resolve(r.command.get("command"), 0)
	if err != nil {
		return nil, err
	}
	if !ok || line == nil {
		return nil, errors.New("its command line names a variable that is not set")
	}
	var argv []string
	switch line := line.(type) {
	case []any:
		for _, w := range line {
			argv = append(argv, text(w))
		}
	default:
		return nil, errors.New("its command is a line for a shell")
	}
	var args []argument
	if all := r.command.dict("arguments"); all != nil {
		for _, key := range slices.Sorted(slices.Values(all.keys)) {
			a, err := r.argument(key, all.get(key))
			if err != nil {
				return nil, err
			}
			args = append(args, a)
		}
	}
	slices.SortStableFunc(args, func(a, b argument) int {
		switch {
		case a.order < b.order:
			return -1
		case a.order > b.order:
			return 1
		}
		return 0
	})
	for _, a := range args {
		argv = append(argv, a.words...)
	}
	return argv, nil
}

func (r resolver) argument(key string, v any) (argument, error) {
	spec, ok := v.(*dict)
	if !ok {
		spec = newDict()
		spec.set("value", v)
	}
	a := argument{}
	a.order, _ = spec.get("order").(float64)
	if k := spec.text("key"); k != "" {
		key = k
	}
	if cond := spec.get("set_if"); cond != nil {
		v, ok, err := r.resolve(cond, 0)
		if err != nil {
			return a, fmt.Errorf("%s: %w", key, err)
		}
		if !ok || !truth(v) || v == "0" || v == "false" {
			return a, nil
		}
	}
	value := spec.get("value")
	if value == nil {
		a.words = []string{key}
		return a, nil
	}
	v, set, err := r.resolve(value, 0)
	if err != nil {
		return a, fmt.Errorf("%s: %w", key, err)
	}
	if !set || v == nil || v == "" && spec.get("required") != true {
		if spec.get("required") == true {
			return a, fmt.Errorf("%s is required, and its variable is not set", key)
		}
		return a, nil
	}
	if migrate.LooksSecret(strings.TrimLeft(key, "-")) {
		r.hide(key, v)
	}
	if b, is := v.(bool); is { // as of a switch
		if b && spec.get("set_if") == nil {
			a.words = []string{key}
		}
		return a, nil
	}
	list, many := v.([]any)
	if !many {
		list = []any{v}
	}
	if separator, joined := spec.get("separator").(string); joined && spec.get("skip_key") != true {
		for _, one := range list {
			a.words = append(a.words, key+separator+text(one))
		}
		return a, nil
	}
	for i, one := range list {
		if spec.get("skip_key") != true && (i == 0 || spec.get("repeat_key") != false) {
			a.words = append(a.words, key)
		}
		a.words = append(a.words, text(one))
	}
	return a, nil
}
