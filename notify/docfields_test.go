package notify

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"netmon/notify/policy"
	"netmon/wire"
)

// TestAlertsDoc_Fields holds the tables of docs/alerts.md about the policy and about what
// templates see against the structs.
func TestAlertsDoc_Fields(t *testing.T) {
	const path = "../docs/alerts.md"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var rules, fields strings.Builder
	rules.WriteString("| field | meaning |\n|---|---|\n")
	docRows(&rules, "", "", reflect.TypeFor[policy.File]())
	fields.WriteString("| field | is |\n|---|---|\n")
	docRows(&fields, ".", "", reflect.TypeFor[Data]())
	want := string(data)
	for marker, text := range map[string]string{"policy": rules.String(), "fields": fields.String()} {
		before, rest, ok := strings.Cut(want, "<!-- "+marker+" -->\n")
		_, after, ok2 := strings.Cut(rest, "<!-- /"+marker+" -->")
		if !ok || !ok2 {
			t.Fatalf("%s lacks the markers of %s", path, marker)
		}
		want = before + "<!-- " + marker + " -->\n" + text + "<!-- /" + marker + " -->" + after
	}
	switch {
	case want == string(data):
	case !*update:
		t.Errorf("%s is not what the structs are: go test ./notify -run AlertsDoc -update", path)
	default:
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func docRows(b *strings.Builder, dot, prefix string, t reflect.Type) {
	for f := range t.Fields() {
		name := f.Name
		if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag != "" {
			name = tag
		}
		if help := f.Tag.Get("help"); help != "" {
			fmt.Fprintf(b, "| `%s%s%s` | %s |\n", dot, prefix, name, strings.ReplaceAll(help, "|", `\|`))
		}
		switch {
		case f.Type.Kind() == reflect.Struct:
			docRows(b, dot, prefix+name+".", f.Type)
		case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
			docRows(b, dot, prefix+name+"[].", f.Type.Elem())
		}
	}
}

// TestData_IsPlain: templates reach no method, and nothing but what is listed.
func TestData_IsPlain(t *testing.T) {
	var walk func(reflect.Type)
	walk = func(u reflect.Type) {
		if u.NumMethod() > 0 || reflect.PointerTo(u).NumMethod() > 0 {
			t.Errorf("%s has methods", u)
		}
		switch u.Kind() {
		case reflect.Struct:
			for f := range u.Fields() {
				if f.Tag.Get("help") == "" {
					t.Errorf("%s.%s is not documented", u, f.Name)
				}
				walk(f.Type)
			}
		case reflect.Slice:
			walk(u.Elem())
		case reflect.String, reflect.Int, reflect.Bool:
		default:
			t.Errorf("%s is a %s", u, u.Kind())
		}
	}
	walk(reflect.TypeFor[Data]())
}

// TestWebhook_Golden is the JSON that webhooks and programs get.
func TestWebhook_Golden(t *testing.T) {
	m := testMessage(wire.ReasonOpened)
	data, err := json.MarshalIndent(payloadOf(m), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "webhook.golden", string(data)+"\n")
}
