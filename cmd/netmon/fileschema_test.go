package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/ast"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"netmon/console/monitorfile"
	"netmon/internal/formschema"
	"netmon/internal/safeyaml"
	"netmon/notify"
	"netmon/probes/kinds"
	"netmon/wire"
)

// compiled is what `netmon schema KIND` prints, for a validator that is not ours.
func compiled(t *testing.T, kind string) *jsonschema.Schema {
	t.Helper()
	var out, errs bytes.Buffer
	if code := execute(t.Context(), []string{"netmon", "schema", kind}, nil, &out, &errs); code != 0 {
		t.Fatal(errs.String())
	}
	doc, err := jsonschema.UnmarshalJSON(&out)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("netmon.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("netmon.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// bySchema holds a YAML file against a schema, as editors do.
func bySchema(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	tree, err := safeyaml.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range tree.Docs {
		if err := documentBySchema(t, s, doc.Body); err != nil {
			return err
		}
	}
	return nil
}

func documentBySchema(t *testing.T, s *jsonschema.Schema, body ast.Node) error {
	t.Helper()
	data, err := safeyaml.JSON(body)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

// TestFileSchema_TakesWhatIsRight: all examples fit.
func TestFileSchema_TakesWhatIsRight(t *testing.T) {
	s := compiled(t, "Monitors")
	examples, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(examples) < 3 {
		t.Fatal(examples, err)
	}
	for _, path := range append(examples, "../../lab/monitors.yaml") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := bySchema(t, s, string(text)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, doc := range []string{"files.md", "alerts.md", "monitors.md"} {
		text, err := os.ReadFile("../../docs/" + doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1) {
			if err := bySchema(t, s, string(b[1])); err != nil {
				t.Errorf("%s: %s\n%v", doc, b[1], err)
			}
		}
	}
	policy, err := os.ReadFile("../../packaging/policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := bySchema(t, compiled(t, "Policy"), string(policy)); err != nil {
		t.Errorf("packaging/policy.yaml: %v", err)
	}
}

// TestFileSchema_AgreesWithTheValidator: what is wrong is wrong for both, and what is right for both right.
func TestFileSchema_AgreesWithTheValidator(t *testing.T) {
	s := compiled(t, "Monitors")
	monitor := func(more string) string {
		return "monitors: [{name: m, kind: https, target: \"https://h/\"" + more + "}]"
	}
	for text, right := range map[string]bool{
		monitor(""):                                                                true,
		monitor(", every: 1m30s"):                                                  true,
		monitor(", every: 30"):                                                     false,
		monitor(", every: soon"):                                                   false,
		monitor(", evry: 30s"):                                                     false,
		monitor(", paused: yes"):                                                   false,
		monitor(", agents: all"):                                                   true,
		monitor(", agents: [paris, region=eu]"):                                    true,
		monitor(", agents: {match: {region: eu}}"):                                 true,
		monitor(", agents: {region: eu}"):                                          false,
		monitor(", verdict: {quorum: 60%}"):                                        true,
		monitor(", verdict: {quorum: 0}"):                                          false,
		monitor(", verdict: {quorum: most}"):                                       false,
		monitor(", verdict: {quorum: {distinct: r}}"):                              false,
		monitor(", verdict: {down: 2/3, up: 20}"):                                  true,
		monitor(", verdict: {down: 2}"):                                            false,
		monitor(", verdict: {down: 2/21}"):                                         false,
		monitor(", verdict: {up: 21}"):                                             false,
		monitor(", verdict: {crosscheck: off}"):                                    true,
		monitor(", verdict: {crosscheck: 21}"):                                     false,
		monitor(", verdict: {quorom: any}"):                                        false,
		monitor(", depends_on: other"):                                             false,
		monitor(", tags: {a: 1}"):                                                  false,
		monitor(", options: {expect: {status: 200}}"):                              true,
		monitor(", options: {expect: {status: [200, 301]}}"):                       true,
		monitor(", options: {expect: {status: {}}}"):                               false,
		monitor(", options: {family: 6}"):                                          true,
		monitor(", options: {family: 5}"):                                          false,
		monitor(", options: {http_version: 1.1}"):                                  true,
		monitor(", options: {http_version: 3}"):                                    false,
		monitor(", options: {redirects: two}"):                                     false,
		monitor(", options: {within: 2s, count: 3}"):                               false, // count is icmp's
		monitor(", options: {expect: {json: [{path: $.a, equals: [1, {b: c}]}]}}"): true,
		monitor(", options: {expect: {json: [{path: $.a, equal: 1}]}}"):            false,
		"monitors: [{name: m, kind: https}]":                                       false,
		"monitors: [{name: a.b, kind: tcp, target: \"h:1\"}]":                      false,
		"monitors: [{name: -a, kind: tcp, target: \"h:1\"}]":                       false,
		"monitors: [{name: m, kind: gopher, target: \"h:1\"}]":                     false,
		"monitors: [{name: m, kind: icmp, target: h, options: {ttl: 0}}]":          false,
		"monitors: [{name: m, kind: dns, target: h, options: {expect: {flags: [ad], answer_count: 1-}}}]": true,
		"monitors: [{name: m, kind: dns, target: h, options: {expect: {flags: [xx]}}}]":                   false,
		"monitor: []": false,
		"defaults: {every: 1m}\nmonitors: [{name: m, kind: tcp, target: \"h:1\"}]":                                                  true,
		"defaults: {kind: tcp}\nmonitors: [{name: m, kind: tcp, target: \"h:1\"}]":                                                  false,
		"channels: [{name: c, kind: webhook, url: \"https://h/\", fallback: d}]":                                                    true,
		"channels: [{name: c, kind: webhook}]":                                                                                      false,
		"channels: [{name: c, kind: webhook, url: \"https://h/\", method: DELETE}]":                                                 false,
		"channels: [{name: c, kind: webhook, url: \"https://h/\", token: x}]":                                                       false,
		"channels: [{name: c, kind: fax, url: \"https://h/\"}]":                                                                     false,
		"channels: [{name: c, kind: mail, to: a@example.org, server: \"h:587\"}]":                                                   true,
		"channels: [{name: c, kind: mail, to: [a@example.org], server: \"h:587\", tls: ssl}]":                                       false,
		"rules: [{name: r, to: [c]}]":                                                                                               true,
		"rules: [{name: r}]":                                                                                                        false,
		"rules: [{name: r, to: [], match: {severity: [down], blame: [dns], tags: {a: \"b*\"}}, escalate: [{after: 15m, to: [c]}]}]": true,
		"rules: [{name: r, to: [c], match: {severity: [bad]}}]":                                                                     false,
		"rules: [{name: r, to: [c], escalate: [{after: 15m}]}]":                                                                     false,
		"windows: [{name: w, weekly: Sun 02:00-04:00}]":                                                                             true,
		"windows: [{name: w, from: 2026-12-24T22:00:00+01:00, to: 2026-12-25T06:00:00+01:00}]":                                      true,
		"windows: [{name: w, from: tomorrow, to: 2026-12-25T06:00:00+01:00}]":                                                       false,
		"groups: [{name: g, of: [a, b], rule: 2}]":                                                                                  true,
		"groups: [{name: g, of: [a, b], rule: most}]":                                                                               false,
	} {
		_, err := monitorfile.Parse("f.yaml", []byte(text), checks())
		if (err == nil) != right {
			t.Errorf("%s\nnetmon: %v, want right: %v", text, err, right)
		}
		if err := bySchema(t, s, text); (err == nil) != right {
			t.Errorf("%s\nschema: %v, want right: %v", text, err, right)
		}
	}
}

// TestFileSchema_Complete: every field has a description, and each value of an enum is
// one that the kind takes, while another is none.
func TestFileSchema_Complete(t *testing.T) {
	for _, k := range kinds.All() {
		s := formschema.Of(k.Defaults)
		for _, name := range k.Without {
			delete(formschema.Properties(s), name)
		}
		walkSchema(s, "", func(path string, field map[string]any) {
			if field["description"] == nil && field["properties"] == nil {
				t.Errorf("%s: %s has no description", k.Name, path)
			}
			for _, value := range enumOf(field) {
				if wrongIn(t, k.Name, k.Example, path, value, field["type"] == "array") {
					t.Errorf("%s: %s does not take %v", k.Name, path, value)
				}
			}
			if enumOf(field) != nil && !wrongIn(t, k.Name, k.Example, path, "zzz", field["type"] == "array") {
				t.Errorf("%s: %s takes zzz", k.Name, path)
			}
		})
	}
	for _, k := range notify.Kinds() {
		for name, field := range formschema.Properties(formschema.Of(k.Defaults())) {
			for _, value := range append(enumOf(field.(map[string]any)), "zzz") {
				data, _ := json.Marshal(map[string]any{name: value})
				_, err := k.New(data)
				if enumOf(field.(map[string]any)) != nil && hasPath(err, name) != (value == "zzz") {
					t.Errorf("%s: %s: %v: %v", k.Name, name, value, err)
				}
			}
		}
	}
}

func enumOf(field map[string]any) (all []any) {
	if items, ok := field["items"].(map[string]any); ok {
		field = items
	}
	if values, ok := field["enum"].([]string); ok {
		for _, v := range values {
			all = append(all, v)
		}
	}
	if either, ok := field["anyOf"].([]map[string]any); ok {
		for _, one := range either {
			all = append(all, enumOf(one)...)
			if figures, ok := one["enum"].([]float64); ok {
				for _, f := range figures {
					all = append(all, f)
				}
			}
		}
	}
	return all
}

// wrongIn says whether a kind finds fault with the option itself.
func wrongIn(t *testing.T, kind, target, path string, value any, list bool) bool {
	t.Helper()
	if list {
		value = []any{value}
	}
	parts := strings.Split(path, ".")
	for i := len(parts) - 1; i >= 0; i-- {
		value = map[string]any{parts[i]: value}
	}
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	err = kinds.All().CheckMonitor(wire.Monitor{Name: "m", Kind: kind, Target: target, Options: data})
	for _, e := range wire.FieldErrors(err) {
		if strings.HasPrefix(e.Path, "options."+path) && !strings.Contains(e.Error(), "without TLS") && !strings.Contains(e.Error(), "tells no protocol") && !strings.Contains(e.Error(), "names ") { // with the example's own address, say
			return true
		}
	}
	return false
}

func hasPath(err error, path string) bool {
	for _, e := range wire.FieldErrors(err) {
		if e.Path == path {
			return true
		}
	}
	return false
}

func walkSchema(s map[string]any, path string, visit func(string, map[string]any)) {
	for name, field := range s["properties"].(map[string]any) {
		at := name
		if path != "" {
			at = path + "." + name
		}
		f := field.(map[string]any)
		visit(at, f)
		if f["properties"] != nil {
			walkSchema(f, at, visit)
		}
	}
}

// TestFileSchema_Durations: the pattern and the parser take the same.
func TestFileSchema_Durations(t *testing.T) {
	pattern := regexp.MustCompile(fmt.Sprint(wire.Duration(0).JSONSchema()["pattern"]))
	for _, text := range []string{"10s", "1.5s", "200ms", "1h30m", "1m0s", "5µs", ".5s", "10", "", "s", "1 s", "10S", "1h30", "ten"} {
		var d wire.Duration
		if err := d.UnmarshalText([]byte(text)); (err == nil) != pattern.MatchString(text) {
			t.Errorf("%q: the pattern takes it: %v, the parser: %v", text, pattern.MatchString(text), err)
		}
	}
}
