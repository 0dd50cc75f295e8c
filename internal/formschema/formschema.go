// Package formschema writes JSON Schemas (draft-07) of what people write: of the
// structs that wire.DecodeStrict reads, by their tags.
//
// A field's tags are json (its name), help (its description), enum (its values, with
// commas between them), also (a text that may stand without quotes) and zero:"no" (it
// is never 0). What the struct's value holds for a field is its default. A type that
// has a form of its own says which, by a method JSONSchema.
package formschema

import (
	"encoding"
	"maps"
	"reflect"
	"strconv"
	"strings"
)

// Draft is the one that is written: the newest that all common editors know.
const Draft = "http://json-schema.org/draft-07/schema#"

// Schema is a JSON Schema.
type Schema = map[string]any

// formed is a type that says its own form.
type formed interface{ JSONSchema() map[string]any }

var (
	hasForm = reflect.TypeFor[formed]()
	isText  = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// Of describes the struct that v is or points to. A field that it does not have is
// refused.
func Of(v any) Schema {
	value := reflect.Indirect(reflect.ValueOf(v))
	properties := Schema{}
	fields(value, properties)
	return Schema{"type": "object", "additionalProperties": false, "properties": properties}
}

// Properties are those of a schema that Of made.
func Properties(s Schema) Schema { return s["properties"].(Schema) }

func fields(v reflect.Value, properties Schema) {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			fields(v.Field(i), properties)
		case f.IsExported() && name != "" && name != "-":
			properties[name] = field(f, v.Field(i))
		}
	}
}

func field(f reflect.StructField, v reflect.Value) Schema {
	s := Schema{}
	maps.Copy(s, ofType(f.Type, v)) // a copy: the schema of a type may be shared
	if values := f.Tag.Get("enum"); values != "" {
		s = among(s, strings.Split(values, ","), f.Tag.Get("also") != "")
	} else {
		switch f.Tag.Get("also") {
		case "number":
			s["type"] = []string{"string", "number"}
		case "numbers":
			either := []string{"string", "number"}
			s = Schema{"anyOf": []Schema{{"type": either}, {"type": "array", "items": Schema{"type": either}}}}
		}
	}
	if f.Tag.Get("zero") == "no" && s["type"] == "integer" {
		s["minimum"] = 1
	}
	if help := f.Tag.Get("help"); help != "" {
		s["description"] = help
	}
	if d, ok := defaultOf(v); ok {
		s["default"] = d
	}
	return s
}

// among narrows a schema to values; those that look like numbers may be numbers.
func among(s Schema, values []string, numbers bool) Schema {
	var figures []float64
	for _, v := range values {
		if n, err := strconv.ParseFloat(v, 64); err == nil && numbers {
			figures = append(figures, n)
		}
	}
	switch {
	case s["type"] == "array":
		s["items"] = Schema{"enum": values}
		return s
	case figures != nil: // apart: validators differ in whether "4" is 4
		return Schema{"anyOf": []Schema{{"enum": values}, {"enum": figures}}}
	}
	return Schema{"enum": values}
}

func ofType(t reflect.Type, v reflect.Value) Schema {
	switch {
	case t.Kind() == reflect.Pointer:
		return ofType(t.Elem(), reflect.Zero(t.Elem()))
	case t.Implements(hasForm):
		return reflect.Zero(t).Interface().(formed).JSONSchema()
	case reflect.PointerTo(t).Implements(isText):
		return Schema{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Bool:
		return Schema{"type": "boolean"}
	case reflect.String:
		return Schema{"type": "string"}
	case reflect.Float64, reflect.Float32:
		return Schema{"type": "number"}
	case reflect.Slice:
		return Schema{"type": "array", "items": ofType(t.Elem(), reflect.Zero(t.Elem()))}
	case reflect.Map:
		return Schema{"type": "object", "additionalProperties": ofType(t.Elem(), reflect.Zero(t.Elem()))}
	case reflect.Struct:
		return Of(v.Interface())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return Schema{"type": "integer", "minimum": 0}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return Schema{"type": "integer"}
	}
	panic("formschema: a field of type " + t.String() + " has no form") // a mistake in the code, found by the tests
}
