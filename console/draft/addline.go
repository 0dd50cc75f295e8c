package draft

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"netmon/probes"
	"netmon/wire"
)

// AddLine is the command that makes a monitor. It is not ok for one that has
// an option which no flag gives.
func AddLine(m wire.Saved) (line string, ok bool) {
	i := slices.IndexFunc(probes.Kinds, func(k probes.Kind) bool { return k.Name == m.Kind })
	if i < 0 {
		return "", false
	}
	def := wire.Monitor{Every: m.Every}.WithDefaults()
	args := []string{"netmon", "add", m.Kind, quoted(m.Target), "--name", m.Name, "--every", m.Every.String()}
	if m.Timeout != 0 && m.Timeout != def.Timeout {
		args = append(args, "--timeout", m.Timeout.String())
	}
	if m.Agents != nil && !slices.Equal(m.Agents, wire.Selectors{wire.Everywhere}) {
		if len(m.Agents) == 0 {
			return "", false
		}
		args = append(args, "--on", quoted(m.Agents.String()))
	}
	if len(m.Except) > 0 {
		args = append(args, "--except", quoted(m.Except.String()))
	}
	args = append(args, ruleFlags(m)...)
	options := map[string]any{}
	if len(m.Options) > 0 && json.Unmarshal(m.Options, &options) != nil {
		return "", false
	}
	flags, ok := optionFlags(probes.Kinds[i], "", options)
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
		flags, ok := oneOption("--"+FlagName(k.Options[i]), v)
		if !ok {
			return nil, false
		}
		out = append(out, flags...)
	}
	return out, true
}

func oneOption(flag string, v any) (out []string, ok bool) {
	switch v := v.(type) {
	case bool:
		return []string{fmt.Sprintf("%s=%v", flag, v)}, true
	case string:
		return []string{flag + "=" + quoted(v)}, true
	case float64:
		text, err := json.Marshal(v)
		return []string{flag + "=" + string(text)}, err == nil
	case []any:
		for _, item := range v {
			if _, nested := item.(string); !nested {
				text, err := json.Marshal(v)
				return []string{flag + "=" + quoted(string(text))}, err == nil
			}
			out = append(out, flag+"="+quoted(item.(string)))
		}
		return out, true
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			text, isText := v[key].(string)
			if !isText {
				return nil, false
			}
			out = append(out, flag+"="+quoted(key+"="+text))
		}
		return out, true
	}
	return nil, false
}

// quoted is a word as a POSIX shell reads it.
func quoted(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:=,@%+", r))
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
