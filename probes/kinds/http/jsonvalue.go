package http

import (
	"bytes"
	"encoding/json"
	"reflect"
)

// JSONValue is any JSON value, as it stands.
type JSONValue json.RawMessage

// JSONSchema is that of any value.
func (JSONValue) JSONSchema() map[string]any { return map[string]any{} }

// UnmarshalJSON takes any value.
func (v *JSONValue) UnmarshalJSON(b []byte) error {
	*v = append((*v)[:0], b...)
	return nil
}

// UnmarshalText makes documentation show it as a text.
func (v *JSONValue) UnmarshalText(b []byte) error { return v.UnmarshalJSON(b) }

// MarshalJSON returns the value.
func (v JSONValue) MarshalJSON() ([]byte, error) { return v, nil }

// text is a string's text, and the JSON of anything else.
func (v JSONValue) text() string {
	var s string
	if json.Unmarshal(v, &s) == nil && len(v) > 0 && v[0] == '"' {
		return s
	}
	return string(v)
}

func (v JSONValue) number() (float64, bool) {
	var n json.Number
	if len(v) == 0 || v[0] == '"' || json.Unmarshal(v, &n) != nil || n == "" {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

// equalAtMost bounds what is decoded to be compared: a value that is so much longer
// than another is not written in another way, but another. Decoded, a value may
// take twenty times its length.
const equalAtMost = 64

// equal compares values, not how they are written.
func (v JSONValue) equal(w JSONValue) bool {
	const short = 64 << 10
	if long := max(len(v), len(w)); long > short && long > equalAtMost*min(len(v), len(w)) {
		return false
	}
	a, errA := v.decode()
	b, errB := w.decode()
	return errA == nil && errB == nil && equalJSON(a, b)
}

func (v JSONValue) decode() (out any, err error) {
	d := json.NewDecoder(bytes.NewReader(v))
	d.UseNumber()
	return out, d.Decode(&out)
}

func equalJSON(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && (a == b || equalNumbers(a, b))
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equalJSON(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for k := range a {
			other, ok := b[k]
			if !ok || !equalJSON(a[k], other) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(a, b)
}

// equalNumbers compares whole numbers exactly, others as float64.
func equalNumbers(a, b json.Number) bool {
	if x, err := a.Int64(); err == nil {
		if y, err := b.Int64(); err == nil {
			return x == y
		}
	}
	x, errA := a.Float64()
	y, errB := b.Float64()
	return errA == nil && errB == nil && x == y
}
