package policy

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"netmon/internal/reach"
)

var update = flag.Bool("update", false, "rewrite docs/policy.md")

// TestPolicyDoc keeps the tables of docs/policy.md true.
func TestPolicyDoc(t *testing.T) {
	const path = "../../docs/policy.md"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var fields, networks strings.Builder
	fields.WriteString("| field | meaning |\n|---|---|\n")
	docFields(&fields, "", reflect.TypeFor[File]())
	networks.WriteString("| name | networks |\n|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(reach.Named)) {
		var list []string
		for _, p := range reach.Named[name] {
			list = append(list, strings.TrimSuffix(strings.TrimSuffix(p.String(), "/32"), "/128"))
		}
		fmt.Fprintf(&networks, "| `%s` | %s |\n", name, strings.Join(list, ", "))
	}
	want := string(data)
	for marker, text := range map[string]string{"fields": fields.String(), "networks": networks.String()} {
		before, rest, ok := strings.Cut(want, "<!-- "+marker+" -->\n")
		_, after, ok2 := strings.Cut(rest, "<!-- /"+marker+" -->")
		if !ok || !ok2 {
			t.Fatalf("%s lacks the markers of %s", path, marker)
		}
		want = before + "<!-- " + marker + " -->\n" + text + "<!-- /" + marker + " -->" + after
	}
	if want == string(data) {
		return
	}
	if !*update {
		t.Fatalf("%s is not up to date: go test ./agent/policy -update", path)
	}
	if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

func docFields(b *strings.Builder, prefix string, t reflect.Type) {
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Type.Kind() == reflect.Struct {
			docFields(b, prefix+name+".", f.Type)
			continue
		}
		fmt.Fprintf(b, "| `%s%s` | %s |\n", prefix, name, f.Tag.Get("help"))
	}
}

// TestDefault_IsWhatTheHelpSays checks the words about defaults against them.
func TestDefault_IsWhatTheHelpSays(t *testing.T) {
	d := reflect.ValueOf(Default().Secrets)
	for i := range d.NumField() {
		help := d.Type().Field(i).Tag.Get("help")
		if d.Field(i).IsNil() {
			continue
		}
		if want := "default: " + strings.Join(d.Field(i).Interface().([]string), ", "); !strings.HasSuffix(help, want) {
			t.Errorf("%q does not end in %q", help, want)
		}
	}
	rest := Default()
	rest.Secrets = Secrets{}
	if !reflect.ValueOf(rest).IsZero() {
		t.Errorf("a bound that the page does not tell: %+v", rest)
	}
	for _, name := range reach.Never {
		if help, _ := reflect.TypeFor[Targets]().FieldByName("Deny"); !strings.Contains(help.Tag.Get("help"), name) {
			t.Errorf("%s, which is always denied, is not told of", name)
		}
	}
}
