package notify

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"netmon/wire"
)

// Field documents one setting of a kind.
type Field struct{ Name, Type, Help, Default string }

// fieldsOf lists the settings in a struct, with what its value has for them.
func fieldsOf(v any) []Field { return walkFields("", reflect.ValueOf(v), nil) }

func walkFields(prefix string, v reflect.Value, out []Field) []Field {
	t := v.Type()
	for i := range t.NumField() {
		f, fv := t.Field(i), v.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			out = walkFields(prefix, fv, out)
			continue
		case !f.IsExported() || name == "" || name == "-":
			continue
		}
		typ := typeName(f.Type)
		if typ == "" {
			out = walkFields(prefix+name+".", fv, out)
			continue
		}
		field := Field{Name: prefix + name, Type: typ, Help: f.Tag.Get("help")}
		if !fv.IsZero() {
			field.Default = defaultText(fv)
		}
		out = append(out, field)
	}
	return out
}

func defaultText(v reflect.Value) string {
	if v.Kind() == reflect.Slice {
		var list []string
		for i := range v.Len() {
			list = append(list, fmt.Sprint(v.Index(i).Interface()))
		}
		return strings.Join(list, ", ")
	}
	if v.Kind() == reflect.Bool {
		return "yes"
	}
	return fmt.Sprint(v.Interface())
}

// typeName is the word for a type that people read, "" for a struct to be taken apart.
func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Secret]():
		return "secret"
	case reflect.TypeFor[Text]():
		return "text with secrets"
	case reflect.TypeFor[List]():
		return "list"
	case reflect.TypeFor[wire.Duration]():
		return "duration"
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return "text"
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "yes/no"
	case reflect.Slice:
		return "list"
	case reflect.Map:
		return "map"
	case reflect.Struct:
		return ""
	case reflect.Float64:
		return "number"
	}
	return "integer"
}

// List is a list of texts that may be written as one text, too.
type List []string

// JSONSchema is the form that UnmarshalJSON reads.
func (List) JSONSchema() map[string]any {
	one := map[string]any{"type": "string"}
	return map[string]any{"anyOf": []any{one, map[string]any{"type": "array", "items": one}}}
}

// UnmarshalJSON reads a list, or one text; of one text the parts between commas.
func (l *List) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*l = nil
		for part := range strings.SplitSeq(one, ",") {
			if part = strings.TrimSpace(part); part != "" {
				*l = append(*l, part)
			}
		}
		return nil
	}
	var all []string
	if err := json.Unmarshal(data, &all); err != nil {
		return fmt.Errorf("want a list of texts, got %s", wire.Clip(string(data), 60))
	}
	*l = all
	return nil
}

// oneOf says what is wrong with a value that is to be one of a few.
func oneOf(got string, want ...string) error {
	if slices.Contains(want, got) {
		return nil
	}
	return fmt.Errorf("want one of %s, got %q", strings.Join(want, ", "), wire.Clip(got, 2*wire.MaxToken))
}
