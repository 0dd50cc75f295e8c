package formschema

import (
	"encoding"
	"reflect"
)

// defaultOf is what a field has where nothing is written, and whether that is anything.
func defaultOf(v reflect.Value) (any, bool) {
	if v.IsZero() {
		return nil, false
	}
	if text, ok := v.Interface().(encoding.TextMarshaler); ok {
		b, err := text.MarshalText()
		return string(b), err == nil
	}
	switch v.Kind() {
	case reflect.Struct, reflect.Pointer, reflect.Map: // told field by field
		return nil, false
	}
	return v.Interface(), true
}
