package monitorfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"netmon/console"
	"netmon/wire"
)

// Assignment is one field of a monitor and what it is to be, as somebody types it:
// every=5s. No text takes the field away.
type Assignment struct {
	Field string // its path, such as expect.status
	Text  string
	Unset bool
}

// ParseAssignment reads FIELD=VALUE, and FIELD= or FIELD- for a field that is to go. ok
// says that it is one at all, and not the name of a monitor.
func ParseAssignment(text string) (a Assignment, ok bool) {
	field, value, ok := strings.Cut(text, "=")
	switch {
	case ok && field != "":
		return Assignment{Field: field, Text: value, Unset: value == ""}, true
	case !ok && strings.HasSuffix(text, "-") && isField(strings.TrimSuffix(text, "-")):
		return Assignment{Field: strings.TrimSuffix(text, "-"), Unset: true}, true
	}
	return a, false
}

// fields are those of a monitor beside its options, in the order of a file.
func fields() []string {
	return []string{"kind", "target", "every", "timeout", "agents", "except", "paused", "verdict", "depends_on", "tags", "slo", "options"}
}

// otherNames are what flags call fields of a file.
func otherNames() map[string]string {
	return map[string]string{"on": "agents", "tag": "tags", "quorum": "verdict.quorum", "down": "verdict.down", "up": "verdict.up", "crosscheck": "verdict.crosscheck", "depends-on": "depends_on"}
}

func isField(path string) bool {
	first, rest, _ := strings.Cut(path, ".")
	return slices.Contains(fields(), first) || otherNames()[first] != "" || rest != ""
}

// path is where a field stands in a monitor. What is no field of a monitor is an option.
func (a Assignment) path() string {
	first, rest, deeper := strings.Cut(a.Field, ".")
	if other := otherNames()[first]; other != "" {
		first = other
	} else if !slices.Contains(fields(), first) {
		first = "options." + first
	}
	if deeper {
		return first + "." + rest
	}
	return first
}

// Set is a monitor with some fields changed. The error holds every mistake, by field.
func Set(m wire.Saved, list []Assignment, check console.Checks) (wire.Saved, error) {
	var p wire.Problems
	now := entryOf(m)
	for _, a := range list {
		next, err := a.apply(now, check)
		if err != nil {
			p.Add("", err)
			continue
		}
		now = next
	}
	is := now.saved()
	is.Monitor = is.Monitor.WithDefaults()
	is.Revision, is.Edition = m.Revision, m.Edition
	p.Add("", is.Validate())
	p.Add("", check.Monitor(is.Monitor))
	return is, asTyped(p.Err(), list)
}

// apply sets the field. The text is read as YAML; where the field takes no such value, it
// is read as a plain text or as a list by commas.
func (a Assignment) apply(was entry, check console.Checks) (entry, error) {
	if a.Field == "name" {
		return was, &wire.FieldError{Path: "name", Err: errors.New("results go by the name: netmon rename OLD NEW")}
	}
	values, err := a.values()
	if err != nil {
		return was, &wire.FieldError{Path: a.path(), Err: err}
	}
	var first error
	var likeliest *entry // whose kind does not take the option: what is wrong with it is reported later
	for _, v := range values {
		data, err := json.Marshal(was)
		if err != nil {
			return was, err
		}
		var tree map[string]any
		if err := json.Unmarshal(data, &tree); err != nil {
			return was, err
		}
		if err := put(tree, strings.Split(a.path(), "."), v); err != nil {
			return was, &wire.FieldError{Path: a.path(), Err: err}
		}
		if data, err = json.Marshal(tree); err != nil {
			return was, err
		}
		var now entry
		if err = wire.DecodeStrict(data, &now); err == nil {
			if takes(check, now, a.path()) {
				return now, nil
			}
			if likeliest == nil {
				likeliest = &now
			}
		} else if first == nil {
			first = err
		}
	}
	if likeliest != nil {
		return *likeliest, nil
	}
	return was, first
}

// takes says whether a monitor's kind takes the value of an option.
func takes(check console.Checks, m entry, path string) bool {
	if !strings.HasPrefix(path, "options.") {
		return true
	}
	return !slices.ContainsFunc(wire.FieldErrors(check.Monitor(m.saved().Monitor.WithDefaults())), func(e *wire.FieldError) bool {
		return e.Path == path || strings.HasPrefix(e.Path, path+".") || strings.HasPrefix(e.Path, path+"[")
	})
}

// absent takes a field away.
type absent struct{}

// values are what the text may mean, the likeliest first.
func (a Assignment) values() ([]any, error) {
	if a.Unset {
		return []any{absent{}}, nil
	}
	path := a.path()
	if path == "agents" || path == "except" {
		read := wire.ParseSelectors
		if path == "agents" {
			read = wire.ParsePlacement
		}
		sel, err := read(a.Text)
		return []any{[]string(sel)}, err
	}
	var out []any
	var v any
	if err := yaml.Unmarshal([]byte(a.Text), &v); err == nil && v != nil {
		out = append(out, v)
	}
	switch a.Text {
	case "yes", "on":
		out = append(out, true)
	case "no", "off":
		out = append(out, false)
	}
	out = append(out, a.Text)
	if path == "depends_on" || strings.Contains(a.Text, ",") {
		out = append(out, strings.Split(a.Text, ","))
	}
	return append(out, []string{a.Text}), nil
}

// put sets what stands at a path, or takes it away.
func put(tree map[string]any, path []string, v any) error {
	name := path[0]
	if name == "" {
		return errors.New("has an empty part: want names with a dot between them")
	}
	if len(path) == 1 {
		if _, gone := v.(absent); gone {
			delete(tree, name)
		} else {
			tree[name] = v
		}
		return nil
	}
	inner, ok := tree[name].(map[string]any)
	if !ok && tree[name] != nil {
		return fmt.Errorf("%s is no object", name)
	}
	if inner == nil {
		inner = map[string]any{}
	}
	if err := put(inner, path[1:], v); err != nil {
		return err
	}
	if tree[name] = inner; len(inner) == 0 {
		delete(tree, name)
	}
	return nil
}

// asTyped gives mistakes the names that were typed: an unknown option may be a misspelt
// field of the monitor.
func asTyped(err error, list []Assignment) error {
	var p wire.Problems
	told := map[string]bool{}
	for _, e := range wire.FieldErrors(err) {
		if told[e.Path] {
			continue
		}
		told[e.Path] = true
		of := slices.IndexFunc(list, func(a Assignment) bool { return a.path() == e.Path })
		if of >= 0 && strings.HasPrefix(e.Path, "options.") {
			typed := list[of].Field
			first, _, _ := strings.Cut(typed, ".")
			near := ""
			if strings.Contains(e.Err.Error(), fmt.Sprintf("unknown field %q", first)) {
				near = wire.DidYouMean(first, append(fields(), slices.Sorted(maps.Keys(otherNames()))...))
			}
			if near != "" {
				p.Addf(typed, "there is no such field%s", near)
				continue
			}
		}
		if of >= 0 {
			e.Err = wire.AsWritten(e.Err, list[of].Text)
		}
		p.Add(e.Path, e.Err)
	}
	return p.Err()
}
