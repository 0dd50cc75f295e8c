package probes

import (
	"cmp"
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"

	"netmon/wire"
)

// Field documents one option or figure. It is made from the tags of a struct.
type Field struct {
	Path    string // such as expect.status; a list's items have [] after its name
	Type    string // text, integer, number, yes/no, duration, time, list, map, steps
	Default string // "" when there is none
	Help    string // with unit and source
	List    bool   // may be given several times
	Phase   string // it is a part of a run's time, see [Kind.Phases]

	Words  []string // what it can be, or, where it is an open set, usually is; nil for anything
	Closed bool     // it can be nothing else
}

// CommonOptions documents the options that every kind has.
func CommonOptions() []Field { return fieldsOf(Common{}) }

// SharedFigures documents the figures that every kind has.
func SharedFigures() []Field { return fieldsOf(Shared{}) }

// fieldsOf lists the documented fields of v, nested structs taken apart.
func fieldsOf(v any) []Field {
	val := reflect.ValueOf(v)
	if val.Kind() == reflect.Pointer && !val.IsNil() {
		val = val.Elem()
	} else if val.Kind() == reflect.Pointer {
		val = reflect.New(val.Type().Elem()).Elem()
	}
	return walk("", val, nil)
}

func walk(prefix string, v reflect.Value, out []Field) []Field {
	t := v.Type()
	for i := range t.NumField() {
		f, fv := t.Field(i), v.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" {
			continue
		}
		if f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct {
			out = walk(prefix, fv, out)
			continue
		}
		path := name
		if prefix != "" {
			path = prefix + "." + name
		}
		ft := f.Type
		for ft.Kind() == reflect.Pointer {
			ft = ft.Elem()
			fv = reflect.New(ft).Elem()
		}
		typ := typeName(ft)
		if typ == "" { // a plain struct: its fields are the options
			if f.Tag.Get("help") != "" {
				out = append(out, Field{Path: path, Type: "object", Help: f.Tag.Get("help")})
			}
			out = walk(path, fv, out)
			continue
		}
		field := Field{Path: path, Type: typ, Help: f.Tag.Get("help"), Phase: f.Tag.Get("phase"), List: ft.Kind() == reflect.Slice && typ == "list"}
		if words := cmp.Or(f.Tag.Get("enum"), f.Tag.Get("usual")); words != "" {
			field.Words, field.Closed = strings.Split(words, ","), f.Tag.Get("enum") != ""
		}
		if !fv.IsZero() {
			field.Default = strings.Trim(fmt.Sprint(fv.Interface()), "[]")
		}
		out = append(out, field)
		if ft.Kind() == reflect.Slice && typeName(ft.Elem()) == "" {
			out = walk(path+"[]", reflect.New(ft.Elem()).Elem(), out)
		}
	}
	return out
}

var textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

// typeName is the word for t that people read, "" for a struct to be taken apart.
func typeName(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[wire.Duration]():
		return "duration"
	case t == reflect.TypeFor[time.Time]():
		return "time"
	case reflect.PointerTo(t).Implements(textUnmarshaler):
		return "text"
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "yes/no"
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Int16, reflect.Int8,
		reflect.Uint, reflect.Uint64, reflect.Uint32, reflect.Uint16, reflect.Uint8:
		return "integer"
	case reflect.Float64, reflect.Float32:
		return "number"
	case reflect.Slice:
		if typeName(t.Elem()) == "" {
			return "objects"
		}
		return "list"
	case reflect.Map:
		return "map"
	case reflect.Struct:
		return ""
	}
	panic("probes: a field of type " + t.String() + " cannot be documented")
}
