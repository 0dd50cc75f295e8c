package draft

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"netmon/console"
	"netmon/console/shellwords"
	"netmon/probes"
	"netmon/wire"
)

// AddLine is the command that makes a monitor. It is not ok for one that has
// an option which no flag gives.
func AddLine(kinds probes.List, m wire.Saved) (line string, ok bool) {
	k, known := kinds.Find(m.Kind)
	if !known {
		return "", false
	}
	def := wire.Monitor{Every: m.Every}.WithDefaults()
	args := []string{"netmon", "add", m.Kind, shellwords.Quote(m.Target), "--name", m.Name, "--every", m.Every.String()}
	if m.Timeout != 0 && m.Timeout != def.Timeout {
		args = append(args, "--timeout", m.Timeout.String())
	}
	if m.Agents != nil && !slices.Equal(m.Agents, wire.Selectors{wire.Everywhere}) {
		if len(m.Agents) == 0 {
			return "", false
		}
		args = append(args, "--on", shellwords.Quote(m.Agents.String()))
	}
	if len(m.Except) > 0 {
		args = append(args, "--except", shellwords.Quote(m.Except.String()))
	}
	args = append(args, ruleFlags(m)...)
	for _, tag := range console.TagsOf([]wire.Saved{m}) {
		args = append(args, "--tag", shellwords.Quote(tag))
	}
	options := map[string]any{}
	if len(m.Options) > 0 && json.Unmarshal(m.Options, &options) != nil {
		return "", false
	}
	flags, ok := optionFlags(k, "", options)
	return strings.Join(append(args, flags...), " "), ok
}

// optionFlags are the flags for the options in an object that stands at path.
func optionFlags(k probes.Kind, path string, options map[string]any) (out []string, ok bool) {
	for _, name := range slices.Sorted(maps.Keys(options)) {
		at := strings.TrimPrefix(path+"."+name, ".")
		v := options[name]
		i := slices.IndexFunc(k.Options, func(f probes.Field) bool { return f.Path == at })
		if i < 0 || k.Options[i].Type == "object" {
			inner, isObject := v.(map[string]any)
			if !isObject {
				return nil, false
			}
			flags, ok := optionFlags(k, at, inner)
			if !ok {
				return nil, false
			}
			out = append(out, flags...)
			continue
		}
		if list, isList := v.([]any); isList && k.Options[i].Type == "text" { // of numbers, such as expect.status
			v = joined(list)
		}
		flags, ok := oneOption("--"+FlagName(k.Options[i]), v)
		if !ok {
			return nil, false
		}
		out = append(out, flags...)
	}
	return out, true
}

// joined is a list of texts and numbers as the one text that a flag takes.
func joined(list []any) string {
	texts := make([]string, len(list))
	for i, item := range list {
		texts[i] = fmt.Sprint(item)
	}
	return strings.Join(texts, ",")
}

func oneOption(flag string, v any) (out []string, ok bool) {
	switch v := v.(type) {
	case bool:
		return []string{fmt.Sprintf("%s=%v", flag, v)}, true
	case string:
		return []string{flag + "=" + shellwords.Quote(v)}, true
	case float64:
		text, err := json.Marshal(v)
		return []string{flag + "=" + string(text)}, err == nil
	case []any:
		for _, item := range v {
			if _, nested := item.(string); !nested {
				text, err := json.Marshal(v)
				return []string{flag + "=" + shellwords.Quote(string(text))}, err == nil
			}
			out = append(out, flag+"="+shellwords.Quote(item.(string)))
		}
		return out, true
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			text, isText := v[key].(string)
			if !isText {
				return nil, false
			}
			out = append(out, flag+"="+shellwords.Quote(key+"="+text))
		}
		return out, true
	}
	return nil, false
}
