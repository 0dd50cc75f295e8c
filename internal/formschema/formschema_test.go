package formschema

import (
	"encoding/json"
	"testing"
)

type span string

func (span) JSONSchema() map[string]any { return Schema{"type": "string", "pattern": "^[0-9]+s$"} }

// TestOf describes a field by its tags, its type and the value that it has.
func TestOf(t *testing.T) {
	type inner struct {
		Least *int `json:"least,omitempty" zero:"no" help:"the least"`
	}
	s := Of(&struct {
		inner
		Way     string   `json:"way" enum:"a,b" help:"which way"`
		Version string   `json:"version,omitempty" also:"number" enum:"1.2,any"`
		Codes   string   `json:"codes,omitempty" also:"numbers"`
		Flags   []string `json:"flags,omitempty" enum:"x,y"`
		Wait    span     `json:"wait"`
		Hidden  string   `json:"-"`
	}{Way: "a", Wait: "3s"})
	got, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"additionalProperties":false,"properties":{` +
		`"codes":{"anyOf":[{"type":["string","number"]},{"items":{"type":["string","number"]},"type":"array"}]},` +
		`"flags":{"items":{"enum":["x","y"]},"type":"array"},` +
		`"least":{"description":"the least","minimum":1,"type":"integer"},` +
		`"version":{"anyOf":[{"enum":["1.2","any"]},{"enum":[1.2]}]},` +
		`"wait":{"default":"3s","pattern":"^[0-9]+s$","type":"string"},` +
		`"way":{"default":"a","description":"which way","enum":["a","b"]}},"type":"object"}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
