package prompt

import (
	"strings"
	"testing"
)

// TestComplete_Asked completes names that no snapshot has, and fields.
func TestComplete_Asked(t *testing.T) {
	list := []Command{
		{Names: []string{"load"}, Takes: Configurations},
		{Names: []string{"move"}, Takes: Contexts},
		{Names: []string{"rollback"}, Takes: Monitors, Flags: []Flag{{Names: []string{"to"}, Value: true, Takes: Revisions}, {Names: []string{"context"}, Value: true, Takes: Contexts}}},
		{Names: []string{"set"}, Takes: Monitors, Fields: func(begun string) []string {
			if strings.Contains(begun, "=") {
				return []string{"family=4", "family=6", "paused=no"}
			}
			return []string{"family=", "paused="}
		}},
	}
	names := Names{Monitors: []string{"web", "db"}, Ask: func(what Takes, of string) []string {
		switch {
		case what == Configurations:
			return []string{"office"}
		case what == Contexts:
			return []string{"lab"}
		case what == Revisions && of == "web":
			return []string{"1", "2"}
		}
		return nil
	}}
	for line, want := range map[string]string{
		"load ":                  "office",
		"load office ":           "",
		"move ":                  "lab",
		"rollback web --to ":     "1 2",
		"rollback db --to ":      "",
		"rollback --to ":         "",
		"rollback web --context": "--context",
		"rollback --context ":    "lab",
		"set ":                   "db web",
		"set web ":               "db family= paused=",
		"set web f":              "family=",
		"set web family=":        "family=4 family=6",
		"set web family=4 pa":    "paused=",
	} {
		if _, got := Complete(line, list, names); strings.Join(got, " ") != want {
			t.Errorf("Complete(%q) = %q, want %q", line, got, want)
		}
	}
	if _, got := Complete("load ", list, Names{}); got != nil {
		t.Errorf("without anybody to ask: %q", got)
	}
}
