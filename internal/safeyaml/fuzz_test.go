package safeyaml

import (
	"encoding/json"
	"strings"
	"testing"
)

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"monitors:\n- name: web\n  kind: http\n  target: http://127.0.0.1/\n  every: 1s\n  agents: {match: {region: eu}}\n",
		"current: a\ncontexts:\n  a: {broker: \"nats://127.0.0.1:4222\"}\n", "contexts: {\"\\e\": null}",
		"monitors: &a [*a]", "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b, *b]\n<<: *c", "a: !!binary x\n", "? a\n: b\n", "--- |\n x\n...\n---\n",
		"monitors: [{name: \"\x1b[2J\"}]", "- - - [{[", "a: *b\n<<: *c", "&a : b", "%YAML 1.2\n---\n*a", "a: &b\n  c: *b\n", strings.Repeat("- ", 99) + "x",
		`{"apiVersion":"v1","kind":"MonitorList","items":[{"name":"a"}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse(data)
		if err != nil {
			return
		}
		for _, doc := range file.Docs {
			if doc.Body == nil {
				continue
			}
			if out, err := JSON(doc.Body); err == nil && !json.Valid(out) {
				t.Errorf("%q is read as %q", data, out)
			}
		}
	})
}
