package migrate

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"netmon/wire"
)

// Fields are those of an object in a tool's file. Each is taken by its name, and what
// nobody took is left over: so what an import does not know of is not lost silently.
// A nil *Fields is an object that is not there.
type Fields struct {
	all   map[string]any
	taken map[string]bool
	inner []innerFields
	wrong []string
}

type innerFields struct {
	name string
	*Fields
}

// NewFields are those of what json.Unmarshal made of an object.
func NewFields(all map[string]any) *Fields { return &Fields{all: all, taken: map[string]bool{}} }

// take is the value of a field, nil where there is none.
func (f *Fields) take(name string) any {
	if f == nil {
		return nil
	}
	f.taken[name] = true
	return f.all[name]
}

func (f *Fields) wants(name, what string, got any) {
	f.wrong = append(f.wrong, fmt.Sprintf("%s: want %s, got %s", name, what, short(got)))
}

func short(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "something else"
	}
	return wire.Clip(string(text), 60)
}

// Has says whether a field is there, and more than null.
func (f *Fields) Has(name string) bool { return f != nil && f.all[name] != nil }

// Skip takes fields that change nothing that is measured.
func (f *Fields) Skip(names ...string) {
	for _, name := range names {
		f.take(name)
	}
}

// Text is a field as text, "" where it is absent; a number or a yes as it is written.
func (f *Fields) Text(name string) string {
	v := f.take(name)
	text, ok := scalar(v)
	if !ok {
		f.wants(name, "text", v)
	}
	return text
}

func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case json.Number:
		return v.String(), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	}
	return "", false
}

// Bool is a field that is yes or no.
func (f *Fields) Bool(name string, absent bool) bool {
	switch v := f.take(name).(type) {
	case nil:
		return absent
	case bool:
		return v
	case json.Number: // 0 and 1 of a database
		return v != "0"
	case string:
		if b, err := strconv.ParseBool(v); err == nil {
			return b
		}
		f.wants(name, "true or false", v)
	default:
		f.wants(name, "true or false", v)
	}
	return absent
}

// Number is a whole number.
func (f *Fields) Number(name string, absent int) int {
	v := f.take(name)
	if v == nil || v == "" {
		return absent
	}
	text, _ := scalar(v)
	n, err := strconv.Atoi(text)
	if err != nil {
		f.wants(name, "a whole number", v)
		return absent
	}
	return n
}

// Duration is a length of time such as 1m30s, 0 where it is absent.
func (f *Fields) Duration(name string) time.Duration {
	text := f.Text(name)
	if text == "" || text == "0" {
		return 0
	}
	var d wire.Duration
	if err := d.UnmarshalText([]byte(text)); err != nil || d < 0 {
		f.wants(name, "a length of time such as 30s", text)
		return 0
	}
	return d.Std()
}

// List are the entries of a list.
func (f *Fields) List(name string) []any {
	v := f.take(name)
	list, ok := v.([]any)
	if !ok && v != nil {
		f.wants(name, "a list", v)
	}
	return list
}

// Texts is a list of texts; one text is a list of it.
func (f *Fields) Texts(name string) (out []string) {
	if f == nil {
		return nil
	}
	if text, ok := f.all[name].(string); ok {
		f.taken[name] = true
		return []string{text}
	}
	for i, v := range f.List(name) {
		if text, ok := scalar(v); ok {
			out = append(out, text)
		} else {
			f.wants(fmt.Sprintf("%s[%d]", name, i), "text", v)
		}
	}
	return out
}

// Map are the fields of an object, all of them texts.
func (f *Fields) Map(name string) map[string]string {
	inner := f.Object(name)
	if inner == nil {
		return nil
	}
	out := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(inner.all)) {
		out[key] = inner.Text(key)
	}
	return out
}

// Object is an object, nil where it is absent. What is left over of it is left over here.
func (f *Fields) Object(name string) *Fields {
	v := f.take(name)
	all, ok := v.(map[string]any)
	if !ok {
		if v != nil {
			f.wants(name, "an object", v)
		}
		return nil
	}
	inner := NewFields(all)
	f.inner = append(f.inner, innerFields{name, inner})
	return inner
}

// Objects is a list of objects. What is no object becomes an empty one, so that each has
// its place in the list.
func (f *Fields) Objects(name string) (out []*Fields) {
	for i, v := range f.List(name) {
		all, ok := v.(map[string]any)
		at := fmt.Sprintf("%s[%d]", name, i)
		if !ok {
			f.wants(at, "an object", v)
		}
		inner := NewFields(all)
		f.inner = append(f.inner, innerFields{at, inner})
		out = append(out, inner)
	}
	return out
}

// Names are those of all fields.
func (f *Fields) Names() []string {
	if f == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(f.all))
}

// Rest says what is left over: fields that nobody took, and what could not be read. What
// is not set is no loss. The values are not told: they may be secrets.
func (f *Fields) Rest() (out []string) {
	if f == nil {
		return nil
	}
	for _, name := range f.Names() {
		if !f.taken[name] && isSet(f.all[name]) {
			out = append(out, name+": netmon has nothing like it")
		}
	}
	for _, inner := range f.inner {
		for _, text := range inner.Rest() {
			out = append(out, inner.name+"."+text)
		}
	}
	return append(out, f.wrong...)
}

// isSet says whether a value is one.
func isSet(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return strings.TrimSpace(v) != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}

// Unknown are the names of fields that nobody took, without those of inner objects.
func (f *Fields) Unknown() (out []string) {
	for _, name := range f.Names() {
		if !f.taken[name] && isSet(f.all[name]) {
			out = append(out, name)
		}
	}
	return out
}

// Raw is a field as it is, and not taken by this.
func (f *Fields) Raw(name string) any {
	if f == nil {
		return nil
	}
	return f.all[name]
}
