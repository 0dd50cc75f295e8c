package main

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// TestLists_InEveryForm: each list, in each form that it has, is what the form
// promises to a program.
func TestLists_InEveryForm(t *testing.T) {
	meshToComplete(t)
	runOK(t, "context", "add", "here", "--broker", "nats://127.0.0.1:4222")
	for list, kind := range map[string]string{
		"get monitors": "Monitors", "get agents": "Agents", "get results": "Results", "get broker": "Brokers",
		"history webshop": "Revisions", "config ls": "Configurations", "context ls": "Contexts", "doctor": "Findings",
		"get channels": "SavedChannels", "history rule all": "SettingRevisions", "get rules": "Rules", "get windows": "Windows", "get groups": "Groups", "get silences": "Silences",
	} {
		forms := []string{"table", "wide", "json", "yaml", "ndjson", "csv", "name"}
		if list == "get results" {
			forms = []string{"lines", "json", "ndjson", "csv"}
		}
		for _, form := range forms {
			var out, errs strings.Builder
			code := execute(t.Context(), append([]string{"netmon"}, append(strings.Fields(list), "-o", form)...), strings.NewReader(""), &out, &errs)
			if code != exitOK && (list != "doctor" || code != exitNo) {
				t.Errorf("%s -o %s: exit %d: %s", list, form, code, errs.String())
				continue
			}
			if why := misshapen(form, kind, out.String()); why != "" {
				t.Errorf("%s -o %s %s:\n%s", list, form, why, out.String())
			}
		}
	}
}

// misshapen says what is wrong with the text of a list, "" for nothing.
func misshapen(form, kind, text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	switch form {
	case "json":
		var l struct {
			APIVersion, Kind string
			Items            []map[string]any
		}
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			return err.Error()
		}
		if l.APIVersion != "netmon/v1" || l.Kind != kind {
			return "says " + l.APIVersion + " " + l.Kind
		}
	case "yaml":
		var l map[string]any
		if err := yaml.Unmarshal([]byte(text), &l); err != nil {
			return err.Error()
		}
		if l["kind"] != kind && l["monitors"] == nil && l[strings.ToLower(strings.TrimPrefix(kind, "Saved"))] == nil { // a file that apply takes
			return "is another list"
		}
	case "ndjson":
		for _, line := range lines {
			if line != "" && !json.Valid([]byte(line)) {
				return "has a line that is no JSON"
			}
		}
	case "csv":
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || len(rows) == 0 {
			return "is no CSV"
		}
	}
	return ""
}
