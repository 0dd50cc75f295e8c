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
	"regexp"
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

// UnknownFields are the paths of the fields in JSON that v, a pointer to a struct, has no place
// for, such as those of a later version: encoding/json leaves them out without a word.
func UnknownFields(data []byte, v any) []string {
	d := fieldDecoder{strict: true}
	d.value("", data, reflect.ValueOf(v).Elem())
	return d.unknown
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
	unknown  []string // paths of fields, where strict
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
			hint := ""
			if t.Kind() == reflect.String && !strings.ContainsAny(string(raw[:1]), "[{") {
				hint = ": put it in quotes"
			}
			d.problems.Addf(path, "want %s, got %s%s", kindWord(wrong.Type), short(raw), hint)
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
	known := map[string]field{}
	structFields(v, known)
	for _, name := range slices.Sorted(maps.Keys(given)) {
		f, ok := known[name]
		if !ok && !d.strict {
			continue
		}
		if !ok {
			d.unknown = append(d.unknown, join(path, name))
			d.problems.Add(join(path, name), Unknown("field", name, slices.Sorted(maps.Keys(known))))
			continue
		}
		d.value(join(path, name), asText(given[name], f.also), f.value)
		if f.never0 && f.value.IsZero() && isZero(given[name], f.value.Type()) {
			d.problems.Addf(join(path, name), "want more than 0, got %s: leave it out for the default", short(given[name]))
		}
	}
}

// isZero says that a value is a zero that somebody wrote, such as 0 or "0s", and
// neither null nor a mistake, which was reported.
func isZero(raw json.RawMessage, t reflect.Type) bool {
	v := reflect.New(t)
	return string(bytes.TrimSpace(raw)) != "null" && json.Unmarshal(raw, v.Interface()) == nil && v.Elem().IsZero()
}

// field is one that JSON knows.
type field struct {
	value reflect.Value
	// never0 is the tag zero:"no": absent means something else than 0 does, which
	// the field cannot have.
	never0 bool
	// also is the tag also:"number" of a text that often looks like a number, such
	// as a version, and may then be without quotes; also:"numbers" takes a list
	// of them, too, which is the text with commas.
	also string
}

// plainNumber is a number that reads as it is meant: YAML's 1_000 and 0x10 are
// other numbers in JSON, but none of the texts in question.
var plainNumber = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// asText is a value as the text that a field with the tag also takes it for.
func asText(raw json.RawMessage, also string) json.RawMessage {
	switch also {
	case "number", "numbers":
	default:
		return raw
	}
	if number := bytes.TrimSpace(raw); plainNumber.Match(number) {
		return slices.Concat([]byte{'"'}, number, []byte{'"'})
	}
	var items []json.RawMessage
	if also == "number" || json.Unmarshal(raw, &items) != nil || len(items) == 0 {
		return raw
	}
	texts := make([]string, len(items))
	for i, item := range items {
		if json.Unmarshal(asText(item, "number"), &texts[i]) != nil {
			return raw
		}
	}
	text, err := json.Marshal(strings.Join(texts, ","))
	if err != nil {
		return raw
	}
	return text
}

// structFields gathers the fields that JSON knows, those of embedded structs too.
func structFields(v reflect.Value, out map[string]field) {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			structFields(v.Field(i), out)
		case f.IsExported() && name != "" && name != "-":
			out[name] = field{v.Field(i), f.Tag.Get("zero") == "no", f.Tag.Get("also")}
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
