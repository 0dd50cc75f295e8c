package notify

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"netmon/notify/policy"
	"netmon/wire"
)

// Text is a setting in which references to secrets may be: ${env:NAME} and
// ${file:PATH} are what only the notifier's host knows. It is saved and shown as it is
// written, and resolved when it is sent, see [Env.Reveal].
type Text string

// UnmarshalText refuses references that are none.
func (t *Text) UnmarshalText(b []byte) error {
	*t = Text(b)
	return checkReferences(string(b))
}

// Secret is a Text that has to hold a reference: one written out would be stored in the
// mesh, where everybody who may read its settings can read it.
type Secret string

// UnmarshalText refuses a value written out.
func (s *Secret) UnmarshalText(b []byte) error {
	*s = Secret(b)
	if len(b) > 0 && !inText.Match(b) {
		return errors.New("want a reference, ${env:NAME} or ${file:PATH}, not the secret itself")
	}
	return checkReferences(string(b))
}

// inText finds references inside of a text.
var inText = regexp.MustCompile(`\$\{(env|file):([^{}]+)\}`)

func checkReferences(s string) error {
	if rest := inText.ReplaceAllString(s, ""); strings.Contains(rest, "${") {
		_, after, _ := strings.Cut(rest, "${")
		return fmt.Errorf("want references as ${env:NAME} or ${file:PATH}, got %q", wire.Clip("${"+after, wire.MaxToken))
	}
	return nil
}

// references lists those in all Texts and Secrets of a struct of settings, each once.
func references(settings any) []string {
	var out []string
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer, reflect.Interface:
			if !v.IsNil() {
				walk(v.Elem())
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() || v.Type().Field(i).Anonymous {
					walk(v.Field(i))
				}
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i))
			}
		case reflect.Map:
			for _, k := range v.MapKeys() {
				walk(v.MapIndex(k))
			}
		case reflect.String:
			if t := v.Type(); t == reflect.TypeFor[Text]() || t == reflect.TypeFor[Secret]() {
				out = append(out, inText.FindAllString(v.String(), -1)...)
			}
		}
	}
	walk(reflect.ValueOf(settings))
	slices.Sort(out)
	return slices.Compact(out)
}

// checkURL says what is wrong with a URL of one of the schemes, in which references may
// stand: either all of it is one, or they follow its host.
func checkURL(field string, t Text, schemes ...string) error {
	var p wire.Problems
	example := schemes[0] + "://host/path"
	if t == "" {
		p.Addf(field, "is missing: want a URL such as %s", example)
		return p.Err()
	}
	if wholeReference(string(t)) {
		return nil
	}
	u, err := url.Parse(inText.ReplaceAllString(string(t), "x"))
	host, _, isPlace := strings.Cut(strings.TrimPrefix(string(t), "//"), "://")
	switch {
	case err != nil, !slices.Contains(schemes, u.Scheme), u.Hostname() == "", !isPlace, strings.Contains(host, "${"):
		p.Addf(field, "want a URL such as %s, got %q", example, wire.Clip(string(t), wire.MaxText))
	case inText.MatchString(authority(string(t))):
		p.Addf(field, "want the host written out, or all of the URL as one reference, got %q", wire.Clip(string(t), wire.MaxText))
	case u.User != nil:
		p.Addf(field, "want no user and password in the URL: they go into a header")
	case u.Fragment != "":
		p.Addf(field, "want a URL without #, got %q", wire.Clip(string(t), wire.MaxText))
	}
	return p.Err()
}

// authority is the part of a URL between // and what follows its port.
func authority(s string) string {
	_, rest, _ := strings.Cut(s, "://")
	end := strings.IndexAny(inText.ReplaceAllStringFunc(rest, func(r string) string { return strings.Repeat("x", len(r)) }), "/?#")
	if end < 0 {
		return rest
	}
	return rest[:end]
}

// wholeReference says that a text is one reference and nothing else.
func wholeReference(s string) bool {
	at := inText.FindStringIndex(s)
	return at != nil && at[0] == 0 && at[1] == len(s)
}

// Destination is where something is sent to.
type Destination = policy.Destination
