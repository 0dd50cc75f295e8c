// Package draft makes monitors from texts, as flags, questions and forms give them,
// and the texts again. What can be said of each kind comes from the list of kinds.
package draft

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"netmon/probes"
	"netmon/wire"
)

// DefaultName makes a monitor's name from what it measures.
func DefaultName(kind, target string) string {
	if u, err := url.Parse(target); err == nil && u.Host != "" {
		target = u.Host + u.Path
	}
	return wire.MakeToken(kind + "-" + target)
}

// FlagName is the flag that gives an option.
func FlagName(f probes.Field) string {
	return strings.NewReplacer(".", "-", "_", "-").Replace(f.Path)
}

// Options makes the JSON object of a kind's options. given returns the
// texts of an option, none when it was not given.
func Options(k probes.Kind, given func(probes.Field) []string) (json.RawMessage, error) {
	root := map[string]any{}
	var p wire.Problems
	for _, o := range k.Options {
		if strings.Contains(o.Path, "[]") || o.Type == "object" {
			continue
		}
		texts := given(o)
		if len(texts) == 0 {
			continue
		}
		v, err := optionValue(o, texts)
		if err != nil {
			p.Add("--"+FlagName(o), err)
			continue
		}
		at := root
		parts := strings.Split(o.Path, ".")
		for _, part := range parts[:len(parts)-1] {
			next, ok := at[part].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[part] = next
			}
			at = next
		}
		at[parts[len(parts)-1]] = v
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	if len(root) == 0 {
		return nil, nil
	}
	return json.Marshal(root)
}

func optionValue(o probes.Field, texts []string) (any, error) {
	text := texts[len(texts)-1]
	switch o.Type {
	case "yes/no":
		return text == "true" || text == "yes", nil
	case "map":
		m := map[string]string{}
		for _, pair := range texts {
			k, v, ok := strings.Cut(pair, "=")
			if !ok {
				return nil, fmt.Errorf("want NAME=VALUE, got %q", pair)
			}
			m[k] = v
		}
		return m, nil
	case "list":
		return texts, nil
	}
	switch o.Type {
	case "integer":
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("want a whole number, got %q", text)
		}
		return n, nil
	case "number":
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("want a number, got %q", text)
		}
		return n, nil
	case "objects":
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return nil, fmt.Errorf("want a JSON list of objects, got %q", text)
		}
		return v, nil
	}
	return text, nil
}
