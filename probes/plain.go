package probes

import (
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"netmon/wire"
)

// PlainSecrets lists the options of a monitor, by path, that seem to hold a
// secret which is written out instead of named by a reference. The options to
// look at have the tag secret:"text": a text that may hold references, or a map
// or a list of such. An option of the type [Secret] takes nothing but a reference.
func (l List) PlainSecrets(m wire.Monitor) []string {
	c, err := l.New(nil, m.Kind, m.Target, m.Options)
	if err != nil {
		return nil
	}
	found := plainIn("options", reflect.ValueOf(c.asked).Elem())
	if u, err := url.Parse(m.Target); err == nil {
		for name := range u.Query() {
			if secretName.MatchString(name) {
				found = append(found, "target")
				break
			}
		}
	}
	return found
}

var (
	secretName = regexp.MustCompile(`(?i)passw|passphrase|secret|token|api[-_]?key|auth(orization|entication)?\b|cookie|credential|signature`)
	secretText = regexp.MustCompile(`(?im)(passw\w*|passphrase|secret|\w*token|api[-_]?key)["']?\s*[:=]\s*["']?[^"'\s]|^(PASS|AUTH \S+|LOGIN) \S`)
)

func plainIn(path string, v reflect.Value) (found []string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			at := path + "." + name
			switch {
			case !f.IsExported() || name == "-":
			case f.Anonymous && name == "":
				found = append(found, plainIn(path, v.Field(i))...)
			case f.Tag.Get("secret") == "":
				found = append(found, plainIn(at, v.Field(i))...)
			case f.Type.Kind() == reflect.String:
				if s := v.Field(i).String(); secretText.MatchString(s) && !NamesSecret(s) {
					found = append(found, at)
				}
			case f.Type.Kind() == reflect.Slice:
				for j := range v.Field(i).Len() {
					if secretText.MatchString(v.Field(i).Index(j).String()) {
						found = append(found, at+"["+strconv.Itoa(j)+"]")
					}
				}
			default:
				values := v.Field(i).Interface().(map[string]string)
				for _, key := range slices.Sorted(maps.Keys(values)) {
					if secretName.MatchString(key) && !NamesSecret(values[key]) {
						found = append(found, at+"."+key)
					}
				}
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			found = append(found, plainIn(path+"["+strconv.Itoa(i)+"]", v.Index(i))...)
		}
	}
	return found
}
