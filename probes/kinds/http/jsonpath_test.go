package http

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestJSONPath(t *testing.T) {
	const doc = ` {"a":{"b":[10,[20],{"c d":null,"e":"x"}]},"é":1,"a.b":2,"'":3,"\"":4,"dup":1,"dup":2,"":5,"\\":6} `
	for path, want := range map[string]string{
		"$":               strings.TrimSpace(doc),
		"$.a.b[0]":        "10",
		"$.a.b[1][0]":     "20",
		"$.a.b[-1].e":     `"x"`,
		"$.a.b[-3]":       "10",
		`$.a.b[2]["c d"]`: "null",
		`$['a']['b'][0]`:  "10",
		"$.é":             "1",
		`$["a.b"]`:        "2",
		`$["'"]`:          "3",
		`$['\'']`:         "3",
		`$['"']`:          "4",
		`$["\""]`:         "4",
		`$["\u00e9"]`:     "1",
		`$["\\"]`:         "6",
		`$['\\']`:         "6",
		"$.dup":           "2",
		`$[""]`:           "5",
		"$.a.b[3]":        "",
		"$.a.b[-4]":       "",
		"$.a[0]":          "",
		"$.a.b.c":         "",
		"$.no":            "",
		"$.dup.x":         "",
	} {
		p, err := parseJSONPath(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if got, ok := p.find([]byte(doc)); string(got) != want || ok != (want != "") {
			t.Errorf("%s gives %q, want %q", path, got, want)
		}
	}
	for path, why := range map[string]string{
		"":                             "it must begin with $",
		"a":                            "it must begin with $",
		"$a":                           "a . or [ must follow",
		"$.":                           "a name must follow the dot",
		"$..a":                         "a name must follow the dot",
		"$.*":                          "a name must follow the dot",
		"$.a-b":                        "a . or [ must follow",
		"$.1":                          "a name must follow the dot",
		"$[":                           "the ] is missing",
		"$[0":                          "the ] is missing",
		"$[*]":                         `"*" is not an index`,
		"$[01]":                        `"01" is not an index`,
		"$[-0]":                        `"-0" is not an index`,
		"$[-9999]":                     `"-9999" is not an index`,
		"$[1:2]":                       `"1:2" is not an index`,
		`$["a]`:                        "the closing quote is missing",
		`$["a"`:                        "the ] is missing",
		`$["\x"]`:                      `"\x" is not a quoted name`,
		`$["a\`:                        "the closing quote is missing",
		"$" + strings.Repeat(".a", 65): "it is too long",
	} {
		if _, err := parseJSONPath(path); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s gives %v, want %q", path, err, why)
		}
	}
}

func TestJSONValue_Equal(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"1", "1.0", true}, {"1", `"1"`, false}, {"1e2", "100", true}, {"12345678901234567890", "12345678901234567891", true}, // beyond int64: as float64
		{"9007199254740993", "9007199254740992", false}, {"null", "null", true}, {"null", "false", false}, {`"a"`, `"\u0061"`, true},
		{`{"a":[1,2]}`, `{ "a" : [1.0, 2] }`, true}, {`[1,2]`, `[2,1]`, false}, {`{"a":1}`, `{"b":1}`, false}, {"1e999", "1e999", true}, {"", "1", false},
	} {
		if got := JSONValue(c.a).equal(JSONValue(c.b)); got != c.want {
			t.Errorf("%s = %s: %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

func FuzzJSONPath(f *testing.F) {
	f.Add("$.a[0]", `{"a":[1]}`)
	f.Add(`$["x\n"]['\''][-2]`, `{"x\n":{"'":[1,2]}}`)
	f.Fuzz(func(t *testing.T, path, doc string) {
		p, err := parseJSONPath(path)
		if err != nil || checkJSON([]byte(doc)) != nil {
			return
		}
		if v, ok := p.find([]byte(doc)); ok != json.Valid(v) {
			t.Errorf("%s in %s gives %q", path, doc, v)
		}
	})
}

// byDecoder is one step down by encoding/json, which copies each value.
func byDecoder(s jsonStep, v json.RawMessage) (found json.RawMessage, ok bool) {
	d := json.NewDecoder(bytes.NewReader(v))
	open, err := d.Token()
	if err != nil || open != json.Delim('{') && open != json.Delim('[') || (open == json.Delim('{')) != s.named {
		return nil, false
	}
	var last []json.RawMessage // as many as a negative index needs
	for i := 0; d.More(); i++ {
		mine := s.index == i
		if s.named {
			name, err := d.Token()
			if err != nil {
				return nil, false
			}
			mine = name == s.name
		}
		var item json.RawMessage
		if err := d.Decode(&item); err != nil {
			return nil, false
		}
		switch {
		case mine:
			found, ok = item, true
			if !s.named {
				return found, true
			}
		case !s.named && s.index < 0:
			if len(last) == -s.index {
				last = last[1:]
			}
			last = append(last, item)
		}
	}
	if !s.named && s.index < 0 && len(last) == -s.index {
		return last[0], true
	}
	return found, ok
}

// FuzzJSONPath_ByDecoder: what is found without a copy is what a decoder finds.
func FuzzJSONPath_ByDecoder(f *testing.F) {
	f.Add([]byte(`{"a": [1, {"b":"\\"]"} , -2.5e3,true ],"\u0061" :null,"a":{}}`), "$.a")
	f.Add([]byte(" [ [1,2] ,\t\"x\"\n, {} , [], 3 ]"), "$[-2]")
	f.Add([]byte(`{"x":{"y z":["\\\"",0]}}`), `$.x["y z"][0]`)
	f.Fuzz(func(t *testing.T, doc []byte, path string) {
		p, err := parseJSONPath(path)
		if err != nil || checkJSON(doc) != nil {
			return
		}
		got, ok := p.find(doc)
		want, wanted := json.RawMessage(bytes.TrimSpace(doc)), true
		for _, step := range p {
			if want, wanted = byDecoder(step, want); !wanted {
				break
			}
		}
		if ok != wanted || ok && !bytes.Equal(got, want) {
			t.Errorf("%s in %q: %q %v, by a decoder %q %v", path, doc, got, ok, want, wanted)
		}
	})
}
