package probes

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// secretsNamed lists the options of a monitor, by path, that name a secret: each
// text with a reference in it, whether or not its kind reads it, so that a new
// option cannot be forgotten. One with the tag secret:"public" names what is none
// and is never sent, such as the certificates to trust.
func (c *Check) secretsNamed() []string {
	return namedIn("options", reflect.ValueOf(c.asked))
}

func namedIn(path string, v reflect.Value) (found []string) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			found = namedIn(path, v.Elem())
		}
	case reflect.String:
		if v.Type() == reflect.TypeFor[Secret]() && v.Len() > 0 || NamesSecret(v.String()) {
			found = []string{path}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case f.Tag.Get("secret") == "public":
			case f.Anonymous && name == "":
				found = append(found, namedIn(path, v.Field(i))...)
			case f.IsExported() && name != "-":
				found = append(found, namedIn(path+"."+name, v.Field(i))...)
			}
		}
	case reflect.Map:
		keys := map[string]reflect.Value{}
		for _, k := range v.MapKeys() {
			keys[k.String()] = v.MapIndex(k)
		}
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			found = append(found, namedIn(path+"."+k, keys[k])...)
		}
	case reflect.Slice:
		for i := range v.Len() {
			found = append(found, namedIn(path+"["+strconv.Itoa(i)+"]", v.Index(i))...)
		}
	}
	return found
}
