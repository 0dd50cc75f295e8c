package draft

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"netmon/probes"
	"netmon/wire"
)

// OptionTexts are the texts that give a monitor's options, by path: what [Options] takes.
// rest are the paths of those that no texts give as they are.
func OptionTexts(k probes.Kind, options json.RawMessage) (texts map[string][]string, rest []string) {
	texts = map[string][]string{}
	tree, ok := objectOf(options)
	if !ok {
		return texts, []string{"options"}
	}
	textsIn(k, "", tree, texts, &rest)
	return texts, rest
}

func textsIn(k probes.Kind, path string, tree map[string]any, texts map[string][]string, rest *[]string) {
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		at := strings.TrimPrefix(path+"."+name, ".")
		i := slices.IndexFunc(k.Options, func(f probes.Field) bool { return f.Path == at })
		if i < 0 || k.Options[i].Type == "object" {
			if inner, ok := tree[name].(map[string]any); ok {
				textsIn(k, at, inner, texts, rest)
				continue
			}
			*rest = append(*rest, at)
			continue
		}
		if list, ok := textsOf(k.Options[i], tree[name]); ok {
			texts[at] = list
		} else {
			*rest = append(*rest, at)
		}
	}
}

// textsOf are the texts that give one value. They are not ok where other texts would come
// back.
func textsOf(o probes.Field, v any) (texts []string, ok bool) {
	switch v := v.(type) {
	case bool:
		return []string{map[bool]string{true: "yes", false: "no"}[v]}, o.Type == "yes/no"
	case string:
		return []string{v}, v != "" && (o.Type == "text" || o.Type == "duration" || o.Type == "time")
	case json.Number:
		return []string{v.String()}, o.Type == "integer" || o.Type == "number" || o.Type == "text"
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			text, isText := v[key].(string)
			if !isText || strings.Contains(key, "=") {
				return nil, false
			}
			texts = append(texts, key+"="+text)
		}
		return texts, o.Type == "map" && len(texts) > 0
	case []any:
		return listTexts(o, v)
	}
	return nil, false
}

func listTexts(o probes.Field, list []any) (texts []string, ok bool) {
	if o.Type == "objects" {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		err := e.Encode(list)
		return []string{strings.TrimSuffix(b.String(), "\n")}, err == nil
	}
	for _, item := range list {
		switch item.(type) {
		case string, json.Number:
			texts = append(texts, fmt.Sprint(item))
		default:
			return nil, false
		}
	}
	switch {
	case len(list) == 0:
		return nil, false
	case o.Type == "text": // of numbers, such as expect.status
		return []string{strings.Join(texts, ",")}, !slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(t, ",") })
	}
	return texts, o.Type == "list" && !slices.ContainsFunc(list, func(v any) bool { _, number := v.(json.Number); return number })
}

// WithOptions are options of which some are other ones: changed has their texts by path, none
// for one that goes. All others stay as they are.
func WithOptions(k probes.Kind, options json.RawMessage, changed map[string][]string) (json.RawMessage, error) {
	if len(changed) == 0 {
		return options, nil
	}
	tree, ok := objectOf(options)
	if !ok {
		return nil, &wire.FieldError{Path: "options", Err: fmt.Errorf("cannot be read as they are saved: change them in a file")}
	}
	made, err := Options(k, func(f probes.Field) []string { return changed[f.Path] })
	if err != nil {
		return nil, byPath(k, err)
	}
	values, _ := objectOf(made) // it was made here
	for path, texts := range changed {
		parts := strings.Split(path, ".")
		if len(texts) == 0 {
			removeAt(tree, parts)
		} else if err := setAt(tree, parts, valueAt(values, parts)); err != nil {
			return nil, &wire.FieldError{Path: "options." + path, Err: err}
		}
	}
	if len(tree) == 0 {
		return nil, nil
	}
	return json.Marshal(tree)
}

// byPath gives mistakes of flags the paths of the options.
func byPath(k probes.Kind, err error) error {
	var p wire.Problems
	for _, e := range wire.FieldErrors(err) {
		for _, o := range k.Options {
			if "--"+FlagName(o) == e.Path {
				p.Add("options."+o.Path, e.Err)
			}
		}
	}
	return p.Err()
}

// objectOf reads an object with its numbers as they are written; nothing is an empty one.
func objectOf(data json.RawMessage) (tree map[string]any, ok bool) {
	if len(bytes.TrimSpace(data)) == 0 {
		return map[string]any{}, true
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if d.Decode(&tree) != nil {
		return nil, false
	}
	if tree == nil { // null
		tree = map[string]any{}
	}
	return tree, true
}

func valueAt(tree map[string]any, path []string) any {
	if len(path) == 1 {
		return tree[path[0]]
	}
	inner, _ := tree[path[0]].(map[string]any)
	return valueAt(inner, path[1:])
}

func setAt(tree map[string]any, path []string, v any) error {
	if len(path) == 1 {
		tree[path[0]] = v
		return nil
	}
	inner, ok := tree[path[0]].(map[string]any)
	if !ok && tree[path[0]] != nil {
		return fmt.Errorf("%s is no object as it is saved: change it in a file", path[0])
	}
	if inner == nil {
		inner = map[string]any{}
		tree[path[0]] = inner
	}
	return setAt(inner, path[1:], v)
}

// removeAt takes a value away, and the objects that are empty without it.
func removeAt(tree map[string]any, path []string) {
	if len(path) == 1 {
		delete(tree, path[0])
		return
	}
	if inner, ok := tree[path[0]].(map[string]any); ok {
		if removeAt(inner, path[1:]); len(inner) == 0 {
			delete(tree, path[0])
		}
	}
}
