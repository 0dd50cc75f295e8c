package icinga

import (
	"errors"
	"fmt"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// dict is a dictionary, in the order in which its keys came. Values are nil, bool, float64,
// string, []any, *dict and function.
type dict struct {
	keys []string
	of   map[string]any
}

func newDict() *dict { return &dict{of: map[string]any{}} }

func (d *dict) get(key string) any {
	if d == nil {
		return nil
	}
	return d.of[key]
}

func (d *dict) set(key string, v any) {
	if _, ok := d.of[key]; !ok {
		d.keys = append(d.keys, key)
	}
	d.of[key] = v
}

// text is the value of a key as text, "" where it is none.
func (d *dict) text(key string) string { return text(d.get(key)) }

func (d *dict) dict(key string) *dict {
	v, _ := d.get(key).(*dict)
	return v
}

// copied is a value that shares nothing with v.
func copied(v any) any {
	switch v := v.(type) {
	case *dict:
		d := newDict()
		for _, k := range v.keys {
			d.set(k, copied(v.of[k]))
		}
		return d
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = copied(v[i])
		}
		return list
	}
	return v
}

// function is a value that only Icinga can work out.
type function struct{}

var errFunction = errors.New("it needs a function, which Icinga runs for each check")

func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case []any:
		var parts []string
		for _, e := range v {
			parts = append(parts, text(e))
		}
		return strings.Join(parts, ";")
	}
	return ""
}

// truth is what a value is in a condition.
func truth(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case float64:
		return v != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case *dict:
		return len(v.keys) > 0
	}
	return false
}

// equal compares as Icinga does: nothing is "" and 0.
func equal(a, b any) bool {
	switch {
	case a == nil && b == nil:
		return true
	case a == nil:
		return equal(b, a)
	case b == nil:
		return a == "" || a == 0.0 || a == false
	}
	switch a.(type) {
	case string, bool, float64:
		switch b.(type) {
		case string, bool, float64:
			return a == b
		}
	}
	return false
}

// add is + of two values; what is no dictionary, list or number becomes text.
func add(a, b any) (any, error) {
	switch x := a.(type) {
	case nil:
		return copied(b), nil
	case *dict:
		if y, ok := b.(*dict); ok || b == nil {
			sum := copied(x).(*dict)
			if y != nil {
				for _, k := range y.keys {
					sum.set(k, copied(y.of[k]))
				}
			}
			return sum, nil
		}
	case []any:
		if y, ok := b.([]any); ok || b == nil {
			if len(x)+len(y) > maxValue {
				return nil, errors.New("it makes a value of over 100000 parts")
			}
			return append(slices.Clone(x), y...), nil
		}
	case float64:
		if y, ok := b.(float64); ok {
			return x + y, nil
		}
	}
	for _, v := range []any{a, b} {
		switch v.(type) {
		case *dict, []any:
			return nil, errors.New("it adds what cannot be added")
		case function:
			return nil, errFunction
		}
	}
	if len(text(a))+len(text(b)) > 1<<20 {
		return nil, errors.New("it makes a text of over 1 MiB")
	}
	return text(a) + text(b), nil
}

// call is what the functions say that conditions are made of.
func call(name string, self any, args []any) (any, error) {
	arg := func(i int) any {
		if i < len(args) {
			return args[i]
		}
		return nil
	}
	switch name {
	case "match", "regex", "cidr_match":
		return anyText(arg(1), func(s string) (bool, error) { return matches(name, text(arg(0)), s) })
	case "len":
		if self == nil {
			self = arg(0)
		}
		switch v := self.(type) {
		case []any:
			return float64(len(v)), nil
		case *dict:
			return float64(len(v.keys)), nil
		}
		return float64(len(text(self))), nil
	case "contains":
		switch v := self.(type) {
		case string:
			return strings.Contains(v, text(arg(0))), nil
		case *dict:
			return slices.Contains(v.keys, text(arg(0))), nil
		}
		return within(arg(0), self), nil
	case "lower":
		return strings.ToLower(text(self)), nil
	case "upper":
		return strings.ToUpper(text(self)), nil
	case "split":
		var list []any
		for s := range strings.SplitSeq(text(self), text(arg(0))) {
			list = append(list, s)
		}
		return list, nil
	case "string":
		return text(arg(0)), nil
	case "bool":
		return truth(arg(0)), nil
	case "keys":
		var list []any
		if d, ok := arg(0).(*dict); ok {
			for _, k := range d.keys {
				list = append(list, k)
			}
		}
		return list, nil
	}
	return nil, fmt.Errorf("it calls %s(), which is not known to this import", name)
}

// anyText says whether one of the texts of a value is so.
func anyText(v any, is func(string) (bool, error)) (any, error) {
	if list, ok := v.([]any); ok {
		for _, e := range list {
			if ok, err := is(text(e)); ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	}
	return is(text(v))
}

func matches(how, pattern, s string) (bool, error) {
	switch how {
	case "regex":
		re, err := regexp.Compile(pattern)
		if err != nil {
			return false, fmt.Errorf("its regular expression is none of RE2: %s", pattern)
		}
		return re.MatchString(s), nil
	case "cidr_match":
		net, err := netip.ParsePrefix(pattern)
		ip, err2 := netip.ParseAddr(s)
		return err == nil && err2 == nil && net.Contains(ip), nil
	}
	// * and ? alone, in either case; / is a letter as any other
	plain := strings.NewReplacer("[", `\[`, "]", `\]`, `\`, `\\`, "/", "\x01").Replace(strings.ToLower(pattern))
	return path.Match(plain, strings.ReplaceAll(strings.ToLower(s), "/", "\x01"))
}

// within says whether v is in a list.
func within(v, list any) bool {
	all, _ := list.([]any)
	return slices.ContainsFunc(all, func(e any) bool { return equal(v, e) })
}
