package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestSchema holds what commands print against the schema that they print.
func TestSchema(t *testing.T) {
	meshToComplete(t)
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	netmon := func(want int, args ...string) []byte {
		t.Helper()
		var out, errs bytes.Buffer
		if code := execute(t.Context(), append([]string{"netmon"}, args...), nil, &out, &errs); code != want {
			t.Fatalf("%q: exit %d: %s", args, code, errs.String())
		}
		return out.Bytes()
	}
	netmon(0, "context", "add", "office", "--broker", os.Getenv("NETMON_BROKER"))
	netmon(0, "add", "tcp", "127.0.0.1:1", "--name", "ruled", "--quorum", "region:2", "--down", "3/5", "--crosscheck", "off", "--depends-on", "webshop")
	for _, c := range []struct {
		kind string
		code int
		args string
	}{
		{"Monitors", 0, "get monitors"}, {"ShownMonitors", 0, "show webshop"}, {"Agents", 0, "get agents"}, {"Verdicts", 0, "get verdicts"}, {"Explanations", 0, "explain webshop"}, {"Results", 0, "get results"}, {"Brokers", 0, "get broker"},
		{"Revisions", 0, "history webshop"}, {"Configurations", 0, "config ls"}, {"Contexts", 0, "context ls"},
		{"SavedChannels", 0, "get channels"}, {"SettingRevisions", 0, "history channel hook"}, {"Rules", 0, "get rules"}, {"Windows", 0, "get windows"}, {"Groups", 0, "get groups"}, {"Silences", 0, "get silences"},
		{"Findings", 1, "doctor"}, // no controller runs here
	} {
		var want map[string]any
		if err := json.Unmarshal(netmon(0, "schema", c.kind), &want); err != nil {
			t.Fatal(err)
		}
		if list, ok := want["then"].(map[string]any); ok { // of files, too
			want = list
		}
		var got any
		if err := json.Unmarshal(netmon(c.code, append(strings.Fields(c.args), "-o", "json")...), &got); err != nil {
			t.Fatalf("%s: %v", c.args, err)
		}
		for _, problem := range against(want, got, "$") {
			t.Errorf("%s: %s", c.args, problem)
		}
	}
}

// against holds a value against as much of JSON Schema as ours use.
func against(s map[string]any, v any, at string) (problems []string) {
	if choices, ok := s["anyOf"].([]any); ok {
		for _, one := range choices {
			if len(against(one.(map[string]any), v, at)) == 0 {
				return nil
			}
		}
		return []string{fmt.Sprintf("%s: %v is none of them", at, v)}
	}
	if c, ok := s["const"]; ok {
		if c != v {
			return []string{fmt.Sprintf("%s: %v, want %v", at, v, c)}
		}
		return nil
	}
	ok := false
	switch s["type"] {
	case "string":
		var text string
		text, ok = v.(string)
		if s["format"] == "date-time" {
			_, err := time.Parse(time.RFC3339Nano, text)
			ok = ok && err == nil && strings.HasSuffix(text, "Z")
		}
	case "integer", "number":
		_, ok = v.(float64)
	case "boolean":
		_, ok = v.(bool)
	case "array":
		var items []any
		items, ok = v.([]any)
		for i, it := range items {
			problems = append(problems, against(s["items"].(map[string]any), it, fmt.Sprintf("%s[%d]", at, i))...)
		}
	case "object":
		var fields map[string]any
		fields, ok = v.(map[string]any)
		if properties, closed := s["properties"].(map[string]any); closed {
			for name, value := range fields {
				p, known := properties[name].(map[string]any)
				if !known {
					problems = append(problems, at+"."+name+": is not in the schema")
					continue
				}
				problems = append(problems, against(p, value, at+"."+name)...)
			}
		}
		if required, has := s["required"].([]any); has {
			for _, name := range required {
				if _, there := fields[name.(string)]; !there {
					problems = append(problems, fmt.Sprintf("%s.%s: is missing", at, name))
				}
			}
		}
	}
	if !ok {
		problems = append(problems, fmt.Sprintf("%s: %v is no %v", at, v, s["type"]))
	}
	return problems
}
