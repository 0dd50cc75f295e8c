package probes

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"netmon/wire"
)

// SameOptions says whether a target is measured in the same way by two options of the kind, with
// the defaults of what they leave out.
func (k Kind) SameOptions(target string, a, b json.RawMessage) bool {
	var texts [2][]byte
	for i, options := range [2]json.RawMessage{a, b} {
		c, err := k.New(nil, target, options)
		if err != nil {
			return false
		}
		if texts[i], err = json.Marshal(c.asked); err != nil {
			return false
		}
	}
	return bytes.Equal(texts[0], texts[1])
}

// Confidential lists the options of a monitor, by path, that are for its own target alone: those
// that name a secret, and those that may hold one, by the tag secret:"text", whatever they hold.
func (l List) Confidential(m wire.Monitor) ([]string, error) {
	c, err := l.New(nil, m.Kind, m.Target, m.Options)
	if err != nil {
		return nil, err
	}
	found := append(c.secretsNamed(), taggedIn("options", reflect.ValueOf(c.asked).Elem())...)
	slices.Sort(found)
	return slices.Compact(found), nil
}

// taggedIn lists the options in v that have the tag secret:"text", and are set.
func taggedIn(path string, v reflect.Value) (found []string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case !f.IsExported() || name == "-":
			case f.Anonymous && name == "":
				found = append(found, taggedIn(path, v.Field(i))...)
			case f.Tag.Get("secret") != "text":
				found = append(found, taggedIn(path+"."+name, v.Field(i))...)
			case !v.Field(i).IsZero():
				found = append(found, path+"."+name)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			found = append(found, taggedIn(path+"["+strconv.Itoa(i)+"]", v.Index(i))...)
		}
	}
	return found
}
