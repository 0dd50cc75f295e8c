package wire

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// DecodeStrict reads a configuration in JSON over v, a pointer to a struct. It
// keeps what v holds for fields that are absent. Other than encoding/json it
// refuses fields that it does not know, and reports every mistake, with its path.
func DecodeStrict(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the JSON value")
	}
	return decodeFields(raw, v, true)
}

// decodeFields reads a JSON value over v field by field, so that each mistake
// is found and has a path; encoding/json stops at the first, and names no path
// for types that decode themselves. strict refuses unknown fields.
func decodeFields(raw json.RawMessage, v any, strict bool) error {
	d := fieldDecoder{strict: strict}
	d.value("", raw, reflect.ValueOf(v).Elem())
	return d.problems.Err()
}

type fieldDecoder struct {
	strict   bool
	problems Problems
}

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func (d *fieldDecoder) value(path string, raw json.RawMessage, v reflect.Value) {
	t := v.Type()
	own := reflect.PointerTo(t).Implements(jsonUnmarshaler) || reflect.PointerTo(t).Implements(textUnmarshaler)
	isNull := string(bytes.TrimSpace(raw)) == "null"
	if isNull && !own {
		return // as encoding/json does: null leaves a field as it is
	}
	switch {
	case !own && t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct:
		fresh := reflect.New(t.Elem())
		d.value(path, raw, fresh.Elem())
		v.Set(fresh)
	case !own && t.Kind() == reflect.Struct:
		d.fields(path, raw, v)
	case !own && t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		var items []json.RawMessage
		if err := json.Unmarshal(raw, &items); err != nil {
			d.problems.Addf(path, "want a list, got %s", short(raw))
			return
		}
		v.Set(reflect.MakeSlice(t, len(items), len(items)))
		for i, item := range items {
			d.value(fmt.Sprintf("%s[%d]", path, i), item, v.Index(i))
		}
	case !own && t.Kind() == reflect.Map && t.Key().Kind() == reflect.String:
		var given map[string]json.RawMessage
		if err := json.Unmarshal(raw, &given); err != nil {
			d.problems.Addf(path, "want an object, got %s", short(raw))
			return
		}
		v.Set(reflect.MakeMapWithSize(t, len(given)))
		for _, name := range slices.Sorted(maps.Keys(given)) {
			item := reflect.New(t.Elem()).Elem()
			d.value(join(path, name), given[name], item)
			v.SetMapIndex(reflect.ValueOf(name).Convert(t.Key()), item)
		}
	default:
		err := json.Unmarshal(raw, v.Addr().Interface())
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			d.problems.Addf(path, "want %s, got %s", kindWord(wrong.Type), short(raw))
			return
		}
		d.problems.Add(path, err)
	}
}

func (d *fieldDecoder) fields(path string, raw json.RawMessage, v reflect.Value) {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(raw, &given); err != nil {
		d.problems.Addf(path, "want an object, got %s", short(raw))
		return
	}
	known, never0 := map[string]reflect.Value{}, map[string]bool{}
	structFields(v, known, never0)
	for _, name := range slices.Sorted(maps.Keys(given)) {
		f, ok := known[name]
		if !ok && !d.strict {
			continue
		}
		if !ok {
			d.problems.Addf(join(path, name), "unknown field %q: one of %s", Clip(name, 2*MaxToken), strings.Join(slices.Sorted(maps.Keys(known)), ", "))
			continue
		}
		d.value(join(path, name), given[name], f)
		if never0[name] && f.IsZero() && isZero(given[name], f.Type()) {
			d.problems.Addf(join(path, name), "want more than 0, got %s: leave it out for the default", short(given[name]))
		}
	}
}

// isZero says that a value is a nought that somebody wrote, such as 0 or "0s", and
// neither null nor a mistake, which was told.
func isZero(raw json.RawMessage, t reflect.Type) bool {
	v := reflect.New(t)
	return string(bytes.TrimSpace(raw)) != "null" && json.Unmarshal(raw, v.Interface()) == nil && v.Elem().IsZero()
}

// structFields gathers the fields that JSON knows, those of embedded structs too.
// A field with the tag zero:"no" means something else when it is absent than 0 does,
// which it cannot have.
func structFields(v reflect.Value, out map[string]reflect.Value, never0 map[string]bool) {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			structFields(v.Field(i), out, never0)
		case f.IsExported() && name != "" && name != "-":
			out[name], never0[name] = v.Field(i), f.Tag.Get("zero") == "no"
		}
	}
}

// kindWord names a Go type as people who write configurations would.
func kindWord(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "an object"
	case reflect.Float64, reflect.Float32:
		return "a number"
	case reflect.Uint64:
		return "a whole number, 0 or more"
	}
	return "a whole number"
}

// short quotes a JSON value as it stands.
func short(raw json.RawMessage) string {
	const most = 60
	s := strings.Join(strings.Fields(string(raw)), " ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}
