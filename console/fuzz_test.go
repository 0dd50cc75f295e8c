package console

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"
)

func FuzzDecodeSet(f *testing.F) {
	for _, s := range []string{`{"monitors":[{"name":"web","kind":"tcp","target":"h:1","agents":["a"],"options":{"a":[1]}}]}`, `{"monitors":[{},{"every":"1s","agents":{"match":{"a":"b"}}}]}`, `{"monitors":7}`, `[]`,
		`{"monitors":[],"channels":[{"name":"hook","kind":"webhook","url":"x","n":1e99}],"rules":[{"name":"all","to":[],"wait":"10s","match":{"tags":{"a":"b*"}}}],"windows":[{"name":"w","weekly":"Sun 02:00-04:00"}],"groups":[{"name":"g","of":["a"],"rule":1}]}`, `{"channels":[null],"rules":{}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		monitors, err := decodeSet(data)
		if err != nil {
			return
		}
		again, err := encodeSet(monitors)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodeSet(again); err != nil {
			t.Errorf("%s: %v", again, err)
		}
	})
}

func FuzzEscapeJSON(f *testing.F) {
	for _, s := range []string{`{"a":"é` + "\u009b\u202e\U000e0041\x7f" + `"}`, "\"\xff\x9b\"", `[1, {"\u001b":null}]`, "\t\r\n1"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		out := EscapeJSON(data)
		if !utf8.Valid(out) || bytes.ContainsAny(out, "\x1b\x7f\u009b\u202e\u200b") {
			t.Errorf("%q is written as %q", data, out)
		}
		var a, b any
		if json.Unmarshal(data, &a) != nil {
			return
		}
		if err := json.Unmarshal(out, &b); err != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%q is written as %q: %v", data, out, err)
		}
	})
}
